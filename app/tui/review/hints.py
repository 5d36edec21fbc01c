"""The keys that work now, in one line that can be clicked."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widgets import Static

from app.cells import MUTED
from app.tui.key_names import key_names

__all__ = ("Hints",)


class Hints(Static):
    """As many of the shown bindings as fit, the nearest to the focus first; the way back is always there."""

    DEFAULT_CSS = "Hints { height: 1; width: 100%; }"
    ALLOW_SELECT = False

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def on_resize(self) -> None:
        """Fit the width there is."""
        self._changed(self.screen)

    def _changed(self, screen: Screen[object]) -> None:
        if screen.is_current:
            self.update(self._fitted(self._shown()))

    def _shown(self) -> list[tuple[str, Content]]:
        """By the first key of each binding: what it says. Two keys of a group are told together."""
        keys: dict[tuple[str, bool], list[str]] = {}
        for active in self.screen.active_bindings.values():
            if active.binding.show and active.enabled:
                group = active.binding.group
                place = (group.description if group else active.binding.description, group is not None)
                keys.setdefault(place, []).append(active.binding.key)
        return [
            (pressed[0], _hint(pressed, words, paired=paired)) for (words, paired), pressed in keys.items()
        ]

    def _fitted(self, hints: list[tuple[str, Content]]) -> Content:
        back = [hint for hint in hints if hint[0] == "escape"]
        room = self.size.width - sum(content.cell_length + 2 for _, content in back)
        kept: list[Content] = []
        for key, content in hints:
            if key == "escape":
                continue
            if room < content.cell_length + 2:
                break
            kept.append(content)
            room -= content.cell_length + 2
        return Content("  ").join([*kept, *(content for _, content in back)])

    def on_click(self, event: events.Click) -> None:
        """Press the key under the pointer."""
        if key := event.style.meta.get("hint"):
            self.app.simulate_key(key)


def _hint(pressed: list[str], description: str, *, paired: bool) -> Content:
    shown = pressed if paired else pressed[:1]
    parts = [
        Content.styled(key_names(key), "bold $primary").stylize(Style.from_meta({"hint": key}))
        for key in shown
    ]
    words = Content.styled(description, MUTED).stylize(Style.from_meta({"hint": pressed[0]}))
    return Content(" ").join([*parts, words])
