"""The keys of the routes' screen; light to import, for the help lists them all."""

from __future__ import annotations

from textual.binding import Binding, BindingType

__all__ = ("SCREEN", "bindings_of_the_routes")

_ANSWERS = Binding.Group("Other answers", compact=True)
_DETAILS = Binding.Group("Details", compact=True)

SCREEN: list[BindingType] = [
    Binding("left", "step(-1)", "The answer before", id="routes.earlier", group=_ANSWERS),
    Binding("right", "step(1)", "The answer after", id="routes.later", group=_ANSWERS),
    Binding("shift+up", "scroll_details(-1)", "Details up", id="routes.details_up", group=_DETAILS),
    Binding("shift+down", "scroll_details(1)", "Details down", id="routes.details_down", group=_DETAILS),
    Binding("r", "reread", "Refresh", id="routes.refresh"),
    Binding("f1", "help", "Help", id="routes.help"),
    Binding("escape,q", "back", "Back", id="routes.back"),
    Binding("1", "show('routes')", "Routes", id="routes.list", show=False),
    Binding("2,w", "show('why')", "Why this route", id="routes.why", show=False),
]


def bindings_of_the_routes() -> list[Binding]:
    """Those that can be changed."""
    return [binding for binding in SCREEN if isinstance(binding, Binding)]
