"""`tensorwall doctor`: every part TensorWall stands on, what is wrong with it and the exact mend."""

from __future__ import annotations

import asyncio

import click

from app.cli.finding import emit_findings
from app.cli.options import table_or_json
from app.cli.output import note

__all__ = ("doctor",)


@click.command()
@table_or_json
def doctor(*, form: str) -> int:
    """Check settings, database, keys, network, the model of this machine, terminal and voice.

    Exit status 1 when something that is needed is broken.
    """
    from app.cli.checks import check_database, check_offline, check_providers, check_settings
    from app.cli.terminal_checks import check_terminal
    from app.cli.voice_checks import check_voice

    findings = [*check_settings()]
    if findings[0].state != "broken":
        note("asking the providers…")
        findings += check_database()
        findings += asyncio.run(check_providers())
        findings += check_offline()
    findings += check_terminal()
    findings += asyncio.run(check_voice())
    return 0 if emit_findings(findings, form) else 1
