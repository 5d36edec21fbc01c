"""How far a batch is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

__all__ = ("BatchProgress",)


@dataclass(slots=True)
class BatchProgress:
    """What has been done; filled in as the batch goes on.

    Attributes:
        total: lines of the input.
        before: of these, answered or failed by earlier runs.
        answered: by this run.
        failed: by this run.
        tokens: prompts and answers of this run, as they were billed.
        spent: US dollars of this run, by what is known.
        unpriced: answers of this run whose price is unknown.
        opens_in: seconds until the limits allow the next; 0 while they allow it now.
    """

    total: int
    before: int = 0
    answered: int = 0
    failed: int = 0
    tokens: int = 0
    spent: Decimal = Decimal(0)
    unpriced: int = 0
    opens_in: float = 0.0

    @property
    def done(self) -> int:
        """Lines whose output is written."""
        return self.before + self.answered + self.failed

    @property
    def left(self) -> int:
        """Lines still to be answered."""
        return self.total - self.done

    def seconds_left(self, elapsed: float) -> float | None:
        """How long it will take at the speed of this run so far; ``None`` where nothing tells."""
        now = self.answered + self.failed
        return None if not now else max(self.opens_in, self.left * elapsed / now)
