"""Keeps the setting that a sweep chose as a run profile of the user's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

from devicehub.campaign.file import check_campaign
from devicehub.campaign.sweep_front import choose
from devicehub.campaign.sweep_profile import profile_toml
from devicehub.cli.output import say
from devicehub.errors import InputError
from devicehub.files import publish
from devicehub.profiles.load import run_profile
from devicehub.settings import find_home

if TYPE_CHECKING:
    from devicehub.campaign.result import CampaignResult, Front
    from devicehub.campaign.sweep_front import Preference

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def check_name(name: str) -> None:
    """Refuse what cannot be a run profile's name, before a sweep of hours.

    Raises:
        InputError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"--save-profile {name}", "is no name of a profile", remedy="use lower case, digits and ._-"
        )


def check_sweep(name: str, text: str, place: str) -> None:
    """Refuse a name that cannot be one, and a campaign that looks for no setting, before it is begun.

    Raises:
        InputError: it is one of these.
    """
    check_name(name)
    file, _ = check_campaign(text, place)
    if file is not None and file.sweep is None:
        raise InputError(
            place, "has no table [sweep], of which --save-profile keeps the best", remedy="leave it out"
        )


def save(result: CampaignResult, name: str, prefer: str) -> None:
    """Write a run profile for the best setting of each front; with several, each SoC's has its name in it.

    Raises:
        InputError: the campaign is no sweep, or no setting was good.
    """
    if not result.fronts:
        raise InputError("--save-profile", "the campaign has no table [sweep]", remedy="leave it out")
    home = find_home()
    for front in result.fronts:
        point = choose(front, cast("Preference", prefer))
        if point is None:
            say(f"no setting on {front.soc} was good: no profile is saved")
            continue
        own = name if len(result.fronts) == 1 else f"{name}-{_slug(front)}"
        path = home.profiles / "runs" / f"{own}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        base = run_profile(front.profile, home).file
        publish(path, profile_toml(front, point, result.plan, base), mode=0o644)
        settings = ", ".join(f"{key} = {value}" for key, value in point.settings.items())
        say(f"saved run profile {own}: {settings}")


def _slug(front: Front) -> str:
    words = (front.soc, front.model, front.profile, front.workload)
    return re.sub(r"[^a-z0-9.]+", "-", "-".join(words).lower()).strip("-")
