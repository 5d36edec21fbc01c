"""Keys that are held, repeat and are released, where the terminal tells them.

Textual 8.2.8 asks terminals for presses only, and its parser fails on anything else. The driver and
the parser of this package ask for all three and understand them; everything else stays Textual's.
"""

from app.tui.keyboard.keys import KeyboardReported, KeyReleased, KeyRepeated

__all__ = ("KeyReleased", "KeyRepeated", "KeyboardReported")
