"""`make bench`: every comparison in one run."""

import asyncio

from tests.bench import bench_start


async def _main() -> None:
    await bench_start.bench()


asyncio.run(_main())
