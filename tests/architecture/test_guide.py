"""The guide to adding a service is true: applied word by word to a copy, the copy's tests pass."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LEFT_BEHIND = shutil.ignore_patterns(
    ".git", ".venv", ".darkroom", "build", "node_modules", "__pycache__", ".*_cache", ".hypothesis"
)
BLOCK = re.compile(
    r"^(New file|Added to)[^`]*`([^`]+)`[^\n]*\n\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
LAST_ROW = re.compile(r"^\| `rescue` .*\n", re.MULTILINE)


def blocks() -> Iterator[tuple[str, str, str]]:
    yield from BLOCK.findall((ROOT / "docs" / "adding-a-service.md").read_text())


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("copy") / "darkroom"
    shutil.copytree(ROOT, tree, ignore=LEFT_BEHIND)
    for how, name, text in blocks():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text if how == "New file" else added(path, text))
    run(tree, "-m", "infra", "schemas")
    run(tree, "-m", "infra", "asyncapi")
    return tree


def added(path: Path, text: str) -> str:
    """A row goes below the table's last one, code to the end of its file."""
    if path.suffix == ".md":
        return LAST_ROW.sub(lambda row: row[0] + text, path.read_text(), count=1)
    return f"{path.read_text()}\n\n{text}"


def run(tree: Path, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, *words], cwd=tree, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def test_the_guide_touches_only_what_it_says() -> None:
    touched = {name.removeprefix("services/colour/") for _, name, _ in blocks()}
    assert {name for name in touched if "/" in name} == {
        "docs/architecture.md",
        "shared/contracts/images.py",
        "tests/contract/golden/image.coloured.v1.json",
        "tests/unit/colour/test_colour.py",
    }


def test_the_service_of_the_guide_is_well_formed(copy: Path) -> None:
    run(copy, "-m", "ruff", "check", "services/colour", "shared", "tests/unit/colour")
    run(copy, "-m", "mypy", "services/colour")


def test_the_service_of_the_guide_fits_in(copy: Path) -> None:
    structure, golden = "tests/architecture/test_structure.py", "tests/contract/test_golden.py"
    run(
        copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", structure, golden, "tests/unit/colour"
    )


def test_the_service_of_the_guide_is_in_the_template(copy: Path) -> None:
    """By the tests that hold for whatever services there are; the rest of them bring their own."""
    files = ("template", "permissions", "http", "stages", "definitions")
    paths = [f"tests/infra/test_{name}.py" for name in files]
    run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths, "-k", "not golden")
    run(copy, "-m", "infra", "synth")
