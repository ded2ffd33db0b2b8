from __future__ import annotations

import gc

from devicehub_tui.garbage import spare_all, spare_imports


class Ring:
    def __init__(self) -> None:
        self.me = self


def test_what_is_there_is_not_looked_at_again_until_it_is_garbage() -> None:
    gone: list[int] = []

    def look(phase: str, found: dict[str, int]) -> None:
        if phase == "stop":
            gone.append(found["collected"])

    gc.callbacks.append(look)
    try:
        spare_imports()
        kept = Ring()
        spare_all()
        assert gc.get_freeze_count() > 0
        assert all(one is not kept for one in gc.get_objects())
        del kept
        gc.collect()
        assert gone[-1] == 0
        spare_all()
        assert gone[-1] > 0
    finally:
        gc.callbacks.remove(look)
        gc.unfreeze()
