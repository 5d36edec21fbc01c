"""The keys of the review, by where they work; light to import, for the help lists them all."""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding, BindingType

__all__ = (
    "CHARTS",
    "GROUPS",
    "QUESTIONS",
    "SCREEN",
    "SESSIONS",
    "TURN",
    "TURNS",
    "VIEWS",
    "bindings_of_the_review",
)

_SORT = Binding.Group("Sort", compact=True)
_DETAILS = Binding.Group("Details", compact=True)
_CHOOSE = Binding.Group("Choose", compact=True)


def _open_in_chat() -> Binding:
    return Binding("o", "open_in_chat", "In chat", id="review.chat", tooltip="Show the answer in the chat")


def _choosing() -> list[BindingType]:
    return [
        Binding("left", "choose(-1)", "The one before", id="review.previous", group=_CHOOSE),
        Binding("right", "choose(1)", "The next one", id="review.next", group=_CHOOSE),
    ]


SCREEN: list[BindingType] = [
    Binding("slash", "filter", "Filter", id="review.filter"),
    Binding("e", "export", "Export", id="review.export"),
    Binding("r", "refresh_view", "Refresh", id="review.refresh"),
    Binding("f1", "help", "Help", id="review.help"),
    Binding("escape,q", "back", "Back", id="review.back"),
    Binding("1", "view('sessions')", "Sessions", id="review.sessions", show=False),
    Binding("2", "view('groups')", "Groups", id="review.groups", show=False),
    Binding("3", "view('charts')", "Charts", id="review.charts", show=False),
    Binding("4", "view('questions')", "Questions", id="review.questions", show=False),
    Binding("5", "view('budgets')", "Budgets", id="review.budgets", show=False),
    Binding("t", "period('today')", "Today", id="review.today", show=False),
    Binding("w", "period('week')", "This week", id="review.week", show=False),
    Binding("m", "period('month')", "This month", id="review.month", show=False),
    Binding("a", "period('all')", "All time", id="review.all", show=False),
    Binding("c", "question('caching')", "What caching saved", id="review.caching", show=False),
    Binding("f", "question('detours')", "What detours cost", id="review.detours", show=False),
    Binding("x", "question('model')", "The same on another model", id="review.model", show=False),
    Binding("d", "question('dearest')", "The dearest sessions", id="review.dearest", show=False),
]
"""Wherever one is in the review."""

SESSIONS: list[BindingType] = [
    Binding("enter", "open", "Turns", id="review.open"),
    _open_in_chat(),
    Binding("left", "sort(-1)", "Sort by the column before", id="review.sort_previous", group=_SORT),
    Binding("right", "sort(1)", "Sort by the column after", id="review.sort_next", group=_SORT),
    Binding("v", "reverse", "Reverse", id="review.reverse"),
]
TURNS: list[BindingType] = [
    Binding("enter", "open", "Calls", id="review.open_turn"),
    _open_in_chat(),
]
TURN: list[BindingType] = [
    _open_in_chat(),
    Binding("shift+up", "scroll_details(-1)", "Details up", id="review.details_up", group=_DETAILS),
    Binding("shift+down", "scroll_details(1)", "Details down", id="review.details_down", group=_DETAILS),
]
GROUPS: list[BindingType] = [
    Binding("enter", "open", "Its sessions", id="review.open_group"),
    *_choosing(),
]
CHARTS: list[BindingType] = _choosing()
QUESTIONS: list[BindingType] = [
    *_choosing(),
    Binding("m", "ask('month')", "Is the month on track", id="review.on_track", show=False),
    Binding("enter", "open", "Turns", id="review.open_dearest", show=False),
]

VIEWS = {
    "Sessions": SESSIONS,
    "Turns": TURNS,
    "Calls": TURN,
    "Groups": GROUPS,
    "Charts": CHARTS,
    "Questions": QUESTIONS,
}


def bindings_of_the_review() -> list[Binding]:
    """Each once, whatever views it works in."""
    found: dict[str, Binding] = {}
    for binding in _all():
        if isinstance(binding, Binding) and binding.id:
            found.setdefault(binding.id, binding)
    return list(found.values())


def _all() -> Iterable[BindingType]:
    yield from SCREEN
    for bindings in VIEWS.values():
        yield from bindings
