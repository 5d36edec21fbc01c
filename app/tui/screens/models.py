"""The model picker: what each model costs, holds and can do, and which are retired."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.content import Content

from app.cells import MUTED, column, one_line
from app.figures import count, price
from app.tui.failures import explain
from app.tui.fuzzy import score
from app.tui.screens.picker import PickerScreen, Row
from core.errors import TensorWallError

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from core.catalogue import Catalogue, ModelInfo, Price

__all__ = ("ModelScreen",)

_MARKS = {"active": "●", "preview": "◐", "enterprise": "◇", "retired": "○"}
_NARROW = 36
_TONES = {"active": "$success", "preview": "$warning", "enterprise": MUTED, "retired": MUTED}


class ModelScreen(PickerScreen["ModelInfo | str", str]):
    """Closes with the chosen model's name; a name that is in no list can be typed, too."""

    PLACEHOLDER = "Type a model's name, listed or not"
    HINT = "● active ◐ preview ◇ enterprise ○ retired   $/1M in/out   Ctrl+R refresh   Esc close"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "refresh_models", "Refresh", show=False, priority=True)
    ]

    def __init__(
        self,
        catalogue: Catalogue,
        providers: Sequence[str],
        current: str,
        refresh: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__("Model")
        self._catalogue = catalogue
        self._providers = providers
        self._refresh = refresh
        self._prices: dict[tuple[str, str], Price | None] = {}
        self.start_at(current)

    async def rows(self, query: str) -> list[Row[ModelInfo | str]]:
        """Chat models of the providers in use, best match first."""
        found = [
            (value, order, info)
            for order, info in enumerate(self._catalogue.models(kind="chat"))
            if info.provider in self._providers
            and (value := score(query, f"{info.id} {info.label}")) is not None
        ]
        if query:
            found.sort(key=lambda item: (-item[0], item[1]))
        rows: list[Row[ModelInfo | str]] = [self._row(info) for _, _, info in found]
        if query and all(info.id != query for _, _, info in found):
            name = one_line(query)
            rows.append(Row(query, Content.assemble("  Use ", (name, "bold"), " as it is"), query))
        return rows

    def _row(self, info: ModelInfo) -> Row[ModelInfo | str]:
        cost = self._price(info)
        figures = f"{price(cost.input)}/{price(cost.output)}" if cost else "?"
        window = count(info.context_window)
        tone = MUTED if info.state == "retired" else "$foreground"
        mark = (_MARKS[info.state] + " ", _TONES[info.state])
        if self.row_width < _NARROW:
            return Row(info.id, Content.assemble(mark, (one_line(info.id), tone)), info)
        content = Content.assemble(
            mark,
            (column(one_line(info.id), self.row_width - 20), tone),
            (column(figures, 12, right=True), MUTED),
            (column(window, 6, right=True), MUTED),
        )
        return Row(info.id, content, info)

    def _price(self, info: ModelInfo) -> Price | None:
        key = (info.provider, info.id)
        if key not in self._prices:
            self._prices[key] = self._catalogue.price(*key, datetime.now(UTC))
        return self._prices[key]

    async def details(self, row: Row[ModelInfo | str]) -> Content:
        """Everything the catalogue knows, a line each."""
        info = row.value
        if isinstance(info, str):
            return Content(
                "Not in the catalogue. It is sent to the provider under this name; its price is unknown."
            )
        lines: list[tuple[str, str]] = [("Provider", info.provider), ("State", info.state)]
        if info.shutdown_date:
            lines.append(("Shut down", info.shutdown_date.isoformat()))
        if replacement := self._catalogue.replacement(info.provider, info.id):
            lines.append(("Replaced by", replacement))
        lines.append(("Window", f"{count(info.context_window)} tokens"))
        lines.append(("Answer up to", f"{count(info.max_output_tokens)} tokens"))
        cost = self._price(info)
        if cost is None:
            lines.append(("Price", "unknown"))
        else:
            lines += [("Input", f"${price(cost.input)}"), ("Output", f"${price(cost.output)}")]
            if cost.cached_input is not None:
                lines.append(("Cached input", f"${price(cost.cached_input)}"))
        if info.claimed_speed:
            lines.append(("Claimed speed", f"{info.claimed_speed} tok/s"))
        parts = [Content.styled(one_line(info.label), "bold $primary")]
        parts += [Content.assemble((column(name, 15), MUTED), one_line(value)) for name, value in lines]
        if info.capabilities:
            parts += [
                Content(""),
                Content(", ".join(sorted(word.replace("_", " ") for word in info.capabilities))),
            ]
        if info.reasoning_efforts:
            parts.append(Content.assemble(("effort  ", MUTED), ", ".join(info.reasoning_efforts)))
        return Content("\n").join(parts)

    def choose(self, row: Row[ModelInfo | str]) -> None:
        """Close with the model's name."""
        self.dismiss(row.key)

    @work(exclusive=True, group="refresh")
    async def action_refresh_models(self) -> None:
        """Ask the providers what they serve today."""
        try:
            await self._refresh()
        except TensorWallError as error:
            message, hint = explain(error)
            self.notify(f"{message} {hint}".strip(), severity="error", markup=False)
            return
        self._prices.clear()
        self.reload()
        self.notify("The list of models is up to date.", markup=False)
