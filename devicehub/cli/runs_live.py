"""`devicehub runs watch` and `devicehub runs stop`: runs that are under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from devicehub.cli.at_hub import at_hub
from devicehub.cli.output import run_async, say
from devicehub.cli.run_view import Narration, fetch_records, finish
from devicehub.runs.lifecycle import RunState

if TYPE_CHECKING:
    from devicehub.cli.at_hub import Place
    from devicehub.errors import HubError
    from devicehub.runs.model import RunRecord


@click.command("watch")
@click.argument("run_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print the run record at the end, nothing before.")
@at_hub
def command_watch(run_id: str, *, as_json: bool, place: Place) -> None:
    """Show a run until its end, also one that still waits; Ctrl-C leaves it alone.

    ID may be shortened. The exit status is 0 when the run succeeded, 1 when it did not.
    """

    async def watch() -> list[RunRecord | HubError]:
        from devicehub.api.contract import RUN, RunNamed
        from devicehub.cli.following import Following

        async with place.client() as client:
            view = (await client.call(RUN, RunNamed(run=run_id))).run
        narration = Narration(view.serial or view.id, stream_text=not as_json)
        if RunState(view.state).is_end:
            return await fetch_records(place, {view.id: view})
        following = Following(place, {view.id: narration}, stops=False, tells_queue=True)
        return await fetch_records(place, await following.ends())

    finish(run_async(watch()), as_json=as_json)


@click.command("stop")
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True)
@at_hub
def command_stop(run_ids: tuple[str, ...], *, place: Place) -> None:
    """End runs, in the queue or on their phones; each keeps what it has so far, in state cancelled.

    A phone that is away is told when it is back.
    """

    async def stop() -> None:
        from devicehub.api.contract import RUN, RUN_STOP, RunNamed

        async with place.client() as client:
            for run_id in run_ids:
                before = (await client.call(RUN, RunNamed(run=run_id))).run
                if RunState(before.state).is_end:
                    say(f"{before.id} has ended already: {before.state}")
                    continue
                view = await client.call(RUN_STOP, RunNamed(run=before.id), timeout_s=60.0)
                ended = RunState(view.state).is_end
                say(f"{view.id} {view.state}" if ended else f"{view.id} is stopped when its phone is back")

    run_async(stop())
