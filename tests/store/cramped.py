"""Uses a store in a folder short of room or of rights; prints what comes of it."""

import itertools
import sys
from pathlib import Path

from devicehub.errors import StoreError
from devicehub.store.store import Store
from tests.store.samples import record, run_row


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")


def fill(path: Path) -> None:
    """`FOLDER fill`: end runs until the disk is full; tell the sentence and how many ended."""
    finished = 0
    with Store.open(path) as store:
        try:
            for number in itertools.count():
                store.add_run(run_row(f"r{number}"))
                store.add_samples(f"r{number}", 1, 0, b"x" * 4000 + b"\n")
                finished += store.finish(f"r{number}", record(run_id=f"r{number}"), wall_s=200.0)
        except StoreError as error:
            say(error)
            say(finished)


def check(path: Path) -> None:
    """`FOLDER check`: tell how many runs have a whole end."""
    with Store.open(path) as store:
        ended = store.runs(state="succeeded", limit=-1)
        assert all(store.run(row.id).record for row in ended)
        assert all(len(store.records(row.id)) == len(store.launches(row.id)) == 1 for row in ended)
        say(len(ended))


if __name__ == "__main__":
    try:
        {"fill": fill, "check": check}[sys.argv[2]](Path(sys.argv[1]) / "devicehub.db")
    except StoreError as error:
        say(error)
