"""Processes that may end between two looks at them."""

from __future__ import annotations

import psutil


def runs(process: psutil.Process) -> bool:
    """Whether it has not ended; one that only waits to be reaped has."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def words_of(process: psutil.Process) -> list[str]:
    """Its command line; empty where it has ended."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []
