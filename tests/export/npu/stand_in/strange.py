"""Does in one place what a test asks for: STAND_IN_AT names it, STAND_IN_DOES says what happens there."""

import os
import sys
import time


def come_to(place: str) -> None:
    if os.environ.get("STAND_IN_AT") != place:
        return
    does = os.environ["STAND_IN_DOES"]
    if does == "hang":
        os.spawnv(os.P_NOWAIT, "/bin/sh", ["sh", "-c", "trap '' TERM; sleep 1000; true"])
        time.sleep(1000)
    if does == "raise":
        raise RuntimeError(f"{place} failed")
    if does == "complain":
        sys.stdout.write("clang++: error: unable to execute command\n")
        raise RuntimeError(f"{place} failed")
    if does == "leave":
        sys.stdout.flush()
        os._exit(0)
