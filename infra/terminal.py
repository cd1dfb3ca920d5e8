"""Format terminal output: aligned tables, and colour where the stream supports it."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TextIO

Say = Callable[[str], None]
"""Reports one line of progress."""


@dataclass(frozen=True)
class Style:
    """Colour and weight for a stream: on a terminal only, and not when NO_COLOR is set."""

    colour: bool = False

    @classmethod
    def of(cls, stream: TextIO) -> "Style":
        return cls(stream.isatty() and not os.environ.get("NO_COLOR"))

    def bold(self, text: str) -> str:
        return self._code(1, text)

    def dim(self, text: str) -> str:
        return self._code(2, text)

    def good(self, text: str) -> str:
        return self._code(32, text)

    def bad(self, text: str) -> str:
        return self._code(31, text)

    def _code(self, number: int, text: str) -> str:
        return f"\033[{number}m{text}\033[0m" if self.colour else text


def table(rows: Sequence[Sequence[str]], align: str, indent: str = "  ") -> list[str]:
    """Rows as lines with aligned columns; ``align`` has ``<`` or ``>`` for each column."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        indent
        + "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(row, align, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
