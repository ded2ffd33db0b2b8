"""`devicehub campaign init`: a campaign's file for the phones that are there, to be edited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from devicehub.cli.at_hub import at_hub

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from devicehub.api.model import DeviceView, EngineView, ModelView
    from devicehub.cli.at_hub import Place

_USABLE: Final = ("ready", "busy")
_RUNS_ALL: Final = ("virtual",)


@click.command("init")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=Path("campaign.toml"))
@at_hub
def command(file: Path, place: Place) -> None:
    """Write a campaign of the phones and models that are there into FILE [campaign.toml].

    What else it can hold stands in it as comments. A file that is there is not touched.
    """
    from devicehub.api.contract import DEVICES, ENGINES, MODELS
    from devicehub.cli.output import say
    from devicehub.errors import InputError, NoPhoneReady

    phones = [
        phone
        for phone in place.ask(DEVICES)
        if phone.kind == "phone" and phone.state in _USABLE and phone.serialno
    ]
    models = place.ask(MODELS)
    if not phones:
        raise NoPhoneReady("no phone is ready; plug one in, or try `devicehub serve --virtual 2`")
    if not models:
        raise InputError(
            "the catalogue", "holds no model", remedy="add one: `devicehub models add DIR`, or pull one"
        )
    engines = place.ask(ENGINES)
    text = "\n".join(campaign_text(file.stem, phones, models, engines)) + "\n"
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise InputError(file, "is there already", remedy="name another file, or remove it") from None
    except OSError as error:
        raise InputError(
            file, f"cannot be written: {error.strerror}", remedy="choose another place"
        ) from None
    say(f"wrote {file}: look at it, then `devicehub campaign run {file} --report {file.stem}.html`")


def campaign_text(
    name: str, phones: Sequence[DeviceView], models: Sequence[ModelView], engines: Sequence[EngineView]
) -> Iterator[str]:
    """The lines of a file for these phones, models and engines."""
    yield f"name = {json.dumps(name)}"
    yield ""
    yield "# Which phones, as --on names them: a serial, all, or terms such as vendor=qualcomm,android>=14."
    yield "phones = ["
    for phone in phones:
        told = " ".join(part for part in (phone.product, phone.soc, f"Android {phone.android}") if part)
        yield f"    {json.dumps(phone.serialno)},  # {_comment(told)}"
    yield "]"
    yield f"models = {_list(model.name for model in models[:2])}"
    if len(models) > 2:
        yield f"# there are also: {_comment(', '.join(model.name for model in models[2:]))}"
    named = [engine.id for engine in engines if engine.abi not in _RUNS_ALL]
    yield "# Left out, the engine that fits each phone is taken."
    yield f"# engines = {_list(named or ['mnn-3.6.1'])}"
    yield 'profiles = ["default"]  # `devicehub profiles list runs` names them all'
    yield ""
    yield "# bench measures speed; demo and app answer a prompt; suites and [eval] test what is answered."
    yield 'workloads = ["bench"]'
    yield 'protocol = "quick"  # standard has 6 launches and waits for a cool phone; limits need 3 at least'
    yield '# prompt = "..."    # of demo and app'
    yield '# suites = ["basics.toml"]  # [[prompt]] tables: text, and contains, equals, matches or json'
    yield '# gate = ["cap=600"]  # how long a launch waits for a cool phone'
    yield '# max_duration = "8h"'
    yield "# move = true          # another phone of the same SoC may take the cells of one that has left"
    yield '# wait_for_phone = "30m"'
    yield ""
    yield "# What is demanded; [[limit]] may name phones, models, engines, profiles, workloads it is for."
    yield "[[limit]]"
    yield 'demand = "fidelity >= 99 %"'
    yield ""
    yield "# [[limit]]"
    yield '# demand = "decode_tok_s >= 20"'
    yield ""
    yield "# Each cell beside what it is compared with, launch by launch on the same phone:"
    yield "# an engine, a model or a profile, or what an earlier campaign measured"
    yield "# (`devicehub campaign baseline save NAME`)."
    yield "# [baseline]"
    yield f"# engine = {json.dumps(named[0] if named else 'mnn-3.6.0')}"
    yield ""
    yield "# [[limit]]"
    yield '# demand = "decode_tok_s no worse than 5 %"'
    yield ""
    yield "# [eval]"
    yield '# files = ["law_val.csv"]  # questions with choices, in the layout of C-Eval'
    yield '# text = "wiki.txt"        # what the perplexity is measured on'
    yield ""
    yield "# In place of a baseline: search the best setting of each SoC."
    yield "# [sweep]"
    yield "# threads = [2, 4, 6]"
    yield '# precision = ["low", "high"]'


def _list(names: Iterable[str]) -> str:
    return json.dumps(list(names), ensure_ascii=False)


def _comment(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)
