"""Makes the screens, so that each is imported when it is first shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Literal

    from devicehub.api.contract import Export, Push, RunAsk
    from devicehub.api.model import RunDocument
    from devicehub_tui.view import HubDialog, HubScreen


def runs_screen() -> HubScreen:
    """All runs."""
    from devicehub_tui.screens.runs import RunsScreen

    return RunsScreen()


def models_screen() -> HubScreen:
    """The catalogue."""
    from devicehub_tui.screens.models import ModelsScreen

    return ModelsScreen()


def campaigns_screen() -> HubScreen:
    """All campaigns."""
    from devicehub_tui.screens.campaigns import CampaignsScreen

    return CampaignsScreen()


def campaign_screen(campaign: str) -> HubScreen:
    """One campaign, by its id."""
    from devicehub_tui.screens.campaign import CampaignScreen

    return CampaignScreen(campaign)


def device_screen(device: str) -> HubScreen:
    """One phone, by its id."""
    from devicehub_tui.screens.device import DeviceScreen

    return DeviceScreen(device)


def run_screen(run: str) -> HubScreen:
    """One run, by its id."""
    from devicehub_tui.screens.run import RunScreen

    return RunScreen(run)


def logs_screen(devices: tuple[str, ...]) -> HubScreen:
    """The logs of some phones, merged."""
    from devicehub_tui.screens.logs import LogsScreen

    return LogsScreen(devices)


def compare_screen(a: str, b: str) -> HubScreen:
    """Two runs side by side, by their ids."""
    from devicehub_tui.screens.compare import CompareScreen

    return CompareScreen(a, b)


def doctor_screen(devices: tuple[str, ...]) -> HubScreen:
    """What stands in the way of a run on some phones; without any, on all of them."""
    from devicehub_tui.screens.doctor import DoctorScreen

    return DoctorScreen(devices)


def help_screen() -> HubScreen:
    """What every key does."""
    from devicehub_tui.screens.help import HelpScreen

    return HelpScreen()


def run_dialog(
    devices: tuple[str, ...], like: RunDocument | None = None, hint: str = ""
) -> HubDialog[RunAsk | None]:
    """Choose what to run on some phones; what `like` was asked is chosen already."""
    from devicehub_tui.screens.choose import RunDialog

    return RunDialog(devices, like, hint)


def push_dialog(
    devices: tuple[str, ...], thing: tuple[Literal["model", "engine"], str] | None
) -> HubDialog[Push | None]:
    """Choose what to push onto some phones; `thing` is already chosen."""
    from devicehub_tui.screens.push import PushDialog

    return PushDialog(devices, thing)


def export_screen(job: str) -> HubScreen:
    """One export, by its job."""
    from devicehub_tui.screens.export import ExportScreen

    return ExportScreen(job)


def export_dialog() -> HubDialog[Export | None]:
    """Choose what to export."""
    from devicehub_tui.screens.export_dialog import ExportDialog

    return ExportDialog()


def confirm(question: str, details: tuple[str, ...] = ()) -> HubDialog[bool | None]:
    """Ask before something that cannot be undone."""
    from devicehub_tui.screens.confirm import Confirm

    return Confirm(question, details)
