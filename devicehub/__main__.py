"""`python -m devicehub` is `devicehub`."""

from devicehub.cli.start import main

main()
