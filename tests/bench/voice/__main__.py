"""Voice: ``python -m tests.bench voice``, or parts of it: ``python -m tests.bench.voice [engine] [turns]``.

All of it through a sound server's virtual microphone and speaker, with real speech and the real engines;
answers come from the simulator. Each part runs in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SUPPORT = {"__main__", "conversation", "figures", "virtual_sound", "word_errors"}


def main() -> int:
    """Run the parts one after the other; the exit status is the number that failed."""
    known = sorted({path.stem for path in HERE.glob("*.py")} - SUPPORT)
    known += sorted(path.parent.name for path in HERE.glob("*/__main__.py"))
    wanted = sys.argv[1:] or known
    if unknown := [name for name in wanted if name not in known]:
        print(f"no part named {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    failed = 0
    for name in wanted:
        print(f"\n-- voice: {name} --", flush=True)
        failed += (
            subprocess.run([sys.executable, "-m", f"tests.bench.voice.{name}"], check=False).returncode != 0
        )
    return failed


if __name__ == "__main__":
    sys.exit(main())
