"""`make soak`: ten minutes, or as long as asked for; exit status 1 where something did not hold."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.soak.soak import soak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phones", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(
            soak(Path(folder), phones=chosen.phones, seconds=chosen.minutes * 60, seed=chosen.seed)
        )
    print("\n".join(report.lines()))
    sys.exit(bool(report.wrong))


if __name__ == "__main__":
    main()
