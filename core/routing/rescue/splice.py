"""The events of a call that goes on with an answer: what it says again is left out of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from core.chat import Event, Finished, ReasoningDelta, Relayed, TextDelta
from core.errors import UnexpectedResponse
from core.routing.rescue.continuation import last_sentence
from core.routing.rescue.overlap import OverlapTrimmer
from core.routing.running_call import RunningCall

__all__ = ("spliced",)


async def spliced(upstream: AsyncGenerator[Event], said: str, running: RunningCall) -> AsyncGenerator[Event]:
    """Pass on what is new to an answer of which ``said`` has been passed on.

    The call's reasoning is left out, since it is about how to go on, and so are pieces as the provider
    wrote them, which belong to an answer of their own.

    Raises:
        UnexpectedResponse: the call gives another answer, which cannot be joined to this one.
    """
    unused, candidate = running.answer.unused_pieces, running.candidate
    # A model that goes on by itself repeats nothing, but for what belongs there.
    trimmer = OverlapTrimmer("" if candidate.prefills else said, sentence=last_sentence(said))
    try:
        async with aclosing(upstream):
            async for event in upstream:
                if type(event) is TextDelta:
                    new = trimmer.feed(event.text)
                    if new:
                        yield event if new is event.text else TextDelta(new)
                elif type(event) is Finished:
                    if rest := trimmer.finish():
                        yield TextDelta(rest)
                    if not trimmer.lost:
                        yield event
                elif type(event) is ReasoningDelta:
                    unused.append(event.text)
                elif type(event) is not Relayed:
                    yield event
                if trimmer.lost:
                    raise UnexpectedResponse(
                        f"{candidate.label} gave another answer in place of the rest of this one.",
                        provider=candidate.provider.name,
                    )
    finally:
        unused.append(trimmer.left_out)
