"""How TensorWall feels while it streams: ``python -m tests.bench.tui [--shape ...] [--history ...]``.

Runs the program in a 120x40 pseudo-terminal, serves it an answer over HTTP, presses a key about every 130 ms
and waits for its echo. No terminal emulator is attached, so what a terminal needs to paint is not in the
figures. The machine's other work is: look at CPU seconds first and at the medians of several ``--runs``.

``--widget`` measures the transcript alone, in a small application that feeds itself (``host.py``).
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.catalogue import load_catalogue
from core.chat import Message
from core.locations import Locations
from core.records import open_records
from tests.bench.tui.answers import END, SHAPES, earlier_answer
from tests.bench.tui.terminal import Terminal

_PROGRAM = [str(Path(sys.executable).with_name("tensorwall")), "-c"]
_WIDGET = [sys.executable, "-m", "tests.bench.tui.host"]
_READY = {True: "ready", False: "Ask anything"}
_KEY_EVERY = 0.13


@dataclass
class Figures:
    """What was measured in one run; times in milliseconds."""

    wall: float
    lag: float
    cores: float
    frames: float
    key_p50: float
    key_p95: float
    memory: float
    idle: float
    focus: float
    resize: float


_BUDGETS: list[tuple[str, str, Callable[[Figures], float], Callable[[float], bool], str]] = [
    ("lag", "ms", lambda f: f.lag, lambda v: v <= 100, "<= 100"),
    ("CPU", "cores", lambda f: f.cores, lambda v: v <= 0.6, "<= 0.6"),
    ("frames", "/s", lambda f: f.frames, lambda v: v >= 25, ">= 25"),
    ("key p50", "ms", lambda f: f.key_p50, lambda v: v <= 30, "<= 30"),
    ("key p95", "ms", lambda f: f.key_p95, lambda v: v <= 80, "<= 80"),
    ("memory", "MiB", lambda f: f.memory, lambda v: v <= 140, "<= 140"),
    ("idle CPU", "cores", lambda f: f.idle, lambda v: v <= 0.02, "~ 0"),
    ("focus", "ms", lambda f: f.focus, lambda v: v <= 50, "<= 50"),
    ("resize", "ms", lambda f: f.resize, lambda v: v <= 150, "<= 150"),
]


def measure(options: argparse.Namespace, shape: str, history: int, home: Path) -> Figures:
    """One run of the program, in a copy of ``home`` that holds the earlier messages."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "stream.log")
        stream = [shape, str(options.tokens), str(options.rate), str(log)]
        if options.widget:
            flags = ("--shape", "--tokens", "--rate", "--log", "--history")
            pairs = zip(flags, [*stream, str(history)], strict=True)
            return _run([*_WIDGET, *(word for pair in pairs for word in pair)], {}, options, log)
        shutil.copytree(home, folder, dirs_exist_ok=True)
        with _feed(stream) as address:
            environment = {
                "GROQ_API_URL": address,
                "GROQ_API_KEY": "gsk_bench",
                "TENSORWALL_HOME": folder,
                "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            }
            return _run(_PROGRAM, environment, options, log)


async def fill(home: Path, history: int) -> None:
    """Give ``home`` one conversation of so many messages."""
    records = await open_records(Locations.under(home).database_file, load_catalogue())
    session = await records.conversations.create(title="Earlier")
    parent = None
    for number in range(history):
        text = earlier_answer(number) if number % 2 else f"Question {number}: how does it work?"
        message = Message(role="assistant" if number % 2 else "user", content=text)
        parent = (await records.conversations.add(session.id, parent, message)).id
    await records.aclose()


@contextmanager
def _feed(stream: list[str]) -> Iterator[str]:
    """Serve the answer over HTTP; gives the base URL."""
    command = [sys.executable, "-m", "tests.bench.tui.feed", *stream]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def _run(command: list[str], environment: dict[str, str], options: argparse.Namespace, log: Path) -> Figures:
    terminal = Terminal(command, options.columns, options.rows, environment | {"BENCH_LOG": str(log)})
    try:
        return _measure(terminal, options, log)
    finally:
        terminal.close()


def _measure(terminal: Terminal, options: argparse.Namespace, log: Path) -> Figures:
    terminal.read_until(_READY[options.widget].encode(), 60)
    terminal.read_quiet(1.0, 20)
    cpu, begun = terminal.cpu, time.monotonic()
    terminal.read_quiet(2.0, 2.0)
    idle = (terminal.cpu - cpu) / (time.monotonic() - begun)
    focus = _spent(terminal, lambda: terminal.write(b"\x1b[O"), lambda: terminal.write(b"\x1b[I"))
    terminal.write(b"go\r")
    while not log.exists() or not log.read_text().startswith("first"):
        terminal.read(0.01)
    cpu, begun, frames = terminal.cpu, time.monotonic(), len(terminal.frames)
    echoes, shown = _press_keys(terminal, END.encode(), options.tokens / options.rate * 3 + 20)
    cores = (terminal.cpu - cpu) / (shown - begun)
    painted = (len(terminal.frames) - frames) / (shown - begun)
    memory = terminal.memory
    terminal.read_quiet(0.5, 5)
    times = dict(line.split() for line in log.read_text().splitlines())
    resize = _spent(
        terminal,
        lambda: terminal.resize(options.columns - 30, options.rows),
        lambda: terminal.resize(options.columns, options.rows),
    )
    echoes.sort()
    return Figures(
        wall=shown - float(times["first"]),
        lag=(shown - float(times["last"])) * 1000,
        cores=cores,
        frames=painted,
        key_p50=statistics.median(echoes) * 1000,
        key_p95=echoes[int(len(echoes) * 0.95)] * 1000,
        memory=memory,
        idle=idle,
        focus=focus * 1000,
        resize=resize * 1000,
    )


def _press_keys(terminal: Terminal, end: bytes, seconds: float) -> tuple[list[float], float]:
    """Press letters while an answer streams; the time to each echo, and when the end was shown.

    The letters are Cyrillic, which no answer of the benchmark contains, so that an echo is not mistaken.
    """
    echoes: list[float] = []
    deadline = time.monotonic() + seconds
    pressed, awaited, seen, number = time.monotonic(), b"", b"", 0
    while time.monotonic() < deadline:
        now = time.monotonic()
        if not awaited and now - pressed >= _KEY_EVERY:
            awaited = chr(0x0410 + number % 32).encode()
            number += 1
            pressed = now
            terminal.write(awaited)
        data = terminal.read(max(0.001, _KEY_EVERY - (now - pressed)) if not awaited else 0.05)
        if not data:
            continue
        now = time.monotonic()
        if awaited and awaited in data:
            echoes.append(now - pressed)
            awaited = b""
        seen = seen[-2048:] + data
        if end in seen:
            return echoes, now
    raise TimeoutError(f"{end!r} was not shown within {seconds:g} s")


def _spent(terminal: Terminal, *actions: Callable[[], None]) -> float:
    """The longest time until the screen was painted and quiet again after any of the actions."""
    longest = 0.0
    for action in actions:
        terminal.read_quiet(0.2, 2)
        begun = time.monotonic()
        action()
        longest = max(longest, terminal.read_quiet(0.15, 10) - begun)
    return longest


def main() -> int:
    """Measure and print; 1 where a budget is broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--shape",
        choices=["all", *SHAPES],
        action="append",
        help="default: mixed, fence, list, cjk",
    )
    parser.add_argument("--history", type=int, action="append", help="earlier messages; default 0 and 1000")
    parser.add_argument("--tokens", type=int, default=4000)
    parser.add_argument("--rate", type=float, default=1000, help="tokens a second")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--columns", type=int, default=120)
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--widget", action="store_true", help="measure the transcript by itself")
    options = parser.parse_args()
    shapes = list(SHAPES) if options.shape == ["all"] else options.shape or ["mixed", "fence", "list", "cjk"]
    rows: dict[str, Figures] = {}
    for history in options.history or [0, 1000]:
        with tempfile.TemporaryDirectory() as home:
            if not options.widget:
                asyncio.run(fill(Path(home), history))
            for shape in shapes:
                runs = [measure(options, shape, history, Path(home)) for _ in range(options.runs)]
                medians = {
                    name: statistics.median(getattr(run, name) for run in runs) for name in vars(runs[0])
                }
                rows[f"{shape}, {history} before"] = Figures(**medians)
                print(f"{shape}, {history} before: done", file=sys.stderr)
    return _report(rows, options)


def _median(runs: list[Figures]) -> Figures:
    return Figures(**{name: statistics.median(getattr(run, name) for run in runs) for name in vars(runs[0])})


def _report(rows: dict[str, Figures], options: argparse.Namespace) -> int:
    print(
        f"{options.tokens} tokens at {options.rate:g}/s, {options.columns}x{options.rows}, "
        f"medians of {options.runs} runs; * breaks its budget"
    )
    heads = [f"{label} ({unit})" for label, unit, *_ in _BUDGETS]
    widths = [max(len(head), 9) + 2 for head in heads]
    print(f"{'':26}" + "".join(f"{head:>{width}}" for head, width in zip(heads, widths, strict=True)))
    budgets = (budget for *_, budget in _BUDGETS)
    print(f"{'budget':26}" + "".join(f"{text:>{width}}" for text, width in zip(budgets, widths, strict=True)))
    broken = 0
    for name, figures in rows.items():
        cells = []
        for (_, _, value, holds, _), width in zip(_BUDGETS, widths, strict=True):
            ok = holds(value(figures))
            broken += not ok
            cells.append(f"{f'{value(figures):.2f}' + '*' * (not ok):>{width}}")
        print(f"{name:26}" + "".join(cells))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
