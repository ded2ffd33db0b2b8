"""`devicehub runs watch` and `devicehub runs stop`: runs that are under way."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from devicehub.cli.exit_codes import ExitCode
from devicehub.cli.output import print_json, run_async, say
from devicehub.cli.run_view import RunView, print_records
from devicehub.runs.lifecycle import RunState

if TYPE_CHECKING:
    from devicehub.runs.model import RunRecord
    from devicehub.store.model import RunRow


@click.command("watch")
@click.argument("run_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print the run record at the end, nothing before.")
def command_watch(run_id: str, *, as_json: bool) -> None:
    """Show a run until its end; one that no command carries any more is taken up.

    ID may be shortened. The exit status is 0 when the run succeeded, 1 when it did not.
    """

    async def watch() -> RunRow:
        from devicehub.hub import open_hub
        from devicehub.settings import patience_s

        hub = await open_hub(tell=say)
        row = hub.store.run(run_id)
        view = RunView(row.serial, stream_text=not as_json)
        if not RunState(row.state).is_end:
            view.on_state(RunState(row.state))
        try:
            return await hub.watch_run(row.id, view, patience_s=patience_s())
        finally:
            view.close()

    record = _record_of(run_async(watch()))
    if as_json:
        print_json(record)
    else:
        print_records([record])
    sys.exit(ExitCode.OK if record.verdict == "succeeded" else ExitCode.FAILED)


@click.command("stop")
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True)
def command_stop(run_ids: tuple[str, ...]) -> None:
    """End runs on their phones; each keeps what it has so far, in state cancelled.

    A phone that is away is told when it is back.
    """

    async def stop() -> None:
        from devicehub.hub import open_hub

        hub = await open_hub(tell=say)
        for run_id in run_ids:
            before = hub.store.run(run_id)
            if RunState(before.state).is_end:
                say(f"{before.id} has ended already: {before.state}")
                continue
            row = await hub.stop_run(before.id)
            ended = RunState(row.state).is_end
            say(f"{row.id} {row.state}" if ended else f"{row.id} is stopped when its phone is back")

    run_async(stop())


def _record_of(row: RunRow) -> RunRecord:
    import msgspec

    from devicehub.runs.model import RunRecord

    assert row.record is not None
    return msgspec.json.decode(row.record, type=RunRecord)
