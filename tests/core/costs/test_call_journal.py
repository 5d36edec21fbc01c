"""Marks in a file: what was marked and not erased is found, whatever became of the file."""

from __future__ import annotations

import errno
import os
import resource
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chat import Usage
from core.costs.call_journal import (
    CallJournal,
    CallMark,
    forget_journals,
    journals_beside,
    marks_left_behind,
)
from tests.core.costs.test_budget_gate import call

INSTANCE = "deadbeefdead"
PLACE = {"session_id": None, "message_id": None, "feature": "gateway", "key_id": "key"}


def new_mark(reason: str = "first", output_cap: int | None = 100) -> CallMark:
    return CallMark(call(reason=reason), PLACE, output_cap)


def left_in(folder: Path) -> list[CallMark]:
    """What is found there once every process is dead."""
    return [mark for marks in marks_left_behind(folder, lambda _: False).values() for mark in marks]


@contextmanager
def new_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as above:
        yield Path(above) / "calls"


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=150)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("mark"), texts),
        st.tuples(st.just("erase"), st.integers(0, 20)),
        st.tuples(st.just("close"), st.just("")),
    ),
    max_size=30,
)


@given(steps)
def test_what_is_marked_and_not_erased_is_found(done: list[tuple[str, str | int]]) -> None:
    with new_folder() as folder:
        journal, marked = CallJournal(folder, INSTANCE), dict[int, CallMark]()
        is_open = False
        for step, value in done:
            if step == "mark":
                mark = new_mark(str(value))
                slot = journal.mark(mark)
                assert slot is not None
                assert slot not in marked
                marked[slot], is_open = mark, True
            elif step == "close":
                journal.close()
                assert folder.exists() == bool(marked)
                is_open = False
            elif marked and is_open:
                slot = sorted(marked)[int(value) % len(marked)]
                journal.erase(slot)
                del marked[slot]
            assert left_in(folder) == [marked[slot] for slot in sorted(marked)]
        journal.close()
        assert folder.exists() == bool(marked)


counts = st.integers(0, 10**20)
seconds = st.none() | st.floats(0, allow_nan=False)
usages = st.builds(Usage, counts, counts, counts, counts, estimated=st.booleans(), completion_time=seconds)


@given(texts, st.none() | st.integers(1), counts, st.integers(1, 128), st.none() | usages, seconds)
def test_a_mark_is_read_as_it_was_written(
    text: str, output_cap: int | None, prompt: int, answers: int, usage: Usage | None, duration: float | None
) -> None:
    made = call(model=text, prompt_tokens_estimate=prompt, answers=answers, role="hedge")
    if usage is not None:
        made = replace(made, outcome="cancelled", usage=usage, duration=duration, error=text)
    mark = CallMark(made, {**PLACE, "client_request_id": text}, output_cap)
    assert CallMark.load(mark.dump()) == mark


@given(st.lists(texts, min_size=1, max_size=4), st.data())
def test_of_a_damaged_file_nothing_is_found_that_was_not_written(
    reasons: list[str], data: st.DataObject
) -> None:
    with new_folder() as folder:
        journal, marks = CallJournal(folder, INSTANCE), [new_mark(reason) for reason in reasons]
        for mark in marks:
            journal.mark(mark)
        journal.close()
        file = folder / INSTANCE
        content = bytearray(file.read_bytes())
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= data.draw(st.integers(1, 255))
        file.write_bytes(content)
        found = left_in(folder)
        assert [mark for mark in marks if mark in found] == found
        assert len(found) >= len(marks) - 1


@given(st.integers(0, 10_000))
def test_of_a_file_that_is_cut_short_the_whole_marks_are_found(length: int) -> None:
    with new_folder() as folder:
        journal, marks = CallJournal(folder, INSTANCE), [new_mark() for _ in range(4)]
        ends = []
        for mark in marks:
            journal.mark(mark)
            ends.append((folder / INSTANCE).stat().st_size)
        journal.close()
        os.truncate(folder / INSTANCE, min(length, ends[-1]))
        found = left_in(folder)
        assert found == marks[: len(found)]
        assert len(found) >= sum(end <= length for end in ends)


@given(st.binary(max_size=5_000))
def test_what_is_no_journal_at_all_is_no_obstacle(content: bytes) -> None:
    with new_folder() as folder:
        folder.mkdir()
        (folder / INSTANCE).write_bytes(content)
        assert marks_left_behind(folder, lambda _: False) == {INSTANCE: []}


def test_a_damaged_mark_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / INSTANCE).write_bytes(new_mark().dump().replace(b"gateway", b"gatexxx"))
    assert left_in(tmp_path) == []
    assert "cannot be read" in caplog.text


def test_a_file_is_no_longer_than_there_were_calls_at_a_time(tmp_path: Path) -> None:
    journal = CallJournal(tmp_path, INSTANCE)
    sizes = []
    for _ in range(50):
        slots = [journal.mark(new_mark("x" * 1_000)) for _ in range(3)]
        assert None not in slots
        sizes.append((tmp_path / INSTANCE).stat().st_size)
        for slot in slots:
            journal.erase(slot or 0)
    assert len(set(sizes)) == 1


def test_a_mark_that_is_too_long_is_none(tmp_path: Path) -> None:
    journal = CallJournal(tmp_path / "calls", INSTANCE)
    assert journal.mark(new_mark("x" * 5_000)) is None
    assert not (tmp_path / "calls").exists()
    longest = max(range(1, 2_048), key=lambda size: (len(new_mark("x" * size).dump()) <= 2_048, size))
    kept = [new_mark("x" * longest), new_mark("y" * longest)]
    assert None not in [journal.mark(mark) for mark in kept]
    assert journal.mark(new_mark("x" * (longest + 1))) is None
    assert left_in(tmp_path / "calls") == kept


def test_what_cannot_be_written_in_json_is_no_mark(tmp_path: Path) -> None:
    journal = CallJournal(tmp_path / "calls", INSTANCE)
    assert journal.mark(new_mark("half a pair: \ud800")) is None
    assert journal.mark(new_mark()) is not None


def test_a_folder_that_cannot_be_made_is_told_and_marks_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "calls").write_text("in the way")
    journal = CallJournal(tmp_path / "calls", INSTANCE)
    assert journal.mark(new_mark()) is None
    assert "cannot be marked" in caplog.text
    (tmp_path / "calls").unlink()
    assert journal.mark(new_mark()) is not None
    journal.close()


def test_what_cannot_be_read_is_told_and_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "calls").write_text("no folder")
    assert marks_left_behind(tmp_path / "calls", lambda _: False) == {}
    assert "cannot be read" in caplog.text
    caplog.clear()
    (tmp_path / "folder" / "within").mkdir(parents=True)
    assert marks_left_behind(tmp_path / "folder", lambda _: False) == {}
    assert "cannot be read" in caplog.text
    assert (tmp_path / "folder" / "within").exists()


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """As on a disk that is full beyond that: a write is cut short, and the next one fails."""
    before, limits = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize("room", [0, 50, 2_048, 2_100, 4_096])
def test_without_room_there_are_no_more_marks_and_those_that_are_there_stay(
    tmp_path: Path, room: int, caplog: pytest.LogCaptureFixture
) -> None:
    journal, kept = CallJournal(tmp_path / "calls", INSTANCE), list[CallMark]()
    with files_of_at_most(room):
        for _ in range(4):
            mark = new_mark()
            if journal.mark(mark) is not None:
                kept.append(mark)
    assert len(kept) == room // 2_048
    assert "cannot be marked" in caplog.text
    assert left_in(tmp_path / "calls") == kept
    more = new_mark()
    assert journal.mark(more) is not None
    assert left_in(tmp_path / "calls") == [*kept, more]


@pytest.mark.parametrize("reason", ["short", "x" * 1_500])
def test_what_is_known_at_the_end_takes_the_place_of_a_mark(tmp_path: Path, reason: str) -> None:
    journal, marks = CallJournal(tmp_path, INSTANCE), [new_mark(), new_mark()]
    slots = [journal.mark(mark) for mark in marks]
    over = replace(marks[1], call=replace(marks[1].call, outcome="answered", request_id=reason))
    journal.renew(slots[1] or 0, over)
    assert left_in(tmp_path) == [marks[0], over]
    journal.renew(slots[0] or 0, new_mark("x" * 5_000))  # which is too long
    journal.close()
    journal.renew(slots[0] or 0, new_mark())
    assert left_in(tmp_path) == [marks[0], over]


@pytest.mark.parametrize("room", [0, 100])
def test_what_takes_the_place_of_a_mark_needs_no_more_room_than_that(tmp_path: Path, room: int) -> None:
    journal, mark = CallJournal(tmp_path, INSTANCE), new_mark()
    slot = journal.mark(mark)
    assert slot is not None
    over = replace(mark, call=replace(mark.call, outcome="failed", error="x" * 1_200))
    with files_of_at_most((tmp_path / INSTANCE).stat().st_size + room):
        journal.renew(slot, over)
    assert left_in(tmp_path) == [over]


def test_a_mark_that_could_not_be_erased_stays_and_its_slot_is_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, first, second = CallJournal(tmp_path / "calls", INSTANCE), new_mark(), new_mark()
    slot = journal.mark(first)
    assert slot is not None

    def fail(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as broken:
        broken.setattr("core.costs.call_journal.write_at", fail)
        journal.erase(slot)
    assert left_in(tmp_path / "calls") == [first]
    assert journal.mark(second) == slot
    assert left_in(tmp_path / "calls") == [second]


def test_only_what_the_dead_left_is_found_and_forgotten(tmp_path: Path) -> None:
    folder = tmp_path / "calls"
    journals = {name: CallJournal(folder, name) for name in ("alive", "dead", "idle")}
    for journal in journals.values():
        slot = journal.mark(new_mark())
    journals["idle"].erase(slot or 0)
    left = marks_left_behind(folder, lambda instance: instance == "alive")
    assert {name: len(marks) for name, marks in left.items()} == {"dead": 1, "idle": 0}
    forget_journals(folder, left)
    forget_journals(folder, left)
    assert [file.name for file in folder.iterdir()] == ["alive"]
    forget_journals(folder, ["alive"])
    assert not folder.exists()


def test_files_and_folder_are_for_their_owner_alone(tmp_path: Path) -> None:
    CallJournal(tmp_path / "calls", INSTANCE).mark(new_mark())
    assert (tmp_path / "calls").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "calls" / INSTANCE).stat().st_mode & 0o777 == 0o600


def test_a_journal_that_is_closed_twice_or_never_used_leaves_nothing(tmp_path: Path) -> None:
    journal = CallJournal(tmp_path / "calls", INSTANCE)
    journal.close()
    slot = journal.mark(new_mark())
    assert slot is not None
    journal.erase(slot)
    journal.close()
    journal.close()
    journal.erase(slot)
    assert list(tmp_path.iterdir()) == []


def test_there_is_a_folder_beside_a_file_only(tmp_path: Path) -> None:
    assert journals_beside(tmp_path / "a.db") == tmp_path / "a.db-calls"
    assert journals_beside(None) is None


def test_what_a_call_becomes_after_it_was_marked_is_not_in_its_mark(tmp_path: Path) -> None:
    journal, mark = CallJournal(tmp_path, INSTANCE), new_mark()
    before = replace(mark, call=replace(mark.call))
    journal.mark(mark)
    mark.call.outcome, mark.call.output_chunks = "answered", 7
    assert left_in(tmp_path) == [before]
