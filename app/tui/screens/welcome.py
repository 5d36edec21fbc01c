"""The first screen without a key: paste one, use a server or a model of this machine, or try the demo."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from app.cells import MUTED, one_line
from app.composition import Source
from app.figures import data_size
from app.tui.failures import explain
from app.tui.launch import EmbeddedOffer, Launcher
from core.errors import TensorWallError
from core.offline.models import EMBEDDED

if TYPE_CHECKING:
    from core.providers import Provider

__all__ = ("WelcomeScreen",)

_KEYS_PAGE = "https://console.groq.com/keys"


class WelcomeScreen(ModalScreen["Source | None"]):
    """Closes with where answers come from; ``None`` where the user keeps what there is."""

    CSS_PATH = "welcome.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("escape", "close", "Close", show=False),
    ]

    key_input = query_one("#key", Input)
    message = query_one("#message", Static)
    choices = query_one("#choices", OptionList)

    def __init__(self, launcher: Launcher, embedded: EmbeddedOffer, *, can_close: bool) -> None:
        super().__init__()
        self._launcher = launcher
        self._embedded = embedded
        self._can_close = can_close
        self._servers: Sequence[Provider] = ()

    def compose(self) -> ComposeResult:
        """A key to paste, then the ways without one."""
        with Vertical(id="welcome"):
            yield Static("TensorWall", id="name", markup=False)
            yield Static(
                "Streamed answers in your terminal, with speed and spend always in view.",
                classes="quiet",
                markup=False,
            )
            yield Static("Paste a Groq API key", classes="heading", markup=False)
            yield Input(placeholder="gsk_…", password=True, id="key")
            yield Static(self._explanation(), id="message", markup=False)
            yield Static("Or go on without one", classes="heading", markup=False)
            yield OptionList(*self._options(), id="choices", markup=False, compact=True)
            yield Static(self._hint(), id="hint", classes="quiet", markup=False)

    def on_mount(self) -> None:
        """Look for local servers while the user reads."""
        self.key_input.focus()
        self._look_for_servers()

    def _explanation(self) -> Content:
        return Content.styled(
            f"Checked with Groq, then kept in the system keyring or a private file.\nGet one: {_KEYS_PAGE}",
            MUTED,
        )

    def _hint(self) -> str:
        return "Enter choose   ↑ ↓ move   " + ("Esc close" if self._can_close else "Ctrl+Q quit")

    def _options(self) -> list[Option]:
        demo = Content.assemble(
            ("Try the demo", "bold"), ("   no key, no network; answers are simulated", MUTED)
        )
        return [
            *(Option(_server(server), id=server.name) for server in self._servers),
            Option(_model(self._embedded), id=EMBEDDED),
            Option(demo, id="demo"),
        ]

    @work(exclusive=True, group="servers")
    async def _look_for_servers(self) -> None:
        self._servers = await self._launcher.find_local_servers()
        if self._servers:
            self.choices.set_options(self._options())

    # The key

    @on(Input.Submitted, "#key")
    def _key_submitted(self) -> None:
        if self.key_input.value.strip():
            self._try_key(self.key_input.value)

    @work(exclusive=True, group="key")
    async def _try_key(self, key: str) -> None:
        self._say("Asking Groq…", MUTED)
        try:
            models = await self._launcher.check_key(key)
            where = await asyncio.to_thread(self._launcher.store_key, key)
        except TensorWallError as error:
            told, hint = explain(error)
            self._say(f"{told} {hint}".strip(), "$error")
            self.key_input.focus()
            return
        self.app.notify(f"The key works ({models} models). It is kept in {where}.", markup=False, timeout=10)
        self.dismiss(Source("keys"))

    def _say(self, text: str, tone: str) -> None:
        self.message.update(Content.styled(one_line(text), tone))

    # The other ways

    @on(OptionList.OptionSelected, "#choices")
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        if event.option_id == "demo":
            self.dismiss(Source("demo"))
            return
        if event.option_id == EMBEDDED:
            self._use_embedded()
            return
        server = next(server for server in self._servers if server.name == event.option_id)
        self.dismiss(Source("local", server))

    @work(exclusive=True, group="embedded")
    async def _use_embedded(self) -> None:
        """Use the model of this machine, after offering to fetch it."""
        offer = self._embedded
        if offer.problem:
            self._say(f"{offer.problem}   Then start TensorWall again.", "$warning")
            return
        if offer.fetch is not None:
            from app.tui.screens.chat_model_download import ChatModelDownloadScreen

            screen = ChatModelDownloadScreen(offer.fetch, self._launcher.locations.chat_models_dir)
            if not await self.app.push_screen_wait(screen):
                return
        self.dismiss(Source("embedded"))

    def action_move(self, step: int) -> None:
        """One column of things to choose: the key, then each way without one."""
        choices, at = self.choices, self.choices.highlighted or 0
        if self.key_input.has_focus:
            if step > 0:
                choices.focus()
                choices.highlighted = 0
        elif at + step < 0:
            self.key_input.focus()
        else:
            choices.highlighted = min(choices.option_count - 1, at + step)

    def action_close(self) -> None:
        """Keep what there is, where there is something."""
        if self._can_close:
            self.dismiss(None)


def _model(offer: EmbeddedOffer) -> Content:
    label = one_line(offer.label)
    if offer.problem:
        told = "needs something first"
    elif offer.fetch is not None:
        told = f"{data_size(offer.fetch.size)} to fetch; small, may be wrong"
    else:
        told = "small model, may be wrong"
    return Content.assemble((f"Use {label} on this machine", "bold"), (f"   {told}", MUTED))


def _server(server: Provider) -> Content:
    address = one_line(server.profile.base_url)
    return Content.assemble(
        (f"Use {server.profile.label}", "bold"), (f"   on this machine, {address}", MUTED)
    )
