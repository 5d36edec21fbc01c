"""What a check finds, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from app.cli.output import emit, emit_json

__all__ = ("Finding", "State", "emit_findings")

State = Literal["ok", "note", "broken"]

_WORDS: dict[State, str] = {"ok": "ok", "note": "note", "broken": "BROKEN"}


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


def emit_findings(findings: Iterable[Finding], form: str) -> bool:
    """Write them to stdout as a table or as ``json``; whether nothing is broken."""
    findings = list(findings)
    if form == "json":
        emit_json([asdict(finding) for finding in findings])
    else:
        _emit_table(findings)
    return all(finding.state != "broken" for finding in findings)


def _emit_table(findings: list[Finding]) -> None:
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        emit(f"{_WORDS[finding.state]:6}  {finding.name:{width}}  {finding.finding}")
        if finding.mend:
            emit(f"{'':6}  {'':{width}}  -> {finding.mend}")
