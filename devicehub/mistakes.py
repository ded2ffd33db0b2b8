"""What to say of errors that nobody expected."""

from __future__ import annotations

from devicehub.errors import first_of


def describe_mistake(error: BaseException) -> str:
    """What to say of an error that nobody expected, whose traceback is logged; of a group the first."""
    if isinstance(error, BaseExceptionGroup):
        error = first_of(error)
    return f"the hub failed; see its log: {type(error).__name__}: {error}"
