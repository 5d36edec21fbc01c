from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.figures import count, data_size, duration, money, price, sparkline, speed
from app.tui.status_line import Status, lines
from core.chat import RateLimits

FULL = Status(
    state="Answering",
    tone="busy",
    simulated=True,
    provider="groq",
    model="openai/gpt-oss-120b",
    queued=2,
    first_token=0.042,
    tokens_per_second=812.4,
    speeds=(0.0, 500.0, 800.0, 812.0),
    turn_tokens=1234,
    turn_cost=Decimal("0.00042"),
    turn_estimated=True,
    session_cost=Decimal("0.0123"),
    session_tokens=20_000,
    today_cost=Decimal("1.5"),
    today_tokens=2_000_000,
    context_used=4_000,
    context_window=131_072,
    limits=RateLimits(limit_requests=1000, remaining_requests=999, limit_tokens=8000, remaining_tokens=500),
)


def text(status: Status, width: int) -> tuple[str, str]:
    first, second = lines(status, width)
    return "".join(span.text for span in first), "".join(span.text for span in second)


def test_with_room_everything_is_said() -> None:
    first, second = text(FULL, 160)
    for part in (
        "SIMULATED",
        "● Answering",
        "2 queued",
        "openai/gpt-oss-120b via groq",
        "42 ms to first token",
    ):
        assert part in first
    assert "812 tok/s ▅██" in first
    for part in ("turn ~1.2k tok ~$0.00042", "session 20k tok $0.012", "today 2M tok $1.50", "3% of 131k"):
        assert part in second
    assert "999 requests/day · 500 tokens/min left" in second


def test_eighty_columns_keep_what_matters() -> None:
    first, second = text(replace(FULL, queued=0), 78)
    assert all(part in first for part in ("SIMULATED", "Answering", "gpt-oss-120b", "42 ms", "812 tok/s"))
    assert all(part in second for part in ("~$0.00042", "session", "today", "context 3%"))


def test_a_model_of_this_machine_is_labelled_at_any_width() -> None:
    offline = replace(
        FULL,
        simulated=False,
        provider="embedded",
        model="smollm2-135m",
        caution="small model, may be wrong",
        queued=0,
    )
    assert "smollm2-135m via embedded   small model, may be wrong" in text(offline, 160)[0]
    assert text(offline, 60)[0].startswith(" OFFLINE ")
    assert "may be wrong" in text(offline, 60)[0]


@given(width=st.integers(0, 200), simulated=st.booleans(), queued=st.integers(0, 3))
def test_no_width_is_overrun_and_the_badge_goes_last(width: int, simulated: bool, queued: int) -> None:
    first, second = text(replace(FULL, simulated=simulated, queued=queued), width)
    assert len(first) <= width
    assert len(second) <= width
    if simulated and width >= 11:
        assert first.startswith(" SIMULATED ")


def test_an_estimate_wears_a_tilde_and_the_bill_replaces_it() -> None:
    assert "~$0.00042" in text(FULL, 120)[1]
    billed = text(replace(FULL, turn_estimated=False), 160)[1]
    assert "~" not in billed
    assert "$0.00042 billed" in billed


def test_totals_that_hold_an_estimate_wear_a_tilde_too() -> None:
    spent = replace(FULL, session_tokens=900, session_cost=Decimal("0.002"), totals_estimated=True)
    assert "session ~900 tok ~$0.0020" in text(spent, 200)[1]


def test_an_unknown_price_is_no_number() -> None:
    assert "price unknown" in text(replace(FULL, turn_cost=None, turn_estimated=False), 160)[1]


def test_little_room_is_a_warning() -> None:
    tones = {span.text: span.tone for line in lines(FULL, 160) for span in line}
    assert tones["500"] == "warning"
    assert tones["999"] == "plain"
    full = lines(replace(FULL, context_used=130_000), 160)[1]
    assert ("99%", "error") in [(span.text, span.tone) for span in full]


def test_figures_read_as_people_write_them() -> None:
    assert [
        money(Decimal(value)) for value in ("0", "0.0000004", "0.0000123", "0.00456", "0.0123", "1234.5")
    ] == [
        "$0",
        "<$0.000001",
        "$0.000012",
        "$0.0046",
        "$0.012",
        "$1,234.50",
    ]
    assert [money(Decimal(value)) for value in ("-0.5", "-1234.5", "-0.0000004")] == [
        "-$0.500",
        "-$1,234.50",
        "-<$0.000001",
    ]
    assert money(None) == "price unknown"
    assert [count(value) for value in (None, 999, 1000, 1234, 131_072, 2_500_000)] == [
        "?",
        "999",
        "1k",
        "1.2k",
        "131k",
        "2.5M",
    ]
    assert [duration(value) for value in (None, 0.0421, 1.25, 90, 7200, 1_814_400)] == [
        "-",
        "42 ms",
        "1.2 s",
        "2 min",
        "2 h",
        "21 d",
    ]
    assert [data_size(value) for value in (12, 1500, 10_000_000)] == ["12 B", "1.5 kB", "10.0 MB"]
    prices = ("0.15", "0.6", "0.075", "0.0375", "4.000", "0", "20")
    assert [price(Decimal(value)) for value in prices] == [
        "0.15",
        "0.60",
        "0.075",
        "0.0375",
        "4.00",
        "0.00",
        "20.00",
    ]
    assert speed(None) == "- tok/s"
    assert sparkline([0, 0, 5, 10], 8) == "▅█"
    assert sparkline([0, 0], 8) == ""


@given(st.lists(st.floats(0, 5000), max_size=40), st.integers(0, 30))
def test_a_sparkline_is_never_wider_than_asked(values: list[float], width: int) -> None:
    assert len(sparkline(values, width)) <= width
