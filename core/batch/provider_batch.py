"""Handing a batch to its provider's own Batch API: at half the price, within a day.

What is under way stands in a small file beside the output, so that a run which ends, however it ends, is gone
on with by the next: nothing is handed over twice, and every answer is collected once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from core.batch.handed_over import HandedOver, fingerprint, keep, kept, state_file
from core.batch.lines import ENDPOINT, BatchInput, BatchLine
from core.batch.output import BatchOutput, OutputLine
from core.batch.progress import BatchProgress
from core.batch.run import FEATURE
from core.catalogue import ModelInfo, Price
from core.chat import UpstreamCall, Usage
from core.costs.budgets import budgets_of, has_hard_limit, refusal, room, tightest
from core.costs.tokens import at_most
from core.errors import InputError
from core.identifiers import derived_id
from core.providers import OpenAICompatibleProvider
from core.providers.answer_fields import usage_of
from core.providers.batches import LARGEST_INPUT, MOST_LINES, ProviderBatches, RemoteBatch
from core.providers.request_body import encode_body, request_body
from core.routing import LLMRouter

if TYPE_CHECKING:
    from core.costs.worst_case import PricedModels
    from core.records import Records
    from core.settings import BudgetSettings

__all__ = ("HalfPrice", "ProviderBatch")

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 1.0, 60.0, 1.5
"""Seconds between two looks at a batch, and how they grow."""
_AT_ONCE = 200
"""Lines that are booked and then written together."""
_CALL_ID = 32


class HalfPrice:
    """A price list of batches; a ``core.costs.worst_case.PricedModels``."""

    def __init__(self, models: PricedModels) -> None:
        self._models = models

    def find(self, provider: str, model: str) -> ModelInfo | None:
        """As for single calls."""
        return self._models.find(provider, model)

    def price(self, provider: str, model: str, at: datetime) -> Price | None:
        """Half of a single call's; marked as that, so that the review tells them apart."""
        price = self._models.price(provider, model, at)
        return None if price is None else price.batch()


class ProviderBatch:
    """One batch at a provider.

    Args:
        source: the lines.
        output: where the answers go.
        provider: whose Batch API it is.
        router: what the lines' models are called there.
        records: the ledger's database.
        models: prices and sizes.

    Attributes:
        progress: how much is collected.
    """

    def __init__(
        self,
        source: BatchInput,
        output: BatchOutput,
        provider: OpenAICompatibleProvider,
        router: LLMRouter,
        records: Records,
        models: PricedModels,
    ) -> None:
        from core.costs.ledger import Ledger  # needs SQLAlchemy

        self._source = source
        self._output = output
        self._provider = provider
        self._remote = ProviderBatches(provider)
        self._router = router
        self._records = records
        self._prices = HalfPrice(models)
        self._ledger = Ledger(records.database, self._prices)
        self._lines = {line.custom_id: line for line in source.lines}
        self.progress = BatchProgress(len(self._lines), before=len(self._lines.keys() & output.done.keys()))

    async def submitted(self, budgets: BudgetSettings | None) -> RemoteBatch | None:
        """The batch that is under way, or a new one of the lines without an answer; ``None`` without such.

        Raises:
            BudgetExceeded: it may cost more than a hard limit leaves.
            InputError: it is too large, or the file beside the output cannot be used.
            ProviderError, CredentialsError: the provider does not take it.
            StorageError: what has been spent cannot be read.
        """
        state = self._state()
        if state is not None and state.batch_id is not None:
            return await self._remote.get(state.batch_id)
        if state is not None:  # it was to be made when the last run ended: it may have been
            batch = await self._remote.find(state.input_file_id)
            batch = batch or await self._remote.create(state.input_file_id)
            keep(self._output.path, replace(state, batch_id=batch.id))
            return batch
        left = [line for name, line in self._lines.items() if name not in self._output.done]
        if not left:
            return None
        await self._check_budgets(left, budgets)
        input_file_id = await self._remote.upload(self._input(left))
        state = HandedOver(
            self._provider.name,
            input_file_id,
            source=self._source.name,
            fingerprint=fingerprint(self._source.lines),
        )
        keep(self._output.path, state)
        batch = await self._remote.create(input_file_id)
        keep(self._output.path, replace(state, batch_id=batch.id))
        return batch

    async def cancelled(self) -> RemoteBatch | None:
        """Cancel the batch that is under way; ``None`` where there is none."""
        state = self._state()
        if state is None or state.batch_id is None:
            return None
        batch = await self._remote.get(state.batch_id)
        return batch if batch.over else await self._remote.cancel(batch.id)

    async def until_over(self, batch: RemoteBatch, changed: Callable[[RemoteBatch], None]) -> RemoteBatch:
        """Look again and again, ever more rarely, until nothing more will happen to it."""
        pause = _FIRST_PAUSE
        batch = await self._remote.get(batch.id)
        changed(batch)
        while not batch.over:
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * _GROWTH)
            batch = await self._remote.get(batch.id)
            changed(batch)
        return batch

    async def collect(self, batch: RemoteBatch) -> None:
        """Book and write all that came of a batch that is over, and forget it.

        Raises:
            InputError: the provider found the input wrong; says where.
            StorageError: it cannot be booked.
            TensorWallError: the output cannot be written.
        """
        gathered: list[OutputLine] = []
        for file_id in (batch.output_file_id, batch.error_file_id):
            if file_id is None:
                continue
            async with aclosing(self._remote.lines(file_id)) as lines:
                async for line in _parsed(lines):
                    gathered.append(line)
                    if len(gathered) == _AT_ONCE:
                        await self._take(batch, gathered)
                        gathered = []
        await self._take(batch, gathered)
        self._output.sync()
        state_file(self._output.path).unlink(missing_ok=True)
        if batch.status == "failed":
            raise InputError(
                f"{self._provider.profile.label} cannot run this batch: {' '.join(batch.problems)}",
                hint="Mend the input, and run it again; nothing was asked.",
            )

    async def _take(self, batch: RemoteBatch, lines: list[OutputLine]) -> None:
        """Book, then write: booked again after a crash in between, a call keeps its row."""
        observer = self._ledger.observer(feature=FEATURE)
        for line in lines:
            call = self._call(batch, line)
            observer.call_ended(call)
            if line.custom_id in self._lines and line.custom_id not in self._output.done:
                self._count(line, call)
        await self._ledger.rows(limit=1)  # read after all that was queued is written
        if observer.failure is not None:
            raise observer.failure
        for line in lines:
            if line.custom_id not in self._output.done:
                asked = self._lines.get(line.custom_id)
                self._output.add(replace(line, digest=asked.digest if asked else None))

    def _call(self, batch: RemoteBatch, line: OutputLine) -> UpstreamCall:
        asked = self._lines.get(line.custom_id)
        answered_by = str((line.body or {}).get("model") or "")
        call = UpstreamCall(
            call_id=derived_id(batch.id, line.custom_id, length=_CALL_ID),
            route=asked.model if asked else answered_by,
            provider=self._provider.name,
            model=self._model(asked) if asked else answered_by,
            reason=f"batch {batch.id}",
            started_at=batch.created_at,
            outcome="failed" if line.failed else "answered",
            usage=usage_of(line.body or {}) or (Usage() if line.failed else None),
            prompt_tokens_estimate=asked.prompt_tokens if asked else 0,
            request_id=line.request_id,
        )
        if line.failed:
            error = line.error or (line.body or {}).get("error") or {}
            call.error = str(error.get("message") if isinstance(error, dict) else error)
        return call

    def _count(self, line: OutputLine, call: UpstreamCall) -> None:
        progress = self.progress
        if line.failed:
            progress.failed += 1
            return
        progress.answered += 1
        price = self._prices.price(call.provider, call.model, call.started_at)
        if call.usage is None or price is None:
            progress.unpriced += 1
        else:
            progress.tokens += call.usage.total_tokens
            progress.spent += price.cost(call.usage)

    def _model(self, line: BatchLine) -> str:
        return next(
            (
                model
                for provider, model in self._router.resolve(line.model)
                if provider == self._provider.name
            ),
            line.model,
        )

    def _input(self, lines: list[BatchLine]) -> bytes:
        """The input file, as the provider takes it."""
        written = [
            encode_body({"custom_id": line.custom_id, "method": "POST", "url": ENDPOINT, "body": body})
            for line in lines
            for body in [self._body(line)]
        ]
        size = sum(len(line) + 1 for line in written)
        if size > LARGEST_INPUT or len(written) > MOST_LINES:
            raise InputError(
                f"{len(written):,} lines of {size:,} bytes are more than one batch takes.",
                hint=f"Split the input: at most {MOST_LINES:,} lines and {LARGEST_INPUT:,} bytes.",
            )
        return b"\n".join(written) + b"\n"

    def _body(self, line: BatchLine) -> dict[str, object]:
        body = request_body(
            self._provider.profile, self._source.request(line), model=self._model(line), stream=False
        )
        del body["stream"]
        return body

    async def _check_budgets(self, lines: list[BatchLine], budgets: BudgetSettings | None) -> None:
        """Refuse what may cost more than there is; later calls are not kept from the same money."""
        if not has_hard_limit(budgets):
            return
        worst = self._worst_cost(lines)
        standings = await self._records.ledger.standings(budgets)
        assert budgets is not None
        assert budgets_of(budgets)
        left, limit = room(standings), tightest(standings)
        if left is None or limit is None or (worst is None and budgets.unknown_prices == "allow"):
            return
        if worst is None or worst > left:
            raise refusal(limit, worst)

    def _worst_cost(self, lines: list[BatchLine]) -> Decimal | None:
        total = Decimal(0)
        now = datetime.now().astimezone()
        for line in lines:
            model = self._model(line)
            cap = self._provider.profile.output_cap(self._source.request(line), model)
            price = self._prices.price(self._provider.name, model, now)
            if price is None or cap is None:
                return None
            total += price.cost(Usage(at_most(line.prompt_tokens), cap))
        return total

    def _state(self) -> HandedOver | None:
        """What the output waits for, where that can be collected with these lines."""
        state = kept(self._output.path)
        if state is None:
            return None
        if state.provider != self._provider.name:
            raise InputError(
                f"{self._output.path} waits for a batch at {state.provider}.", hint="Collect that one first."
            )
        if state.fingerprint not in (None, fingerprint(self._source.lines)):
            raise InputError(
                f"{self._output.path} waits for a batch of another input, {state.source}.",
                hint="Collect that one first, with the input and the -m it was handed over with, or name "
                f"another output. To give its answers up, delete {state_file(self._output.path)}.",
            )
        return state


async def _parsed(lines: AsyncIterator[bytes]) -> AsyncIterator[OutputLine]:
    async for raw in lines:
        try:
            yield OutputLine.parse(raw)
        except ValueError:
            continue  # blank, or not of this batch: its request counts as without an answer
