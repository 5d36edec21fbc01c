"""Start-up: first paint of TensorWall beside a minimal Textual app, and of its plain commands.

Budgets: first paint at most 1.8 times the minimal app's; ``tensorwall --help`` imports no Textual
(a test holds it to that). The programs start turn by turn, so that drift of the machine hits all alike.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.tui.terminal import Terminal

RUNS = 11
TENSORWALL = str(Path(sys.executable).with_name("tensorwall"))
SCREENS = {
    "minimal Textual app": ([sys.executable, str(Path(__file__).with_name("minimal.py"))], b"ready"),
    "tensorwall": ([TENSORWALL], b"Ask anything"),
    "its welcome screen": ([TENSORWALL], b"Paste a Groq API key"),
}
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "tensorwall --help": [TENSORWALL, "--help"],
    "tensorwall models": [TENSORWALL, "models"],
}


def first_paint(command: list[str], text: bytes, home: str) -> float:
    """Seconds from the start of the program until ``text`` is on the screen."""
    began = time.monotonic()
    terminal = Terminal(command, 120, 40, {"TENSORWALL_HOME": home, "GROQ_API_KEY": "", "OPENAI_API_KEY": ""})
    try:
        return terminal.read_until(text, 20) - began
    finally:
        terminal.close()


def duration(command: list[str]) -> float:
    """Seconds that a command takes, from start to end."""
    began = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def table(title: str, figures: dict[str, list[float]]) -> None:
    """Medians, and how they compare with the first row's."""
    medians = {name: statistics.median(values) for name, values in figures.items()}
    baseline = next(iter(medians.values()))
    print(f"\n{title:<24}{'median':>9}{'ratio':>8}")
    for name, median in medians.items():
        print(f"{name:<24}{median * 1000:>6.0f} ms{median / baseline:>8.2f}")


def main() -> None:
    """Print both tables."""
    painted: dict[str, list[float]] = {name: [] for name in SCREENS}
    ran: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as home:
        for _ in range(RUNS):
            for name, (command, text) in SCREENS.items():
                painted[name].append(first_paint(command, text, home))
            for name, command in COMMANDS.items():
                ran[name].append(duration(command))
    table("first paint", painted)
    table("command", ran)


if __name__ == "__main__":
    main()
