r"""Reads what generate_llm_qnn.py and the tools that it starts print. Pure, push style, any pieces.

::

    Step1: Make IO
    Successfully generate /work/tmp/testdir/0/input.mnn and /work/tmp/testdir/0/output.mnn.
    Cost:  1.5  s
    Step2: Seperate Model
    Step3: Compile to QNN
    [Retry 1/3] command failed: python3 /sdk/bin/x86_64-linux-clang/qnn-model-lib-generator -c ...
    RuntimeError: npu_convert.py failed
    Step4: Move result file to  graphs
    End
"""

from __future__ import annotations

import codecs
import re
from typing import Final

PARTS: Final = {
    1: "give the graph its inputs",
    2: "cut out what the NPU can do",
    3: "compile the graphs",
    4: "gather the result",
}
"""By the number that the script prints: what a person reads."""

_LONGEST: Final = 4096
_PART: Final = re.compile(r"Step([1-4]): ")
_COST: Final = re.compile(r"Cost:\s+(\d+(?:\.\d+)?)\s+s$")
_RETRY: Final = re.compile(r"\[Retry \d+/\d+\] command failed: (.+)")
_RAISED: Final = re.compile(r"(?:\w+\.)*(?:\w*Error|\w*Exception|SystemExit): .+")
_COMPLAINTS: Final = (
    re.compile(r"clang\S*: (?:fatal )?error: .+"),
    # The shell's word for a tool that crashed.
    re.compile(r"(?:.*: )?(?:Segmentation fault|Aborted|Killed|Bus error|Illegal instruction)\b.*"),
    re.compile(r".*(?:command not found|No such file or directory).*"),
    re.compile(r".*\b(?:MNN_QNN|QNN|QnnDsp)\b.*\b(?:[Ff]ail|[Ee]rror).*"),
    re.compile(r"(?:Failed to compile: |Invalid json|Failed to create dir ).*"),
    re.compile(r"(?:\[?ERROR\]?|error:).*", re.IGNORECASE),
)
"""What the tools say before the script notices; some of them say it and end with status 0."""
_NO_BACKEND: Final = re.compile(r"Can't Find type=\d+ backend")
"""compilefornpu then goes on with the CPU, makes no code for the NPU, and ends with status 0."""
_UNBUILT: Final = "compilefornpu knows no QNN: build MNN with -DMNN_QNN=ON -DMNN_QNN_CONVERT_MODE=ON"
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Reading:
    """What was said so far.

    Attributes:
        part: the last of the script's four parts that began; 0 before the first.
        took_s: by part, as the script says.
        ended: it said that it came to its end.
        retried: commands that failed and were tried again.
    """

    def __init__(self) -> None:
        self.part = 0
        self.took_s: dict[int, float] = {}
        self.ended = False
        self.retried: list[str] = []
        self._raised = ""
        self._complaint = ""
        self._lacks_qnn = False
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""

    @property
    def reason(self) -> str:
        """Why it failed, in its own words; empty where nothing of what it said tells."""
        if self._lacks_qnn:
            return _UNBUILT
        if self._complaint and self._raised:
            return f"{self._complaint} ({self._raised})"
        return self._complaint or self._raised

    def receive(self, data: bytes) -> list[str]:
        """The lines that are whole now, without escapes and without what a carriage return wrote over."""
        *whole, self._rest = (self._rest + self._decoder.decode(data)).split("\n")
        self._rest = self._rest[-_LONGEST:]
        return [self._take(line) for line in whole]

    def close(self) -> list[str]:
        """The last line, where nothing ended it."""
        rest, self._rest = self._rest + self._decoder.decode(b"", final=True), ""
        return [self._take(rest)] if rest else []

    def _take(self, line: str) -> str:
        line = _ESCAPES.sub("", line.rstrip("\r").rpartition("\r")[2])[:_LONGEST].rstrip()
        if found := _PART.match(line):
            self.part = int(found.group(1))
            # What was said of a part that went on is no reason for a later one to fail.
            self._complaint = ""
        elif found := _COST.match(line):
            self.took_s[self.part] = float(found.group(1))
        elif found := _RETRY.match(line):
            self.retried.append(found.group(1))
        elif line == "End":
            self.ended = True
        elif _NO_BACKEND.match(line):
            self._lacks_qnn = True
        elif found := _RAISED.fullmatch(line):
            self._raised = line
        elif any(pattern.match(line) for pattern in _COMPLAINTS):
            self._complaint = line
        return line
