"""What the benchmark measures: a module for each area, in the order in which they are run.

An area is a module beside this one, with one function::

    def rows(progress: Callable[[str], None], quick: bool) -> Iterator[Row]

It gives each row as soon as it has it, says in ``progress`` what it is at, and where ``quick`` is
asked for measures less often and fewer cases, by the same goals.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import cast

from tests.lab.bench.row import Row

AREAS = "renditions", "message", "cold", "growth", "latency"

Rows = Callable[[Callable[[str], None], bool], Iterator[Row]]


def rows_of(area: str) -> Rows:
    """How that area is measured; loaded now, since each needs what the others do not."""
    return cast("Rows", import_module(f"tests.lab.bench.{area}").rows)
