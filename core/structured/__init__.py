"""Answers in JSON: asking for them, checking them, and having one that broke the rules mended.

Pure but for `read_schema`'s imports: text in, text or `Violation` out.
"""

from core.structured.asking import asked_of, repair_messages
from core.structured.checks import check_answer, check_refusal, refused_output, verdict
from core.structured.schemas import read_schema
from core.structured.violations import Violation, find_violations

__all__ = (
    "Violation",
    "asked_of",
    "check_answer",
    "check_refusal",
    "find_violations",
    "read_schema",
    "refused_output",
    "repair_messages",
    "verdict",
)
