"""The virtual MNN engine: `python -m devicehub.sim.engine [--logcat] llm_demo|llm_bench|ppl_eval ...`.

It runs the model in the MNN wheel and prints what the real program prints, through the same C buffer, and it
ends as the real one ends, by exit status or by a signal. `--logcat` plays a build with MNN_USE_LOGCAT: MNN's
own rows go to the phone's log.

Environment: DEVICEHUB_SIM_THREADS, the most threads granted (default 1). How many were asked for and used
stands in the phone's log under the tag `devicehub`: the real program prints nothing of the kind.
DEVICEHUB_SIM_ROOT, where a portable phone keeps its files. DEVICEHUB_SIM_ENGINE, a file with a script of
`scenario.EngineScript`; that one is followed stands in the log as well. DEVICEHUB_SIM_PACE, a file with the
share of full speed that the phone's clocks leave.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Final

from devicehub.errors import SimError
from devicehub.sim.android import logd
from devicehub.sim.engine.bench import LlmBench
from devicehub.sim.engine.demo import LlmDemo
from devicehub.sim.engine.log import HUB_TAG, RowForwarder
from devicehub.sim.engine.ppl import PplEval
from devicehub.sim.engine.scenario import Opener
from devicehub.sim.engine.stdio import Stdio

if TYPE_CHECKING:
    from collections.abc import Sequence

_NOT_FOUND: Final = 127
_TOOLS: Final[dict[str, type[LlmDemo | LlmBench | PplEval]]] = {
    "llm_demo": LlmDemo,
    "llm_bench": LlmBench,
    "ppl_eval": PplEval,
}


def main(argv: Sequence[str]) -> int:
    """Run the tool that the arguments name; the exit status."""
    # A C program dies of these.
    for number in (signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    logcat = argv[:1] == ["--logcat"]
    tool = list(argv[1:] if logcat else argv)
    if not tool or tool[0] not in _TOOLS:
        sys.stderr.write(f"mnn_engine: {tool[0] if tool else 'no tool'}: not found\n")
        return _NOT_FOUND

    threads = _granted_threads()
    # The wheel loads weights with threads of its own whatever the configuration says.
    os.environ.setdefault("OMP_THREAD_LIMIT", str(threads))
    stdio = Stdio()
    forwarder = RowForwarder(logd.write) if logcat else None
    if forwarder is not None:
        stdio.divert_engine(forwarder.fd, forwarder.finish)

    def note(text: str) -> None:
        logd.write(priority="I", tag=HUB_TAG, message=text)

    try:
        open_model = Opener(stdio, note, tool=tool[0])
        status = _TOOLS[tool[0]](stdio, open_model=open_model, threads=threads, note=note).run(tool)
    except SimError as error:
        sys.stderr.write(f"mnn_engine: {error}\n")
        status = _NOT_FOUND
    stdio.finish()
    return status


def _granted_threads() -> int:
    text = os.environ.get("DEVICEHUB_SIM_THREADS", "1")
    return max(int(text), 1) if text.isdecimal() else 1


if __name__ == "__main__":
    # Not sys.exit: the wheel can crash while the interpreter is taken down.
    os._exit(main(sys.argv[1:]))
