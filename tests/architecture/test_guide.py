"""The guide to adding a service is correct: a copy that follows it passes the tests."""

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
    """A table row goes below the last row; code goes to the end of the file."""
    if path.suffix == ".md":
        return LAST_ROW.sub(lambda row: row[0] + text, path.read_text(), count=1)
    return f"{path.read_text()}\n\n{text}"


def run(tree: Path, *words: str) -> None:
    command = [sys.executable, *words]
    completed = subprocess.run(
        command, cwd=tree, capture_output=True, text=True, check=False, timeout=240
    )
    assert completed.returncode == 0, completed.stdout[-4000:] + completed.stderr[-4000:]


def test_the_guide_changes_only_the_files_that_it_names() -> None:
    touched = {name.removeprefix("services/colour/") for _, name, _ in blocks()}
    assert {name for name in touched if "/" in name} == {
        "docs/architecture.md",
        "shared/contracts/images.py",
        "tests/contract/golden/image.coloured.v1.json",
        "tests/unit/colour/test_colour.py",
    }


def test_the_service_of_the_guide_passes_ruff_and_mypy(copy: Path) -> None:
    run(copy, "-m", "ruff", "check", "services/colour", "shared", "tests/unit/colour")
    run(copy, "-m", "mypy", "services/colour")


def test_the_service_of_the_guide_passes_structure_and_contract_tests(copy: Path) -> None:
    structure, golden = "tests/architecture/test_structure.py", "tests/contract/test_golden.py"
    run(
        copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", structure, golden, "tests/unit/colour"
    )


def test_the_service_of_the_guide_is_in_the_template(copy: Path) -> None:
    """The tests that apply to any set of services pass; golden templates are excluded."""
    files = ("template", "permissions", "api_gateway", "stages", "definitions")
    paths = [f"tests/infra/test_{name}.py" for name in files]
    run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths, "-k", "not golden")
    run(copy, "-m", "infra", "synth")
