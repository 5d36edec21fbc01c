"""Receipts: parts that add up, and what of them was speculation."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.voice.receipt import Receipt, ReceiptBuilder

SPANS = st.floats(0, 10)


@given(SPANS, SPANS, SPANS, SPANS)
def test_the_parts_add_up_to_the_total(endpoint: float, text: float, token: float, audio: float) -> None:
    builder = ReceiptBuilder(1)
    decided = 100 + endpoint
    builder.committed(spoke_until=100, decided=decided, revision=0, at=decided + text)
    builder.token_came(decided + text + token)
    builder.audio_came(decided + text + token + audio)
    receipt = builder.build()
    parts = (receipt.endpoint, receipt.transcript, receipt.first_token, receipt.first_audio)
    assert sum(part or 0.0 for part in parts) == pytest.approx(receipt.total, abs=1e-6)


def test_what_speculation_had_ready_took_no_time() -> None:
    builder = ReceiptBuilder(1)
    builder.transcript_asked(0, at=100.1)
    builder.reply_asked_early()
    builder.token_came(100.3)
    builder.committed(spoke_until=100, decided=100.4, revision=0, at=100.4)
    builder.audio_came(100.5)
    receipt = builder.build()
    assert (receipt.transcript, receipt.first_token) == (0, 0)
    assert receipt.first_audio == pytest.approx(0.1)
    assert (receipt.speculated, receipt.discarded) == (2, 0)


def test_guesses_that_were_dropped_are_counted_and_paid_for() -> None:
    builder = ReceiptBuilder(1)
    builder.transcript_asked(0, at=100.1)
    builder.reply_asked_early()
    builder.reply_dropped(Decimal("0.002"))
    builder.transcript_asked(1, at=103.1)
    builder.committed(spoke_until=103, decided=103.2, revision=1, at=103.3)
    receipt = builder.build()
    assert (receipt.speculated, receipt.discarded, receipt.speculation_cost) == (3, 2, Decimal("0.002"))
    builder.reply_dropped(None)
    assert builder.build().speculation_cost is None


def test_a_transcript_that_was_asked_for_at_the_end_is_no_guess() -> None:
    builder = ReceiptBuilder(1)
    builder.committed(spoke_until=100, decided=100.2, revision=0, at=100.6)
    builder.transcript_asked(0, at=100.2)
    assert builder.build().speculated == 0


def test_parts_that_did_not_happen_are_unknown() -> None:
    assert ReceiptBuilder(7).build() == Receipt(7)
