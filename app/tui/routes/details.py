"""All that is known of one route, in words and small bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import get_args

from textual.content import Content

from app.cells import MUTED, column, one_line
from app.figures import count, duration, money, speed
from app.tui.routes.standing import Standing
from app.warmth_words import warmth_in_words
from app.why_route import FAULTS, calls_in_words, fault_in_words
from core.chat import LimitKind
from core.chat.delay import Delay, Fault
from core.review import RouteRecord
from core.routing.limits.admission import LIMIT_NAMES
from core.routing.limits.allowance import LimitLevel

__all__ = ("delay_bar", "facts_lines", "level_line", "paragraph", "route_details")

_NAMES = 11
_LIMITS = 19
_LONGEST_BAR = 30
_LOW = 0.1
_MARKS: dict[Fault, tuple[str, str]] = {
    "network": ("╌", MUTED),
    "queue": ("·", MUTED),
    "prompt": ("░", "$primary"),
    "generation": ("▒", "$accent"),
}
"""Told by shape as well as by colour, as in the review's waterfall."""


def route_details(standing: Standing, width: int) -> Content:
    """Its place, state, speed, limits, errors and cost, in lines of ``width`` cells."""
    health, record = standing.health, standing.record
    title = Content.assemble((one_line(health.label), "bold $primary"), f"  {one_line(health.model)}")
    lines = [title, *facts_lines(_first_facts(standing), width)]
    if record is not None:
        lines += facts_lines(_speeds(record), width)
        if record.delay is not None:
            lines += _delay_lines(record.delay, health.label, width)
    lines += _levels(health.levels, width)
    lines += facts_lines(_last_facts(record), width)
    return Content("\n").join(lines)


def facts_lines(facts: Sequence[tuple[str, str]], width: int) -> list[Content]:
    """A fact a line, or as many as it takes beside its name."""
    lines: list[Content] = []
    for name, told in facts:
        first, *others = wrap(one_line(told), max(20, width - _NAMES)) or [""]
        lines.append(Content.assemble((column(name, _NAMES), MUTED), first))
        lines += [Content(" " * _NAMES + row) for row in others]
    return lines


def paragraph(told: str, width: int) -> list[Content]:
    """A text in lines of ``width`` cells."""
    return [Content(row) for row in wrap(one_line(told), width)]


def level_line(kind: LimitKind, level: LimitLevel | None, width: int) -> Content:
    """One limit: a bar of what is left, and the numbers; ``width`` is that of the bar."""
    name = Content(column(LIMIT_NAMES[kind], _LIMITS))
    if level is None:
        return name + Content.assemble((" " * width, MUTED), "  unknown")
    share = min(1.0, level.free / level.limit)
    cells = max(1, round(share * width)) if level.free >= 1 else 0
    tone = "$error" if not cells else "$warning" if share <= _LOW else "$success"
    told = f"  {level.free:,.0f} of {level.limit:,.0f} left"
    full = f", all in {duration(level.whole_in)}" if level.whole_in >= 1 else ""
    return name + Content.assemble(("━" * cells, tone), ("─" * (width - cells), MUTED), told, (full, MUTED))


def delay_bar(delay: Delay, width: int) -> Content:
    """The parts of the time to the first word, ``width`` cells in all."""
    bar, at, ended = Content(""), 0.0, 0
    for fault, seconds in delay.parts():
        at += seconds
        end = round(at / delay.whole * width) if delay.whole else 0
        mark, tone = _MARKS[fault]
        bar += Content.styled(mark * (end - ended), tone)
        ended = end
    return bar


def _first_facts(standing: Standing) -> list[tuple[str, str]]:
    health = standing.health
    facts = []
    if standing.skipped:
        facts.append(("Skipped", standing.skipped))
    elif standing.place == 1:
        facts.append(("Next", f"is asked next: {standing.reason}"))
    elif standing.place is not None:
        facts.append(("Next", f"is number {standing.place}: {standing.reason}"))
    problem = f" {health.problem}," if health.problem and health.problem != standing.skipped else ""
    lately = f", {health.failed} of {calls_in_words(health.calls)} failed lately" if health.failed else ""
    circuit = health.circuit.replace("_", " ")
    facts.append(("State", f"{standing.state},{problem} circuit {circuit}{lately}"))
    facts.append(("Connection", warmth_in_words(health.warmth)))
    facts.append(("Route", f"{', '.join(standing.patterns)} · priority {health.priority}"))
    return facts


def _speeds(record: RouteRecord) -> list[tuple[str, str]]:
    told = []
    if record.first_content is not None:
        half, most = duration(record.first_content), duration(record.slow_first_content)
        told.append(f"first word after {half} (p50), {most} (p95)")
    if record.tokens_per_second is not None:
        told.append(speed(record.tokens_per_second))
    return [("Speed", ", ".join(told))] if told else []


def _delay_lines(delay: Delay, label: str, width: int) -> list[Content]:
    if delay.network is None:
        told = f"network, queue and prompt take {duration(delay.untold)}; {label} does not tell them apart"
        return facts_lines([("Delay", told)], width)
    parts = [
        Content.assemble(_MARKS[fault], f" {FAULTS[fault]} {duration(seconds)}")
        for fault, seconds in delay.parts()
    ]
    bar = delay_bar(delay, min(_LONGEST_BAR, width - _NAMES))
    fault = Content.styled(f"  {fault_in_words(delay, label)}", MUTED)
    return [
        Content.assemble((column("Delay", _NAMES), MUTED)) + bar + fault,
        Content(" " * _NAMES) + Content("  ").join(parts),
    ]


def _levels(levels: Sequence[LimitLevel], width: int) -> list[Content]:
    if not levels:
        return facts_lines([("Limits", "unknown: an answer has to tell of them first")], width)
    by_kind = {level.kind: level for level in levels}
    cells = max(6, min(_LONGEST_BAR, width - _NAMES - _LIMITS - 34))
    names = ["Limits", "", "", ""]
    return [
        Content.assemble((column(name, _NAMES), MUTED)) + level_line(kind, by_kind.get(kind), cells)
        for name, kind in zip(names, _kinds(), strict=True)
    ]


def _kinds() -> Iterator[LimitKind]:
    yield from get_args(LimitKind)


def _last_facts(record: RouteRecord | None) -> list[tuple[str, str]]:
    if record is None:
        return [("Calls", "none in the last week")]
    today = record.today
    cost = money(today.cost, estimated=bool(today.estimated_calls))
    unknown = f", {today.unknown_price_calls} at an unknown price" if today.unknown_price_calls else ""
    share = record.failed / record.calls if record.calls else 0.0
    error = f", the last one: {record.last_error}" if record.last_error else ""
    return [
        ("Errors", f"{share:.0%}: {record.failed} of the last {calls_in_words(record.calls)}{error}"),
        ("Today", f"{cost}, {calls_in_words(today.calls)}, {count(today.total_tokens)} tokens{unknown}"),
    ]
