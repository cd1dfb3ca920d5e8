"""What the system says that this process holds."""

import resource
from pathlib import Path
from typing import NamedTuple

STATM = Path("/proc/self/statm")


class Held(NamedTuple):
    """Bytes: of addresses that are taken, and of memory that is behind them."""

    addresses: int
    resident: int


def held() -> Held | None:
    """None where there is no ``/proc`` to read it from (macOS)."""
    if not STATM.exists():
        return None
    addresses, resident, *_ = map(int, STATM.read_text().split())
    page = resource.getpagesize()
    return Held(addresses * page, resident * page)
