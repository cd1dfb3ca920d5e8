"""The differences between two JSON documents, as a JSON document for review."""

from itertools import zip_longest
from typing import Any

ABSENT = "(absent)"


def differences(base: Any, other: Any) -> Any:
    """The parts of `other` that differ from `base`; ABSENT marks what `other` lacks.

    Objects are compared key by key, arrays position by position: "[2]" is the third element.
    Equal documents have no differences: {}.
    """
    if isinstance(base, dict) and isinstance(other, dict):
        pairs = {key: (base.get(key, ABSENT), other.get(key, ABSENT)) for key in base | other}
    elif isinstance(base, list) and isinstance(other, list):
        elements = zip_longest(base, other, fillvalue=ABSENT)
        pairs = {f"[{position}]": pair for position, pair in enumerate(elements)}
    else:
        return other
    return {key: differences(*pair) for key, pair in sorted(pairs.items()) if pair[0] != pair[1]}
