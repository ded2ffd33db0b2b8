"""Which models a phone holds, as the manifests beside them tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from devicehub.adb import shell
from devicehub.deploy.inventory import Published
from devicehub.deploy.plan import PUBLISHED
from devicehub.settings import PHONE_MODELS

if TYPE_CHECKING:
    from devicehub.adb.client import Transport

_MARK: Final = "--- devicehub"
_PATIENCE_S: Final = 15.0
_SCRIPT: Final = f"""cd {PHONE_MODELS} 2>/dev/null || exit 0
for d in */; do
  [ -f "$d{PUBLISHED}" ] || continue
  printf '%s\\n%s\\n' '{_MARK}' "$d"
  cat "$d{PUBLISHED}"
  echo
done
"""


async def read_holdings(transport: Transport) -> dict[str, str]:
    """The manifest id of each model on a phone, by its folder's name; nothing is hashed.

    Raises:
        AdbError: the phone does not answer.
    """
    result = await shell.run_script(transport, _SCRIPT, timeout_s=_PATIENCE_S)
    return parse_holdings(result.stdout)


def parse_holdings(output: bytes) -> dict[str, str]:
    """Read what the phone printed; what is not understood is left out.

    ::

        --- devicehub
        Qwen3-0.6B-MNN/
        {"id":"7c9e...","files":{...},"format":1}
    """
    text = output.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    found: dict[str, str] = {}
    for part in text.split(f"{_MARK}\n")[1:]:
        name, _, manifest = part.partition("/\n")
        try:
            found[name] = msgspec.json.decode(manifest.strip().encode(), type=Published).id
        except (msgspec.MsgspecError, UnicodeEncodeError):
            continue
    return found
