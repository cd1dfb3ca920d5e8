"""Changes one expression at a time in the core, and counts the changes that no test notices.

``python -m tests.lab.mutation [FILE ...]`` copies the project to ``.darkroom/mutation`` and runs
mutmut there. It ends with 1 if a mutant survives that ``equivalent.toml`` does not explain.
"""

# ruff: noqa: T201 - a command prints
import argparse
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
COPY = ROOT / ".darkroom" / "mutation"
LEFT_OUT = shutil.ignore_patterns(
    ".*", "build", "node_modules", "__pycache__", "mutants", "web", "e2e", "docs"
)
SURVIVED = 0
NO_TESTS = {33, 34}
PROCESSES = 2


@dataclass(frozen=True)
class Mutant:
    """One change. ``line`` is the changed line, as it is and as the mutant has it."""

    name: str
    file: str
    survived: bool

    def change(self) -> str:
        """``old line -> new line``."""
        diff = _mutmut("show", self.name).stdout.splitlines()
        old = [line[1:].strip() for line in diff if re.match(r"-(?!--)", line)]
        new = [line[1:].strip() for line in diff if re.match(r"\+(?!\+\+)", line)]
        return f"{' '.join(old)} -> {' '.join(new)}"


def main(arguments: list[str] | None = None) -> int:
    """0 if every mutant is noticed or explained."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.mutation", description=__doc__)
    parser.add_argument("files", nargs="*", help="only these, instead of all in mutmut.toml")
    options = parser.parse_args(arguments)
    _copy()
    names = [f"{file.removesuffix('.py').replace('/', '.')}.*" for file in options.files]
    _mutmut("run", "--max-children", str(PROCESSES), *names, show=True)
    return _report(list(_mutants(set(options.files))))


def _copy() -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    shutil.copytree(ROOT, COPY, ignore=LEFT_OUT)
    settings = (ROOT / "pyproject.toml").read_text() + (HERE / "mutmut.toml").read_text()
    (COPY / "pyproject.toml").write_text(settings)


def _mutmut(*arguments: str, show: bool = False) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mutmut", *arguments]
    return subprocess.run(command, cwd=COPY, check=show, text=True, capture_output=not show)


def _mutants(files: set[str]) -> Iterator[Mutant]:
    for meta in sorted(COPY.glob("mutants/**/*.meta")):
        file = str(meta.relative_to(COPY / "mutants")).removesuffix(".meta")
        codes = json.loads(meta.read_text())["exit_code_by_key"]
        for name, code in codes.items():
            if not files or file in files:
                yield Mutant(name, file, code == SURVIVED or code is None or code in NO_TESTS)


def _report(mutants: list[Mutant]) -> int:
    explained = {entry["change"] for entry in _equivalent()}
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    unexplained = []
    for mutant in mutants:
        change = mutant.change() if mutant.survived else ""
        kind = "noticed" if not change else "equivalent" if change in explained else "survived"
        counts[mutant.file][kind] += 1
        if kind == "survived":
            unexplained.append((mutant.name, change))
    print("\n| file | mutants | noticed | equivalent | survived |\n|---|---:|---:|---:|---:|")
    for file, kinds in [*counts.items(), ("all", sum(counts.values(), Counter()))]:
        figures = (kinds.total(), kinds["noticed"], kinds["equivalent"], kinds["survived"])
        print(f"| {file} | {' | '.join(map(str, figures))} |")
    for name, change in unexplained:
        print(f"{name}\n  {change}")
    return 1 if unexplained else 0


def _equivalent() -> list[dict[str, str]]:
    entries: list[dict[str, str]] = tomllib.loads((HERE / "equivalent.toml").read_text())["mutant"]
    return entries


if __name__ == "__main__":
    sys.exit(main())
