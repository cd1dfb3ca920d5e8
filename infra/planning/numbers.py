"""Numbers as people write them, and as they read them."""

import argparse
import math
import re
from itertools import pairwise

NUMBER = re.compile(
    r"(?P<digits>\d[\d_,]*(?:\.\d+)?(?:e\+?\d{1,2})?)(?P<unit>[kMG]?)", re.IGNORECASE
)
UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
MOST = 10**12
"""Images. Beyond that, nothing here means anything."""


def images(word: str) -> int:
    """How many images: 1e6, 1_000_000, 1,000,000, 10k or 1.5M."""
    read = NUMBER.fullmatch(word.strip())
    if not read:
        raise argparse.ArgumentTypeError(f"{word!r} is no number such as 10k, 1_000_000 or 1e6")
    number = float(read["digits"].replace("_", "").replace(",", "")) * UNITS[read["unit"].lower()]
    if not 1 <= number <= MOST:
        raise argparse.ArgumentTypeError(f"{word!r} is not between 1 and {MOST:,}")
    if number != int(number):
        raise argparse.ArgumentTypeError(f"{word!r} is no whole number of images")
    return int(number)


def positive(word: str) -> float:
    """A number above 0: 2, 0.5 or 1e3."""
    number = _float(word)
    if number is None or not number > 0:
        raise argparse.ArgumentTypeError(f"{word!r} is no number above 0")
    return number


def share(word: str) -> float:
    """A share from 0 to 1, or in percent: 0.3 or 30%."""
    percent = word.endswith("%")
    number = _float(word.removesuffix("%"))
    if number is None or not 0 <= number <= (100 if percent else 1):
        raise argparse.ArgumentTypeError(f"{word!r} is no share such as 0.3 or 30%")
    return number / 100 if percent else number


def _float(word: str) -> float | None:
    try:
        number = float(word)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def span(seconds: float) -> str:
    """A length of time by its two largest units: ``5 h 33 min``."""
    for (name, size), (smaller, part) in pairwise(PARTS):
        if seconds >= size:
            whole, rest = divmod(round(seconds / part), round(size / part))
            return f"{whole} {name} {rest} {smaller}" if rest else f"{whole} {name}"
    return f"{seconds:.0f} s" if seconds >= TEN else f"{seconds:.1f} s"


PARTS = (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0), ("s", 1.0))
TEN = 10
"""Seconds, from which on tenths say nothing."""


def dollars(usd: float) -> str:
    """Cents where there are some, else as many digits as say something."""
    if usd == 0 or usd >= 0.1:  # noqa: PLR2004  ten cents
        return f"${usd:,.2f}"
    return f"${usd:.{2 - math.floor(math.log10(usd))}f}"
