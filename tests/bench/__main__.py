"""Every benchmark, or the ones named: ``python -m tests.bench [router] [tui] ...``.

Each prints its figures beside a peer's or a bare baseline's from the same run. Nothing here is part of
the tests: a figure is for people to judge.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    """Run the benchmarks one after the other; the exit status is the number that failed."""
    known = sorted(path.parent.name for path in HERE.glob("*/__main__.py"))
    wanted = sys.argv[1:] or known
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(f"no benchmark named {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    load = ", ".join(f"{figure:.1f}" for figure in os.getloadavg())
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {load}")
    failed = 0
    for name in wanted:
        print(f"\n== {name} ==", flush=True)
        failed += subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
