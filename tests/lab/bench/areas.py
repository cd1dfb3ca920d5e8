"""The areas of the benchmark, in the order in which they run.

Each area is a module in this package with one function::

    def rows(progress: Callable[[str], None], quick: bool) -> Iterator[Row]

It yields each row as soon as it is measured and reports its steps to ``progress``. With ``quick``,
it measures fewer cases in fewer rounds; the goals stay the same.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import cast

from tests.lab.bench.row import Row

AREAS = "renditions", "message", "cold", "growth", "latency"

Rows = Callable[[Callable[[str], None], bool], Iterator[Row]]


def rows_of(area: str) -> Rows:
    """The area's function; imported on demand, because each area has its own dependencies."""
    return cast("Rows", import_module(f"tests.lab.bench.{area}").rows)
