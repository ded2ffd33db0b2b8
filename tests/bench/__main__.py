"""`make bench`: every comparison in one run."""

import asyncio

from tests.bench import bench_log, bench_push, bench_run, bench_shell, bench_start


async def _main() -> None:
    await bench_start.bench()
    await bench_shell.bench()
    await bench_push.bench()
    await bench_run.bench()
    await bench_log.bench()


asyncio.run(_main())
