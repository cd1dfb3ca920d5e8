"""Parsing and formatting of numbers on the command line. A wrong number is a ValueError."""

import math
import re
from itertools import pairwise

NUMBER = re.compile(
    r"(?P<digits>\d[\d_,]*(?:\.\d+)?(?:e\+?\d{1,2})?)(?P<unit>[kMG]?)", re.IGNORECASE
)
UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
MAX_IMAGES = 10**12
"""More images are certainly a typing error."""


def images(text: str) -> int:
    """Parse a number of images: 1e6, 1_000_000, 1,000,000, 10k or 1.5M."""
    match = NUMBER.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a number such as 10k, 1_000_000 or 1e6")
    number = float(match["digits"].replace("_", "").replace(",", "")) * UNITS[match["unit"].lower()]
    if not 1 <= number <= MAX_IMAGES:
        raise ValueError(f"{text!r} is not between 1 and {MAX_IMAGES:,}")
    if number != int(number):
        raise ValueError(f"{text!r} is not a whole number of images")
    return int(number)


def positive(text: str) -> float:
    """Parse a number above 0: 2, 0.5 or 1e3."""
    number = _float(text)
    if number is None or not number > 0:
        raise ValueError(f"{text!r} is not a number above 0")
    return number


def share(text: str) -> float:
    """Parse a share from 0 to 1, or in percent: 0.3 or 30%."""
    percent = text.endswith("%")
    number = _float(text.removesuffix("%"))
    if number is None or not 0 <= number <= (100 if percent else 1):
        raise ValueError(f"{text!r} is not a share such as 0.3 or 30%")
    return number / 100 if percent else number


def _float(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def span(seconds: float) -> str:
    """Format a duration in its two largest units: ``5 h 33 min``."""
    for (name, size), (smaller, part) in pairwise(PARTS):
        if seconds >= size:
            whole, rest = divmod(round(seconds / part), round(size / part))
            return f"{whole} {name} {rest} {smaller}" if rest else f"{whole} {name}"
    return f"{seconds:.0f} s" if seconds >= TENTHS_BELOW else f"{seconds:.1f} s"


PARTS = (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0), ("s", 1.0))
TENTHS_BELOW = 10
"""s; a longer duration is formatted without tenths."""


def dollars(usd: float) -> str:
    """Format an amount in cents, or below ten cents with three significant digits."""
    if usd == 0 or usd >= 0.1:  # noqa: PLR2004  ten cents
        return f"${usd:,.2f}"
    return f"${usd:.{2 - math.floor(math.log10(usd))}f}"
