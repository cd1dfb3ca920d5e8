"""Every part of `make bench` can be imported; the tests do not run the benchmark."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.config.definitions import definitions
from tests.lab.bench.areas import AREAS, rows_of
from tests.lab.bench.first_records import FIRST

ROOT = Path(__file__).parents[3]
ENGINES = sorted(
    path.stem for path in (ROOT / "tests" / "lab" / "bench" / "engines").glob("[a-z]*.py")
)


@pytest.mark.parametrize("area", AREAS)
def test_every_area_can_be_imported(area: str) -> None:
    assert callable(rows_of(area))


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_can_be_imported(engine: str) -> None:
    """In a separate process, because one engine hides the SIMD resizer."""
    code = f"from tests.lab.bench.engines.{engine} import work; assert callable(work)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)


def test_every_service_has_a_first_record() -> None:
    assert FIRST.keys() == {service.name for service in definitions()}
