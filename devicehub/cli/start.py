"""Where the program starts: small, so that it is ready for Ctrl-C before anything large is imported."""

from __future__ import annotations

import sys


def main() -> None:
    """Run `devicehub`; Ctrl-C during the imports ends it as it does later."""
    try:
        from devicehub.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("devicehub: interrupted\n")
        raise SystemExit(130) from None
