"""What a test gets of a run: its record, with what tests ask most at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from devicehub.cli.figures import fidelity_text, figure_text, flag_lines, measured
from devicehub.cli.suite_view import suite_text
from devicehub.units import format_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devicehub.runs.model import FigureName, Launch, RunRecord

_MOST_TEXT: Final = 2000
_UNITS: Final = {"decode_tok_s": "tok/s", "prefill_tok_s": "tok/s", "load_ms": "ms"}


class ModelRun:
    """One run that has ended, however it did.

    A figure that the run does not have fails the test that asks for it, with the run's cause in the message.

    Attributes:
        record: all of it, as `devicehub run --json` prints it.
    """

    def __init__(self, record: RunRecord) -> None:
        self.record = record

    @property
    def id(self) -> str:
        """Names it: `devicehub runs show ID`."""
        return self.record.id

    @property
    def serial(self) -> str:
        """What adb called its phone."""
        return self.record.device.serial

    @property
    def verdict(self) -> str:
        """`succeeded` or `failed`; where it came to neither, its state, such as `cancelled` or `lost`."""
        return self.record.verdict or str(self.record.state)

    @property
    def succeeded(self) -> bool:
        """Whether its verdict is that it did."""
        return self.record.verdict == "succeeded"

    @property
    def cause(self) -> str | None:
        """Why it failed, as a slug; None where it did not."""
        return self.record.cause

    @property
    def evidence(self) -> list[str]:
        """The lines that prove the cause, what the hub met, and where answers miss what a suite demands."""
        launch = next((launch for launch in self.record.launches if launch.cause == self.record.cause), None)
        lines = [*launch.evidence, *launch.crash] if launch is not None and launch.cause else []
        answers = self.record.suite.answers if self.record.suite is not None else []
        lines += [f"prompt {answer.id}: {answer.why}" for answer in answers if not answer.passed]
        return lines + ([self.record.error.sentence] if self.record.error else [])

    @property
    def text(self) -> str:
        """What the model said in the last measured launch; empty where nothing was read."""
        return next((launch.text for launch in reversed(self._launches) if launch.text is not None), "")

    @property
    def fidelity(self) -> float | None:
        """How far the phone answers as the host does, 0 to 1; None where it is not known."""
        return self.record.fidelity

    @property
    def decode_tok_s(self) -> float:
        """Tokens decoded per second, the median over the launches that count."""
        __tracebackhide__ = True
        return self._figure("decode_tok_s")

    @property
    def prefill_tok_s(self) -> float:
        """Tokens of the prompt per second, likewise."""
        __tracebackhide__ = True
        return self._figure("prefill_tok_s")

    @property
    def load_ms(self) -> float:
        """How long loading took, in milliseconds, likewise."""
        __tracebackhide__ = True
        return self._figure("load_ms")

    @property
    def _launches(self) -> list[Launch]:
        return measured(self.record)

    def _figure(self, name: FigureName) -> float:
        __tracebackhide__ = True
        spread = getattr(self.record.summary, name) if self.record.summary is not None else None
        if spread is None:
            raise AssertionError(f"{self!r} has no {name}")
        figure: float = spread.median
        return figure

    def __repr__(self) -> str:
        cause = f": {self.cause}" if self.cause else ""
        proof = f" ({self.evidence[0].strip()})" if self.evidence else ""
        return f"<run {self.id} on {self.record.device.serialno} {self.verdict}{cause}{proof}>"


def describe(run: ModelRun, hint: str | None) -> str:
    """A run in lines, as a test's report shows it.

    Args:
        run: it.
        hint: where there is more of it.
    """
    return "\n".join(_lines(run.record, run, hint))


def _lines(record: RunRecord, run: ModelRun, hint: str | None) -> Iterator[str]:
    device = record.device
    known: list[Any] = [device.product, device.soc.name or device.soc.model, f"Android {device.android}"]
    yield f"run {run.id} on {device.serialno} ({', '.join(str(part) for part in known if part)})"
    yield f"{record.model.name}, engine {record.engine.name}, workload {record.workload}" + (
        f", profile {record.profile}" if record.profile else ""
    )
    yield run.verdict + (f": {run.cause}" if run.cause else "")
    yield from (f"  | {line.rstrip()}" for line in run.evidence)
    figures = [
        f"{name.removesuffix('_tok_s').removesuffix('_ms')} {text} {_UNITS[name]}"
        for name, text in (
            ("load_ms", figure_text(record, "load_ms", 1)),
            ("prefill_tok_s", figure_text(record, "prefill_tok_s", 2)),
            ("decode_tok_s", figure_text(record, "decode_tok_s", 2)),
        )
        if text is not None
    ]
    if figures:
        yield ", ".join(figures) + (" (virtual: not a phone's speeds)" if record.virtual else "")
    yield from (f"  ! {reason}" for reason in record.trust_reasons)
    if record.suite is not None:
        yield f"suite: {suite_text(record)}"
    if fidelity := fidelity_text(record):
        yield f"fidelity {fidelity}"
    yield from (f"  ! {line}" for line in flag_lines(record))
    if record.timings.run_ms is not None:
        yield f"it ran {format_ms(record.timings.run_ms)}"
    if text := run.text.strip():
        yield f"text: {text[:_MOST_TEXT]}{' [...]' if len(text) > _MOST_TEXT else ''}"
    if hint:
        yield hint
