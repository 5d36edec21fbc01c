"""Which item of a long column is at a row, while the heights keep changing at the end."""

from __future__ import annotations

from bisect import bisect_right

__all__ = ("Heights",)


class Heights:
    """The heights of items one under the other.

    Sums are kept as far as they have not changed, so that changes at the end cost little.
    """

    def __init__(self) -> None:
        self._heights: list[int] = []
        self._ends: list[int] = []  # running sums, valid as far as they go

    def __len__(self) -> int:
        return len(self._heights)

    def __getitem__(self, index: int) -> int:
        return self._heights[index]

    def append(self, height: int) -> None:
        """Add an item at the end."""
        self._heights.append(height)

    def set(self, index: int, height: int) -> None:
        """Change the height of an item."""
        if self._heights[index] != height:
            self._heights[index] = height
            del self._ends[index:]

    def cut(self, length: int) -> None:
        """Remove the items from ``length`` on."""
        del self._heights[length:], self._ends[length:]

    @property
    def total(self) -> int:
        """The height of all."""
        return self.top(len(self._heights))

    def top(self, index: int) -> int:
        """The row where an item begins; the total for one past the last."""
        self._sum_up(index)
        return self._ends[index - 1] if index else 0

    def find(self, row: int) -> int:
        """The item at this row; the last one below the end. Items of no height are never found."""
        self._sum_up(len(self._heights))
        return min(bisect_right(self._ends, max(0, row)), len(self._heights) - 1)

    def _sum_up(self, length: int) -> None:
        ends = self._ends
        if len(ends) >= length:
            return
        end = ends[-1] if ends else 0
        for height in self._heights[len(ends) : length]:
            end += height
            ends.append(end)
