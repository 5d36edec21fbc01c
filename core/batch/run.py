"""Asking the lines of a batch through the router, at the pace that the limits allow."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from core.batch.failed_lines import Meaning, error_line, meaning_of, nobody_answers, told_wait
from core.batch.lane import Lane
from core.batch.lines import BatchInput, BatchLine
from core.batch.output import BatchOutput, OutputLine
from core.batch.progress import BatchProgress
from core.chat import ChatRequest, ChatResponse, UpstreamCall
from core.costs.budgets import has_hard_limit
from core.costs.tokens import at_most
from core.errors import TensorWallError, UnexpectedResponse
from core.providers import Provider
from core.providers.answer_fields import parse_json
from core.routing import LLMRouter
from core.routing.retry import RetryPolicy, pause

if TYPE_CHECKING:
    from core.costs.ledger import Ledger, LedgerObserver
    from core.settings import BudgetSettings

__all__ = ("FEATURE", "ROUTER_RETRIES", "BatchRun")

FEATURE = "batch"
"""What the ledger books these calls to."""
ROUTER_RETRIES = RetryPolicy(retries=0, longest_wait=math.inf)
"""For the router: it waits for room in limits, and after failures the batch does, which knows of them all."""
_TRIES = 4
"""Of one line that meets what may pass."""
_FRUITLESS = 10
"""Refusals in a row, with no answer to any line in between, after which a line is given up."""
_USUAL_OUTPUT = 1024
"""Tokens; of an answer without a cap."""


class BatchRun:
    """One run over a batch: what an earlier run has answered is left alone.

    Args:
        source: the lines.
        output: where their answers go.
        router: who answers; made with `ROUTER_RETRIES`.
        providers: those the router may ask, by name.
        ledger: where calls are booked.
        budgets: what may be spent.
        concurrency: the most requests under way at once.
        clock: monotonic seconds.

    Attributes:
        progress: how far it is.
        stopped: why it ended before its end; ``None`` where it did not.
    """

    def __init__(
        self,
        source: BatchInput,
        output: BatchOutput,
        router: LLMRouter,
        providers: Mapping[str, Provider],
        ledger: Ledger,
        budgets: BudgetSettings | None,
        *,
        concurrency: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._output = output
        self._router = router
        self._providers = providers
        self._ledger = ledger
        self._budgets = budgets
        self._concurrency = concurrency
        self._changed: Callable[[], None] = lambda: None
        self._clock = clock
        self._random = Random()
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._sent = 0
        self._answers = 0
        self._observers: deque[LedgerObserver] = deque(maxlen=2 * concurrency)
        known = {line.custom_id for line in source.lines}
        self.progress = BatchProgress(len(known), before=len(known & output.done.keys()))
        self.stopped: TensorWallError | None = None

    async def run(self, changed: Callable[[], None] = lambda: None) -> None:
        """Ask until every line has its output, or nothing more can be asked; see ``stopped``.

        When it is cancelled, what has arrived stands in the output.

        Args:
            changed: called whenever ``progress`` has changed.

        Raises:
            UnknownRoute: a model that no route leads to; nothing was sent.
            StorageError: or one of its kin: the ledger cannot be read or written.
        """
        self._changed = changed
        for model in {line.model for line in self._source.lines}:
            self._router.resolve(model)
        left = (line for line in self._source.lines if line.custom_id not in self._output.done)
        async with asyncio.TaskGroup() as workers:
            for _ in range(min(self._concurrency, self.progress.left)):
                workers.create_task(self._work(left))
        await self._ledger.rows(limit=1)  # read after all that was queued is written
        self._check_booking()

    async def _work(self, lines: Iterator[BatchLine]) -> None:
        try:
            for line in lines:
                await self._answer(line)
                self._check_booking()
                if self._stopping.is_set():
                    return
        except TensorWallError as error:  # the output, or the ledger, cannot be written
            self._stop(error)

    async def _answer(self, line: BatchLine) -> None:
        """Ask a line until its output is written, or the batch stops."""
        request = self._source.request(line)
        endured = _Endured(self._answers)
        while not self._stopping.is_set():
            try:
                answer = await self._ask(line, request)
            except _Failed as failed:
                if await self._may_try_again(failed.error, endured):
                    continue
                answer = None if self._stopping.is_set() else error_line(line.custom_id, failed.error)
            if answer is not None:
                self._write(replace(answer, digest=line.digest))
            return

    async def _may_try_again(self, error: TensorWallError, endured: _Endured) -> bool:
        """Wait as the failure asks for, or stop the batch; whether the line is to be asked once more."""
        match meaning_of(error):
            case Meaning.LIMIT:  # the pace does the waiting
                endured.refusals = endured.refusals + 1 if endured.answers == self._answers else 1
                endured.answers = self._answers
                return endured.refusals < _FRUITLESS
            case Meaning.PASSING:
                endured.failures += 1
                if endured.failures < _TRIES:
                    told = told_wait(error)
                    await self._pause(pause(endured.failures, told, RetryPolicy(), self._random))
                    return True
                if nobody_answers(error) and endured.answers == self._answers:
                    self._stop(error)
            case Meaning.BUDGET if self._sent:
                await self._until_one_ends()
                return True
            case Meaning.BUDGET if not endured.alone:
                endured.alone = True  # once more: whoever has just ended is settled by then
                return True
            case Meaning.BUDGET | Meaning.ALL:
                self._stop(error)
        return False

    async def _ask(self, line: BatchLine, request: ChatRequest) -> OutputLine | None:
        """One try, once the pace allows it; ``None`` where the batch stops before.

        Raises:
            _Failed: it was not answered.
        """
        provider, model = self._router.resolve(line.model)[0]
        lane = self._lanes.setdefault((provider, model), Lane(self._clock))
        cap = self._providers[provider].profile.output_cap(request, model)
        tokens = at_most(line.prompt_tokens) + (_USUAL_OUTPUT if cap is None else cap)
        start = await lane.start(tokens, self._waits)
        if start is None:
            return None
        observer = self._ledger.observer(feature=FEATURE)
        self._observers.append(observer)
        gate = self._ledger.gate(self._budgets, feature=FEATURE) if has_hard_limit(self._budgets) else None
        try:
            response = await self._router.chat(request, observer=_Watch(self, observer), gate=gate)
        except TensorWallError as error:
            if meaning_of(error) is Meaning.LIMIT:
                lane.refused(start, told_wait(error))
            else:
                lane.failed(start)
            raise _Failed(error) from error
        self._answers += 1
        lane.answered(start, response.limits, response.usage.total_tokens if response.usage else None)
        self._count(response)
        return _answer_line(line.custom_id, response)

    def _check_booking(self) -> None:
        """Raise where a call could not be booked: what is spent without being counted should be little."""
        for observer in self._observers:
            if observer.failure is not None:
                raise observer.failure

    def _count(self, response: ChatResponse) -> None:
        self.progress.tokens += response.usage.total_tokens if response.usage else 0
        if response.cost is None:
            self.progress.unpriced += 1
        else:
            self.progress.spent += response.cost

    def _write(self, line: OutputLine) -> None:
        self._output.add(line)
        if line.failed:
            self.progress.failed += 1
        else:
            self.progress.answered += 1
        self.progress.opens_in = 0.0
        self._changed()

    def _waits(self) -> None:
        opens = [lane.opens_at for lane in self._lanes.values() if lane.opens_at is not None]
        self.progress.opens_in = max(0.0, min(opens) - self._clock()) if opens else 0.0
        self._changed()

    def _stop(self, error: TensorWallError) -> None:
        """Let nothing more start; what is under way is still written."""
        self.stopped = self.stopped or error
        self._stopping.set()
        self._ended.set()
        for lane in self._lanes.values():
            lane.close()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _until_one_ends(self) -> None:
        self._ended.clear()
        await self._ended.wait()

    def call_started(self) -> None:
        """A call is on its way, with the money for it set aside."""
        self._sent += 1

    def call_ended(self) -> None:
        """It is over, and what was set aside and not spent is there again."""
        self._sent -= 1
        self._ended.set()


class _Watch:
    """Books a line's calls, and tells the run of them; a ``core.chat.CallObserver``."""

    def __init__(self, run: BatchRun, ledger: LedgerObserver) -> None:
        self._run = run
        self._ledger = ledger

    def call_started(self, call: UpstreamCall) -> None:
        self._ledger.call_started(call)
        self._run.call_started()

    def call_ended(self, call: UpstreamCall) -> None:
        self._ledger.call_ended(call)
        self._run.call_ended()


@dataclass(slots=True)
class _Endured:
    """What one line has met.

    Attributes:
        answers: to any line, when it was last refused.
        refusals: by a limit, in a row with no answer to any line in between.
        failures: that may pass.
        alone: money was short for it although nothing else was under way.
    """

    answers: int
    refusals: int = 0
    failures: int = 0
    alone: bool = False


class _Failed(Exception):
    """A try that was not answered; ``error`` says why."""

    def __init__(self, error: TensorWallError) -> None:
        super().__init__(str(error))
        self.error = error


def _answer_line(custom_id: str, response: ChatResponse) -> OutputLine:
    """The output line of an answer: the provider's own words."""
    assert response.relayed is not None  # since the request was
    body = parse_json(response.relayed)
    if not isinstance(body, dict):
        raise UnexpectedResponse(f"The answer to {custom_id!r} is no object.", provider=response.provider)
    groq = body.get("x_groq")
    request_id = groq.get("id") if isinstance(groq, dict) else None
    if request_id is None and response.decision is not None:
        request_id = response.decision.calls[-1].call_id
    return OutputLine(custom_id, 200, request_id, body)
