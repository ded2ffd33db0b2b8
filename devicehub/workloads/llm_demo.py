"""llm_demo: how it is started, and what its stdout says.

The output has three zones. Up to `prompt file is ...` every line is the engine's. From there to the last
whole perf block it is the model's text, in which the engine may still complain. After the block nothing
but a shell or a crash speaks. A block that the model forges is followed by more text or by the true block.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from devicehub.workloads.cold import is_cold_mark
from devicehub.workloads.evidence import Hit, HitBag, find_engine_line, find_failure, find_last_words
from devicehub.workloads.perf_block import OPENING, BlockReader, PerfBlock, Step
from devicehub.workloads.record import finite

if TYPE_CHECKING:
    from devicehub.android.lines import Line

MOST_TEXT: Final = 8 * 1024 * 1024
"""Characters of the model's text that are kept."""

_PROMPT_FILE: Final = re.compile(r"prompt file is (?P<path>.*)")
_CONFIG_PATH: Final = re.compile(r"(?:.*[$#>] )?(?:config|model) path is \S")
_COST: Final = re.compile(r"main, (?P<line>\d+), cost time: (?P<ms>[\d.]+) ms\s*$")
_ENGINE_LINE: Final = re.compile(
    r"The device supports: |CPU Group: \[|Prepare for tuning opt |main, \d+, cost time: "
)
# What may follow a block: the engine's last words, the shell's, and what frames a pasted log.
_AFTER_ENGINE: Final = re.compile(
    r"\s*$|main, \d+, cost time: |Update cache to |Cache invalid|\[?MNN[\w:-]*\]?|QNN|\[llm_|"
    r"[=-]{5,}|(?:Can't open file|Load Cache file error)"
)
_AFTER_SAVED: Final = re.compile(
    r"\s*(?:```|~~~|<|Script done|\.\.\.|(?:real|user|sys)\s+\d|\d+m[\d.]+s|"
    r"(?:rc|ret|exit(?: ?code| ?status)?|status|EXIT_?CODE|\$\?)\W*\d+\s*$|\d{1,3}\s*$)"
)
_SHELL_PROMPT: Final = re.compile(r"\s*(?:\d+\|)?[\w.@~:/()\[\]➜✗ -]{0,120}[$#%✗➜](?:\s.*)?$")


def argv(executable: str, config_path: str, prompt_path: str) -> list[str]:
    """The command line of a launch.

    Always with a prompt file: without one llm_demo chats, and with stdin closed it does so for ever.
    """
    return [executable, config_path, prompt_path]


class Cost(NamedTuple):
    """A time that main tells: the first is the load, the second what it calls tuning.

    The number of its source line tells the engine's version: 193 for 3.0.3 to 3.0.5, 222 for 3.1.0,
    266 for 3.2.4 to 3.3.0, 267 for 3.4.0, 264 for 3.4.1, 274 for 3.5.0, 276 for 3.6.0 and 3.6.1.
    """

    line: int
    ms: float

    @property
    def block_fields(self) -> set[str]:
        """Fields that this version's block holds and an older one's lacks."""
        expected = {"sample time"} if self.line >= 222 else set()
        return expected | {"pixels_mp"} if self.line >= 264 else expected

    @property
    def block_is_logged(self) -> bool:
        """Whether a logcat build of this version prints its block to the log; older ones use printf."""
        return self.line == 264 or self.line >= 267


def read_cost(line: str) -> Cost | None:
    """Read an AUTOTIME line of main; None for any other line."""
    match = _COST.match(line)
    ms = finite(match["ms"]) if match else None
    return None if match is None or ms is None else Cost(int(match["line"][:9]), ms)


def is_engine_line(line: str) -> bool:
    """Whether the engine's print function wrote this: it tells where counters will be printed."""
    return _ENGINE_LINE.match(line) is not None


class DemoReader:
    """Lines of llm_demo's stdout, alone or merged with stderr, become text, a block and hits.

    Args:
        saved: the lines come from a file in which a shell or a person may have written too.
    """

    def __init__(self, *, saved: bool = False) -> None:
        self._saved = saved
        self._blocks = BlockReader()
        self.started = False
        """`config path is` was seen: this is llm_demo."""
        self.prompt_file: str | None = None
        self.engine_prints_here = False
        self.costs: list[Cost] = []
        self.block: PerfBlock | None = None
        self.block_has_text_after = False
        self.relaunched = False
        self._head_is_cold = False
        self._tail_is_cold = False
        self.head = HitBag()
        self.body = HitBag()
        self.tail = HitBag()
        self._text: list[str] = []
        self._text_size = 0
        self._text_end = 0
        self._held: list[str] = []
        self._last_rule = ""
        self._left_to_shell = False
        self._last_lines: deque[str] = deque(maxlen=4)

    @property
    def is_cold(self) -> bool:
        """Whether the engine told, outside the model's text, that it makes its caches anew."""
        return self._head_is_cold or self._tail_is_cold

    @property
    def in_text(self) -> bool:
        """Whether what comes next may be the model's text."""
        return self.prompt_file is not None

    def take(self, line: Line) -> None:
        """Read one line."""
        if line.text.strip():
            self._last_lines.append(line.text)
        if self.prompt_file is None and self.block is None:
            self._take_head(line)
        else:
            self._take_body(line)

    def _take_head(self, line: Line) -> None:
        match = _PROMPT_FILE.match(line.text) if not line.goes_on else None
        if match:
            self.prompt_file = match["path"]
            return
        if self._take_block_line(line):
            return
        self.started = self.started or _CONFIG_PATH.match(line.text) is not None
        self._head_is_cold = self._head_is_cold or is_cold_mark(line.text)
        self._take_engine_line(line.text)
        self.head.add(find_failure(line.text))

    def _take_engine_line(self, text: str) -> None:
        if not is_engine_line(text):
            return
        self.engine_prints_here = True
        cost = read_cost(text)
        if cost is not None and len(self.costs) < 2:
            self.costs.append(cost)

    def _take_body(self, line: Line) -> None:
        if self._take_block_line(line):
            return
        if self.block is None:
            self.body.add(find_engine_line(line.text))
        else:
            self._take_tail(line.text)
        self._keep(line.text + line.end)

    def _take_tail(self, text: str) -> None:
        if self._left_to_shell:
            return
        self._tail_is_cold = self._tail_is_cold or is_cold_mark(text)
        hit = find_failure(text)
        self.tail.add(hit)
        if _CONFIG_PATH.match(text):
            self.relaunched = True
        elif self._saved and _SHELL_PROMPT.match(text):
            self._left_to_shell = not re.search(r"llm_demo\s+\S+\.json", text)
        elif hit is None and not (_AFTER_ENGINE.match(text) or (self._saved and _AFTER_SAVED.match(text))):
            self.block_has_text_after = True

    def _take_block_line(self, line: Line) -> bool:
        """Give a line to the block reader; whether it is part of a block, open or whole."""
        step = Step.OUTSIDE if line.goes_on else self._blocks.take(line.text)
        if step is Step.INSIDE:
            self._held.append(line.text + line.end)
            return True
        if step is Step.COMPLETE:
            self._close_block(line)
            return True
        if step is Step.REOPENED:
            self._take_back(self._last_rule)
            self._held = [self._last_rule, line.text + line.end]
            self.block_has_text_after = True
            return True
        if step is Step.BROKEN:
            self._release_held()
            if self._blocks.is_open:
                self._held.append(line.text + line.end)
                return True
        return False

    def _close_block(self, line: Line) -> None:
        if self.block is not None:
            # The block before was text, and so was what followed it.
            for hit in self.tail.all:
                self.body.add(find_engine_line(hit.line))
        self.tail = HitBag()
        self._tail_is_cold = False
        self.block = self._blocks.block
        self.block_has_text_after = self.relaunched = self._left_to_shell = False
        self._text_end = self._text_size
        self._keep("".join(self._held))
        self._last_rule = line.text + line.end
        self._keep(self._last_rule)
        self._held.clear()

    def _release_held(self) -> None:
        self._keep("".join(self._held))
        if self.block is not None:
            self.block_has_text_after = True
        self._held.clear()

    def _keep(self, text: str) -> None:
        if self._text_size < MOST_TEXT:
            self._text.append(text)
        self._text_size += len(text)

    def _take_back(self, text: str) -> None:
        """Undo the last `_keep`."""
        self._text_size -= len(text)
        if self._text_size < MOST_TEXT:
            self._text.pop()

    def finish(self) -> None:
        """There are no more lines."""
        if self._blocks.is_open:
            self._release_held()
        if self.block is None and self.prompt_file is not None:
            self.body.add(self._find_last_words())

    def _find_last_words(self) -> Hit | None:
        for text in reversed(self._last_lines):
            hit = find_last_words(text)
            if hit is not None:
                return hit
            if not (self._saved and (_SHELL_PROMPT.match(text) or _AFTER_SAVED.match(text))):
                return None
        return None

    def generated(self, *, all_of_it: bool = False) -> str | None:
        """The model's text: what stands between `prompt file is` and the last block; None before the first.

        Args:
            all_of_it: the engine does not print here, so a block is text too.
        """
        if self.prompt_file is None:
            return None
        text = "".join(self._text)
        if self.block is None or all_of_it:
            return text
        # The block is printed with a line end before it, whether or not the text ended in one.
        return text[: self._text_end].removesuffix("\n")

    def visible(self, rest: str, *, all_of_it: bool = False) -> str:
        """The text so far for a person who watches: without a block, whole or begun, unless that is text."""
        if self.prompt_file is None:
            return ""
        text = "".join(self._text)
        if all_of_it:
            return text + "".join(self._held) + rest
        shown = text if self.block is None or self.block_has_text_after else text[: self._text_end]
        return shown if self._held or self.block or OPENING.startswith(rest[:33]) else shown + rest
