"""`make bench`: every bench, or those that are named; at the end one table with targets and verdicts."""

from __future__ import annotations

import argparse
import asyncio
import sys
import traceback
from typing import TYPE_CHECKING, Final

from devicehub.errors import HubError
from tests.bench import (
    bench_aa,
    bench_campaign,
    bench_export,
    bench_hub,
    bench_log,
    bench_push,
    bench_run,
    bench_shell,
    bench_slow_client,
    bench_start,
    bench_store,
    bench_tui,
)
from tests.bench.results import Result, table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

_BENCHES: Final[dict[str, Callable[[], Awaitable[list[Result]]]]] = {
    "start": bench_start.bench,
    "shell": bench_shell.bench,
    "push": bench_push.bench,
    "run": bench_run.bench,
    "log": bench_log.bench,
    "aa": bench_aa.bench,
    "store": bench_store.bench,
    "slow-client": bench_slow_client.bench,
    "hub": bench_hub.bench,
    "tui": bench_tui.bench,
    "export": bench_export.bench,
    "campaign": bench_campaign.bench,
}
_FAILURES: Final = (HubError, RuntimeError, OSError, ValueError, AssertionError, ExceptionGroup)


async def _bench(names: Sequence[str]) -> bool:
    """Run them one after the other; whether every target holds."""
    results: list[Result] = []
    for name in names:
        try:
            results += await _BENCHES[name]()
        except _FAILURES:  # the others are measured all the same; the table says that this one was not
            traceback.print_exc()
            results.append(Result(name, "could not be measured", float("nan"), "", most=0))
        print(flush=True)
    print(table(results))
    return not any(result.missed for result in results)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(_BENCHES)}; none for all")
    names = parser.parse_args().names
    if unknown := [name for name in names if name not in _BENCHES]:
        parser.error(f"there is no bench {unknown[0]}; there are {', '.join(_BENCHES)}")
    sys.exit(0 if asyncio.run(_bench(names or list(_BENCHES))) else 1)


if __name__ == "__main__":
    main()
