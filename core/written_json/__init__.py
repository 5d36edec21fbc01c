"""JSON as it was written: its tokens, where in the text a value stands, and setting it out for reading.

Imports nothing but the standard library, so that the first paint may use it.
"""

from core.written_json.indenter import Indenter, indented
from core.written_json.json_source import Step, is_json, parse, place_of, pointer_to, tokens
from core.written_json.mending import mended

__all__ = ("Indenter", "Step", "indented", "is_json", "mended", "parse", "place_of", "pointer_to", "tokens")
