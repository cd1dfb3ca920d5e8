"""What `make bench` runs can be begun at least: the tests do not run it, and the code moves on."""

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
def test_every_area_can_be_loaded(area: str) -> None:
    assert callable(rows_of(area))


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_can_be_loaded(engine: str) -> None:
    """In a process of its own: one of them takes the SIMD resizer away."""
    begun = f"from tests.lab.bench.engines.{engine} import work; assert callable(work)"
    subprocess.run([sys.executable, "-c", begun], cwd=ROOT, check=True, timeout=120)


def test_every_service_has_a_first_record_to_start_with() -> None:
    assert FIRST.keys() == {service.name for service in definitions()}
