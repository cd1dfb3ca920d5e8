"""What scanners find in this checkout, and our answers: `make audit`. Needs the network.

Every finding is either mended or answered in one line in infra/scan.toml. One that has no answer
fails the audit, and so does an answer to what is not found any more.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict

from infra.cloudformation import cfn
from infra.config import toml
from infra.config.definitions import ROOT, definitions
from infra.config.stages import Stage
from infra.deploy.stage_template import stage_template
from infra.environments import Environment, requirements
from infra.errors import InfraError
from infra.paths import ENVIRONMENTS

ANSWERS = Path(__file__).parent / "scan.toml"
ENVIRONMENT = Environment("the audit", ENVIRONMENTS / "audit", "audit")
STAGE = "prod"

# What is written by programs: checksums of what is installed, and events as they were recorded.
WRITTEN = (
    r"package-lock\.json$|^uv\.lock$|^tests/(infra|contract)/golden/"
    r"|^tests/contract/notifications/"
)


@dataclass(frozen=True)
class Finding:
    """What a scanner holds against one place, so many times."""

    check: str
    place: str
    times: int = 1

    def __str__(self) -> str:
        return f"{self.check} on {self.place}" + (f", {self.times} times" * (self.times > 1))


@dataclass(frozen=True)
class Answer:
    """Why some findings of one check may stay. A place may be a pattern, as in a shell."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    check: str
    on: tuple[str, ...]
    why: str
    times: int = 1  # in each place: one more is a new finding

    def covers(self, finding: Finding) -> bool:
        return (
            finding.check == self.check
            and finding.times == self.times
            and any(fnmatchcase(finding.place, place) for place in self.on)
        )


@dataclass(frozen=True)
class Answers:
    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    template: tuple[Answer, ...]
    secrets: tuple[Answer, ...]

    @classmethod
    def read(cls, path: Path = ANSWERS) -> "Answers":
        return toml.build(cls, toml.read(path), path)


def open_questions(found: Iterable[Finding], answers: Iterable[Answer]) -> list[str]:
    """What is found and not answered, then what is answered and not found; a line each."""
    findings, given = sorted(found, key=str), tuple(answers)
    unanswered = [str(one) for one in findings if not any(a.covers(one) for a in given)]
    idle = [a for a in given if not any(map(a.covers, findings))]
    return [
        *(f"not answered: {one}" for one in unanswered),
        *(f"answered, but not found: {a.check} on {', '.join(a.on)}" for a in idle),
    ]


def of_template(environment: Environment = ENVIRONMENT) -> list[Finding]:
    """What checkov has against the template of prod."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.json"
        path.write_text(cfn.as_text(stage_template(definitions(), Stage.load(STAGE))))
        said = _ask(
            environment,
            *("checkov", "--file", str(path), "--framework", "cloudformation"),
            # Its guidelines are on the web; its checks are not.
            *("--output", "json", "--quiet", "--compact", "--skip-download", "--soft-fail"),
        )
    report = json.loads(said)
    if report["summary"]["parsing_errors"] or not report["summary"]["passed"]:
        raise InfraError(f"checkov could not read the template: {report['summary']}")
    return [
        Finding(each["check_id"], each["resource"].rpartition(".")[2])
        for each in report["results"]["failed_checks"]
    ]


def of_sources(environment: Environment = ENVIRONMENT) -> list[Finding]:
    """What looks like a secret to detect-secrets, in every file that git knows."""
    said = _ask(environment, "detect-secrets", "scan", "--exclude-files", WRITTEN)
    found = json.loads(said)["results"]
    counted = Counter((each["type"], place) for place, all_ in found.items() for each in all_)
    return [Finding(kind, place, times) for (kind, place), times in counted.items()]


def of_dependencies(environment: Environment = ENVIRONMENT) -> list[str]:
    """Known vulnerabilities of what is pinned, a line each; and what nobody could tell about."""
    found = []
    for group in _groups():
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(requirements([group]))
            file.flush()
            words = ("pip-audit", "--no-deps", "--disable-pip", "--progress-spinner", "off")
            said = _ask(environment, *words, "--format", "json", "-r", file.name, may_fail=True)
        found += [f"{group}: {line}" for line in vulnerabilities(said)]
    return found


def _groups() -> list[str]:
    """The dependency groups that no other group includes."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    entries = [entry for group in groups.values() for entry in group if isinstance(entry, dict)]
    return sorted(groups.keys() - {entry["include-group"] for entry in entries})


def vulnerabilities(said: str) -> list[str]:
    """A line for each in a report of pip-audit's; InfraError if it is none."""
    try:
        packages = json.loads(said)["dependencies"]
    except ValueError as error:
        raise InfraError("pip-audit reached no database: check the network") from error
    skipped = [f"{one['name']}: {one['skip_reason']}" for one in packages if "skip_reason" in one]
    known = [
        f"{one['name']} {one['version']}: {each['id']}, mended in "
        f"{', '.join(each['fix_versions']) or 'no version yet'}"
        for one in packages
        for each in one.get("vulns", ())
    ]
    return skipped + known


def _ask(environment: Environment, program: str, *words: str, may_fail: bool = False) -> str:
    """What one of the environment's programs says; InfraError with its complaint if it fails."""
    done = subprocess.run(
        (str(environment.python.with_name(program)), *words),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and not may_fail:
        last = (done.stderr or done.stdout).strip().splitlines() or ["it did not say why"]
        raise InfraError(f"{program} failed: {last[-1]}")
    return done.stdout


def _audits(answers: Answers) -> dict[str, Callable[[], list[str]]]:
    return {
        "template": lambda: open_questions(of_template(), answers.template),
        "secrets": lambda: open_questions(of_sources(), answers.secrets),
        "dependencies": of_dependencies,
    }


def main(words: list[str]) -> int:
    """0 if nothing is open; 1 after a line on stderr for each thing that is."""
    audits = _audits(Answers.read())
    parser = argparse.ArgumentParser(prog="python -m infra.deploy.scan", description=__doc__)
    parser.add_argument("audits", nargs="*", metavar="|".join(audits), help="which; else all")
    chosen = parser.parse_args(words).audits or list(audits)
    if unknown := set(chosen) - set(audits):
        parser.error(f"there is no audit {min(unknown)!r}")
    ENVIRONMENT.ensure(print)
    return max([_told(name, audits[name]) for name in chosen])


def _told(name: str, audit: Callable[[], list[str]]) -> int:
    """Each audit is told, also after another one could not be made."""
    try:
        lines = audit()
    except InfraError as error:
        lines = [str(error)]
    for line in lines:
        print(f"{name}: {line}", file=sys.stderr)
    if not lines:
        print(f"{name}: nothing is open")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
