from pathlib import Path

import pytest

from devicehub.profiles.load import load_profiles, load_socs
from devicehub.profiles.match import SocTable
from devicehub.profiles.schema import SocFile
from devicehub.settings import Home


@pytest.mark.parametrize(
    "name", ["lito", "Kona", "SM8650", "cq8750s", "exynos9810", "nothing", "", "[", "\udc80"]
)
def test_table_in_memory_and_folder_agree(name: str) -> None:
    home = Home(Path("/nowhere"))
    table = SocTable(load_profiles(SocFile, home))
    assert [soc.id for soc in table.named(name)] == [soc.id for soc in load_socs(home).named(name)]


def test_kernel_id_in_memory_and_folder_agree() -> None:
    home = Home(Path("/nowhere"))
    table = SocTable(load_profiles(SocFile, home))
    assert [soc.id for soc in table.with_kernel_id(530)] == ["sm8475"]
    assert [soc.id for soc in load_socs(home).with_kernel_id(530)] == ["sm8475"]
