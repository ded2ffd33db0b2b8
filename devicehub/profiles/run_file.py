"""What the files under profiles/runs/ may hold: how to run a model, and what of that depends on the phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec

from devicehub.profiles.custom import Custom
from devicehub.selector import Term, parse_term

if TYPE_CHECKING:
    from collections.abc import Iterator

Fact = Literal["big_cores", "cores", "ram"]
"""A number that a phone tells: its cores without the slowest kind (4 at most, as MNN advises), all of them,
and its memory in GiB."""
Part = Literal["vision", "audio"]
"""What a model takes beside text; its engine must be built for that as well."""
TERMS: Final = ("vendor", "soc", "gpu", "htp", "android", "ram", "cores", "big_cores")
"""What a condition may ask of a phone; gpu is the family, as in `adreno`, ram in GiB."""
_NUMBERS: Final = ("ram", "cores", "big_cores")
Sentence = Annotated[str, msgspec.Meta(min_length=1)]


class When(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Values for some phones.

    Attributes:
        phone: terms that must all hold, as in `vendor=qualcomm,ram<8`; what a phone does not tell does not.
        config: wins over what stands before it.
        why: for whoever is shown the result.
    """

    phone: Sentence
    config: dict[str, Any]
    why: Sentence | None = None

    def terms(self) -> list[Term | None]:
        """Each term; None for one that is none."""
        return [parse_term(text, TERMS) for text in self.phone.split(",")]


class RunFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How to run a model: `runs/default.toml`.

    Later values win: the model's file, `config`, `from_phone`, then each of `when` that fits.

    Attributes:
        workload: the one that this profile is for; None leaves it to whoever runs it.
        base: the file of the model's folder that it begins with.
        takes: what it gives a model beside text; a model that cannot take it is refused.
        config: keys of MNN's config.json that win over the model's own.
        from_phone: config key: a number of the phone that runs it; left out where the phone does not tell.
        when: values for some phones.
        why: config key: why its value is this one.
        custom: the command of workload custom, and what its output means.
    """

    summary: Sentence
    workload: Literal["custom"] | None = None
    base: Literal["config.json", "config_qnn.json"] = "config.json"
    takes: tuple[Part, ...] = ()
    config: dict[str, Any] = {}
    from_phone: dict[str, Fact] = {}
    when: tuple[When, ...] = ()
    why: dict[str, Sentence] = {}
    custom: Custom | None = None

    def problems(self, file_id: str) -> Iterator[tuple[str, str]]:
        """What the types cannot say: (key, problem)."""
        del file_id
        if self.workload is not None and self.custom is None:
            yield "custom", f"is missing: workload {self.workload} needs the table [custom]"
        if self.custom is not None:
            if self.workload is None:
                yield "workload", 'is missing: a table [custom] needs workload = "custom"'
            yield from ((f"custom.{key}", problem) for key, problem in self.custom.problems())
        yield from _unfit(self.config, "config")
        for number, when in enumerate(self.when):
            yield from _unfit(when.config, f"when[{number}].config")
            for text, term in zip(when.phone.split(","), when.terms(), strict=True):
                if term is None:
                    known = ", ".join(TERMS)
                    problem = f"{text.strip()!r} is no term such as ram<8; keys are {known}"
                    yield f"when[{number}].phone", problem
                elif term.key in _NUMBERS and not term.value.isdecimal():
                    yield f"when[{number}].phone", f"{text.strip()!r} compares with no whole number"
        for key in self.from_phone:
            if key in self.config:
                yield f"from_phone.{key}", "stands in [config] too"
            elif "." in key:
                yield f"from_phone.{key}", "reaches no key within another; MNN would not know this one"
        given = {*self.config, *self.from_phone, *(key for when in self.when for key in when.config)}
        yield from ((f"why.{key}", "this profile does not set it") for key in self.why if key not in given)


def _unfit(config: dict[str, Any], where: str) -> Iterator[tuple[str, str]]:
    for key, value in config.items():
        if not _is_json(value):
            yield f"{where}.{key}", "JSON has no such value; write a text or a number"


def _is_json(value: object) -> bool:
    if isinstance(value, dict):
        return all(_is_json(item) for item in value.values())
    if isinstance(value, list):
        return all(_is_json(item) for item in value)
    if isinstance(value, float):
        return value - value == 0  # neither inf nor nan, which TOML has and JSON has not
    return isinstance(value, str | int)
