"""An answer in one piece, or what is left of it where a fault breaks it."""

from __future__ import annotations

from collections.abc import Mapping

from app.simulator.exchange import Exchange
from app.simulator.faults import OVERSIZED, event_error
from app.simulator.options import Fault

__all__ = ("give_whole",)


async def give_whole(
    exchange: Exchange, answer: bytes, headers: Mapping[str, str], fault: Fault | None
) -> None:
    """Write an answer.

    What a fault within an answer is where nothing streams: half of it, or an error status.

    Raises:
        ApiError: that error.
    """
    half = answer[: len(answer) // 2]
    match fault and fault.kind:
        case None:
            await exchange.answer(200, answer, headers)
            exchange.note("answered")
        case "end" | "garbage_event":
            exchange.note("broken")
            await exchange.answer(200, half, headers)
        case "oversized_event":
            padding = b',"padding":"' + b"x" * OVERSIZED + b'"}'
            await exchange.answer(200, answer[:-1] + padding, headers)
        case "cut" | "cut_reset" | "stall" as kind:
            await exchange.start(200, {**headers, "content-length": str(len(answer))})
            await exchange.write(half)
            if kind == "stall":
                await exchange.hang()
            await exchange.break_off(reset=kind == "cut_reset")
        case _:
            assert fault is not None
            raise event_error(fault)
