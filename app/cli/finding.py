"""What the doctor finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ("Finding", "State")

State = Literal["ok", "note", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One part and how it is.

    Attributes:
        name: the part, such as ``groq``.
        state: ``note`` is worth knowing and keeps nothing from working.
        finding: what was found, one sentence.
        mend: what to do about it, exactly; empty where nothing has to be done.
    """

    name: str
    state: State
    finding: str
    mend: str = ""
