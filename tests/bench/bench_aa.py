"""One engine against itself, 20 times with `devicehub compare`: how often a difference is claimed.

The engine is the real one, on this host in a virtual phone; whatever else the host does is the noise.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.bench.phone import stocked_phone
from tests.bench.results import Result
from tests.e2e.command import devicehub

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MOST_CLAIMS: Final = 3
"""Of 20 on decoding: 5 % false ones, and the spread of so few draws."""
_CLAIMS: Final = ("faster", "slower")
_ARGV: Final = (
    *("compare", "--by", "engine", "virtual", "virtual", "tiny", "--profile", "greedy-repeatable"),
    *("--prompt-tokens", "64", "--decode-tokens", "64", "--repeats", "3", "--gate", "off", "--json"),
)


async def bench(comparisons: int = 20) -> list[Result]:
    """Print each figure's ratios and conclusions.

    Raises:
        RuntimeError: a comparison failed.
    """
    found = []
    with tempfile.TemporaryDirectory() as name:
        async with stocked_phone(Path(name), engine="virtual") as env:
            for _ in range(comparisons):
                answer = await devicehub(*_ARGV, env=env)
                comparison = answer.json["comparison"] if answer.stdout else {"unlike": answer.stderr}
                if comparison["unlike"]:
                    raise RuntimeError(f"status {answer.status}: {comparison['unlike']}")
                found.append(comparison)
    claims = _report(found)
    what = f"of {comparisons} comparisons call decoding different"
    return [Result("one engine twice", what, claims, "", most=_MOST_CLAIMS * max(1, comparisons / 20))]


def _report(found: Sequence[Mapping[str, Any]]) -> int:
    """Print a line per figure; how many comparisons claim a difference in decoding."""
    print(
        f"one engine against itself, {len(found)} comparisons (decode: at most {_MOST_CLAIMS} of 20 claims)"
    )
    claims = {}
    for name in found[0]["figures"]:
        figures = [comparison["figures"][name] for comparison in found]
        ratios = [figure["ratio"] for figure in figures]
        claims[name] = sum(figure["conclusion"] in _CLAIMS for figure in figures)
        width = statistics.median((figure["high"] - figure["low"]) / 2 for figure in figures)
        print(
            f"  {name:<14} {claims[name]:3} claims   ratio {min(ratios):.3f} to {max(ratios):.3f}"
            f"   interval typically +- {width * 100:.0f} %"
        )
    return claims["decode_tok_s"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comparisons", type=int, default=20)
    asyncio.run(bench(parser.parse_args().comparisons))


if __name__ == "__main__":
    main()
