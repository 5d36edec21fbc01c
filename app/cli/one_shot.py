"""One question, one answer: from the assistant's events to stdout."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from app.cli.answer_output import AnswerOutput
from app.cli.failures import exit_status, one_line, report
from app.cli.output import emit_json, note
from app.cli.progress import Progress
from core.chat.events import RouteChosen, TextDelta
from core.costs.meter import Meter, Reading
from core.errors import InputError, OutputInvalid, TensorWallError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.composition import Services
    from app.tool_uses import ToolUse
    from core.assistant import Turn
    from core.chat import ResponseFormat
    from core.chat.messages import Message
    from core.conversations import Session
    from core.tools.session_tools import SessionTools

__all__ = ("Answer", "Asked", "answer_once", "print_answer", "tools_of")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks of ``chat``, beside the question.

    Attributes:
        latest: continue the session written to last.
        session_id: continue this session; an unambiguous beginning of its id.
        as_object: write one JSON object about the answer in place of the answer.
        tools: offer tools to the model; ``None`` leaves it to the settings.
        allow_tools: let it call what has an effect without asking.
        files: what was attached.
    """

    model: str | None = None
    system: str | None = None
    latest: bool = False
    session_id: str | None = None
    response_format: ResponseFormat | None = None
    stats: bool = False
    as_object: bool = False
    demo: bool = False
    offline: bool = False
    tools: bool | None = None
    allow_tools: bool = False
    files: tuple[Path, ...] = ()

    @property
    def is_collected(self) -> bool:
        """Whether the answer is written when it is whole, since it may yet be mended, or begin anew."""
        return self.as_object or self.response_format is not None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one turn.

    Attributes:
        text: what arrived, all of it or up to where it broke off; of an answer that was mended, the
            better one.
        error: what broke it off; ``None`` for a whole answer.
        tools: what the model called.
    """

    text: str
    route: RouteChosen | None
    reading: Reading
    error: TensorWallError | None
    tools: Sequence[ToolUse] = ()


async def answer_once(message: Message, asked: Asked) -> int:
    """Ask, write the answer to stdout and return the exit status."""
    from app.cli.services import open_services

    async with open_services(demo=asked.demo, offline=asked.offline, goes_offline=True) as services:
        turn = await start_turn(services, message, asked, tools_of(services, asked))
        answer = await print_answer(services, turn, silent=asked.is_collected)
        if asked.as_object:
            emit_json(_as_object(services, turn, answer))
        elif asked.response_format and answer.text and not _is_half(answer):
            from app.cli.json_output import emit_answer

            emit_answer(answer.text, valid=answer.error is None)
        if answer.error:
            report(answer.error)
            return exit_status(answer.error)
        if asked.stats:
            note(stats_line(turn, answer))
    return 0


def _is_half(answer: Answer) -> bool:
    """Whether it broke off; one that only breaks the rules is whole, and the user may mend it."""
    return answer.error is not None and not isinstance(answer.error, OutputInvalid)


async def print_answer(services: Services, turn: Turn, *, silent: bool = False) -> Answer:
    """Write a turn to stdout as it streams; remarks go to stderr.

    When the task is cancelled (Ctrl-C) what arrived is written and kept before that is passed on.

    Args:
        services: whose settings say when silence is worth a remark.
        turn: a turn nobody has read from.
        silent: keep the answer off stdout.

    Raises:
        ReaderGone: stdout was closed by its reader; the turn was stopped then.
    """
    task = asyncio.current_task()
    assert task is not None
    output = AnswerOutput(stopped=task.cancel)
    progress = Progress(
        output.remark,
        silence=services.settings.network.stall_notice,
        awaited_servers=lambda: services.tools.awaited_servers,
    )
    meter = Meter(time.monotonic, None)
    error: TensorWallError | None = None
    if services.simulated:
        output.remark("simulated: these answers come from the demo, not from a model")
    try:
        async for event in turn:
            progress.on_event(event)
            meter.on_event(event)
            if isinstance(event, TextDelta) and not silent:
                output.text(event.text)
    except TensorWallError as failure:
        error = failure
    except asyncio.CancelledError:
        await turn.aclose()
        if output.broken:
            task.uncancel()
            await output.finish()  # says why nothing more can be written
        output.remark(f"stopped; what arrived is kept in session {turn.session_id}")
        await output.abandon()
        raise
    finally:
        meter.finished()
        progress.stop()
    await turn.aclose()
    if turn.left_out:
        output.remark(f"the {turn.left_out} oldest messages were left out: the model's window has no room")
    if not error and not turn.text:
        output.remark("the answer is empty: the model wrote nothing")
    await output.finish()
    if turn.storage_error:
        report(turn.storage_error)
        what = "What arrived is above" if error else "The answer is whole"
        note(f"{what}, but this session does not keep it.")
    return Answer(turn.text, progress.route, meter.reading(), error, progress.tools.ended)


def tools_of(services: Services, asked: Asked) -> SessionTools:
    """The tools that the command line asks for."""
    from app.cli.tools import session_tools

    return session_tools(services, on=asked.tools, allow=asked.allow_tools, files=asked.files)


async def start_turn(services: Services, message: Message, asked: Asked, tools: SessionTools) -> Turn:
    """The turn that answers ``message`` in the session the command line names, or in a new one.

    Raises:
        InputError: there is no such session.
    """
    from core.assistant import ReplyOptions

    session_id = None
    if asked.latest or asked.session_id:
        session_id = (await find_session(services, asked.session_id)).id
    return services.assistant.reply(
        session_id,
        message,
        model=asked.model,
        options=ReplyOptions(
            system_prompt=asked.system,
            response_format=asked.response_format,
            toolbox=tools,
            irrevocable="nothing" if asked.is_collected else "text",
        ),
    )


async def find_session(services: Services, id_or_prefix: str | None) -> Session:
    """A session, or the one written to last.

    Raises:
        InputError: there is no such session, or none at all.
    """
    conversations = (await services.records()).conversations
    if id_or_prefix:
        return await conversations.get(id_or_prefix)
    latest = await conversations.latest()
    if latest is None:
        raise InputError("There is no session to continue.", hint="Leave out -c to start one.")
    return latest


def _as_object(services: Services, turn: Turn, answer: Answer) -> dict[str, Any]:
    """The answer for programs; see the help of ``--output``.

    ``cost_usd`` is a JSON number with all its digits: it has far fewer than the 15 a double keeps.
    """
    usage = turn.usage
    reading = answer.reading
    return {
        "text": answer.text,
        "model": answer.route.model if answer.route else None,
        "provider": answer.route.provider if answer.route else None,
        "route": answer.route.route if answer.route else None,
        "session_id": turn.session_id,
        "usage": None
        if usage is None
        else {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
            "cached_tokens": usage.cached_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
            "estimated": usage.estimated,
        },
        "cost_usd": None if turn.cost is None else float(turn.cost),
        "ttft_ms": None if reading.ttft is None else round(reading.ttft * 1000, 1),
        "tokens_per_second": (
            None if reading.average_tokens_per_second is None else round(reading.average_tokens_per_second, 1)
        ),
        "tool_calls": [asdict(use) for use in answer.tools],
        "finish_reason": turn.response.finish_reason if turn.response else None,
        "simulated": services.simulated,
        "error": one_line(answer.error.message) if answer.error else None,
        "violations": [asdict(violation) for violation in turn.violations],
    }


def stats_line(turn: Turn, answer: Answer) -> str:
    """Speed, tokens and money of a turn, in one line."""
    from app.figures import duration, money, speed

    usage, reading = turn.usage, answer.reading
    mark = "~" if reading.estimated else ""
    tokens = (
        f"{usage.prompt_tokens} + {usage.completion_tokens} tokens"
        if usage
        else f"{mark}{reading.tokens} tokens"
    )
    parts = [
        f"{answer.route.provider} {answer.route.model}" if answer.route else "no route",
        f"first token {duration(reading.ttft)}",
        speed(reading.average_tokens_per_second),
        tokens,
        money(turn.cost, estimated=reading.estimated),
        f"session {turn.session_id}",
    ]
    return " · ".join(parts)
