"""Make the demo model's fixture: python -m devicehub.demo_model.make_fixture [--model DIR] [--out FILE]."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from devicehub.demo_model import demo_fixture_file, demo_model_dir
from devicehub.errors import InputError
from devicehub.models.catalog import ModelCatalog
from devicehub.models.fixture import NoFixture
from devicehub.models.shelf import encode_fixture
from devicehub.settings import Home


def write_fixture(model_dir: Path, file: Path) -> None:
    """Replace a file by what the model answers on this host, made as `devicehub models add` makes it.

    Raises:
        InputError: the folder holds no model, or the model cannot answer.
    """
    with tempfile.TemporaryDirectory(prefix="demo-fixture-") as home:
        catalog = ModelCatalog(Home(Path(home)))
        made = asyncio.run(catalog.make_fixture(catalog.add(model_dir)))
    if isinstance(made, NoFixture):
        raise InputError(model_dir, f"has no fixture: {made.reason}", remedy="make the model anew")
    file.write_bytes(encode_fixture(made) + b"\n")


def main() -> None:
    """Replace the fixture that ships, or write another file."""
    parser = argparse.ArgumentParser(description="Make the demo model's fixture.")
    parser.add_argument("--model", type=Path, default=demo_model_dir(), help="folder of the exported model")
    parser.add_argument("--out", type=Path, default=demo_fixture_file(), help="file to replace")
    options = parser.parse_args()
    try:
        write_fixture(options.model, options.out)
    except InputError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
