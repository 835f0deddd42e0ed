"""Run benchmarks one after the other. Each writes its figures into ``docs/performance.md``.

.. code-block:: shell

    python benchmarks/run.py --size small
    python benchmarks/run.py imports parsing --size large

Each benchmark is a script of its own with the option ``--size``, and stores its figures in ``results``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("[a-z]*.py") if path.stem not in {"run", "page"})


def main() -> int:
    """Run what is named, or all, and return 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="benchmark", help=f"{', '.join(NAMES)} (default: all)")
    parser.add_argument("--size", choices=["small", "large"], default="small", help="default: small")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    failed = []
    for name in arguments.names or NAMES:
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        command = [sys.executable, str(FOLDER / f"{name}.py"), "--size", arguments.size]
        if subprocess.run(command, env=environment, check=False).returncode:
            failed.append(name)
        print(f"-- {time.monotonic() - began:.0f} s", flush=True)
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
