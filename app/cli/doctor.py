"""`tensorwall doctor`: every part TensorWall stands on, what is wrong with it and the exact mend."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import click

from app.cli.finding import Finding
from app.cli.options import table_or_json
from app.cli.output import emit, emit_json, note

__all__ = ("doctor",)

_WORDS = {"ok": "ok", "note": "note", "broken": "BROKEN"}


@click.command()
@table_or_json
def doctor(*, form: str) -> int:
    """Check settings, database, keys, network, terminal and voice.

    Exit status 1 when something that is needed is broken.
    """
    from app.cli.checks import check_database, check_providers, check_settings
    from app.cli.terminal_checks import check_terminal
    from app.cli.voice_checks import check_voice

    findings = [*check_settings()]
    if findings[0].state != "broken":
        note("asking the providers…")
        findings += check_database()
        findings += asyncio.run(check_providers())
    findings += check_terminal()
    findings += asyncio.run(check_voice())
    if form == "json":
        emit_json([asdict(finding) for finding in findings])
    else:
        _emit(findings)
    return 1 if any(finding.state == "broken" for finding in findings) else 0


def _emit(findings: list[Finding]) -> None:
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        emit(f"{_WORDS[finding.state]:6}  {finding.name:{width}}  {finding.finding}")
        if finding.mend:
            emit(f"{'':6}  {'':{width}}  -> {finding.mend}")
