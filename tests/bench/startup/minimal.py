"""The least Textual app there is: what start-up is compared with."""

from textual.app import App, ComposeResult
from textual.widgets import Static


class Minimal(App[None]):
    """One line of text."""

    def compose(self) -> ComposeResult:
        """Just that."""
        yield Static("ready")


Minimal().run()
