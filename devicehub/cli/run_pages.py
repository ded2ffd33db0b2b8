"""What the hub gives page by page: runs, their records, their samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from devicehub.api.contract import (
    QUEUE,
    RUN_RECORDS,
    RUN_SAMPLES,
    RUNS,
    QueueQuery,
    RecordsQuery,
    SamplesQuery,
)
from devicehub.api.rpc import ErrorCode
from devicehub.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from devicehub.api.client import Client
    from devicehub.api.contract import RunsQuery
    from devicehub.api.model import RunView

_RUNS: Final = 500
_LINES: Final = 3000
_RECORDS: Final = 20
"""A record of many launches can take megabytes."""


async def fetch_runs(client: Client, query: RunsQuery, most: int | None) -> tuple[list[RunView], bool, int]:
    """The runs that a query asks for, the newest first, at most so many; whether there are older ones.

    The third is how many runs there are, whether or not they are asked for.
    """
    views: list[RunView] = []
    while True:
        room = _RUNS if most is None else min(most - len(views), _RUNS)
        page = await client.call(RUNS, replace(query, limit=max(room, 1)))
        if room == 0:
            return views, bool(page.runs), page.total
        views += page.runs
        if page.next is None or len(views) == most:
            return views, page.next is not None, page.total
        query = replace(query, before=page.next)


async def fetch_queue(client: Client) -> list[RunView]:
    """All runs that wait, in their order; it may move while it is fetched, so each is taken once."""
    found: dict[str, RunView] = {}
    first = 0
    while page := await client.call(QUEUE, QueueQuery(first=first, limit=_RUNS)):
        found |= {view.id: view for view in page}
        first += len(page)
        if len(page) < _RUNS:
            break
    return list(found.values())


async def fetch_documents(client: Client, run_ids: Sequence[str]) -> AsyncIterator[list[dict[str, Any]]]:
    """The records of runs that have ended, in the order of their ids, some at a time."""
    first, count = 0, _RECORDS
    while first < len(run_ids):
        asked = list(run_ids[first : first + count])
        try:
            page = await client.call(RUN_RECORDS, RecordsQuery(runs=asked, limit=len(asked)))
        except ApiError as error:
            count = _fewer(len(asked), error)
            continue
        yield page.records
        first += len(asked)


async def fetch_samples(client: Client, run_id: str) -> AsyncIterator[tuple[int, list[str]]]:
    """The lines of a run's samples, some at a time, each with the number of the attempt that they are of."""
    first: int | None = 0
    count = _LINES
    while first is not None:
        try:
            page = await client.call(RUN_SAMPLES, SamplesQuery(run=run_id, first=first, limit=count))
        except ApiError as error:
            count = _fewer(count, error)
            continue
        yield page.attempt, page.lines
        first = page.next


def _fewer(count: int, error: ApiError) -> int:
    """How many to ask for where so many are more than the hub sends at once; any other error is raised."""
    if error.code != ErrorCode.TOO_LARGE or count == 1:
        raise error
    return count // 2
