"""Reads the memory usage of this process."""

import resource
from pathlib import Path
from typing import NamedTuple

STATM = Path("/proc/self/statm")


class MemoryUsage(NamedTuple):
    """Memory usage in bytes: virtual addresses and resident memory."""

    addresses: int
    resident: int


def memory_usage() -> MemoryUsage | None:
    """The memory usage, or None on systems without ``/proc`` (macOS)."""
    if not STATM.exists():
        return None
    addresses, resident, *_ = map(int, STATM.read_text().split())
    page = resource.getpagesize()
    return MemoryUsage(addresses * page, resident * page)
