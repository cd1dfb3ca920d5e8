"""Run security scanners over this checkout: `make audit`. Needs the network.

Every finding is fixed, or suppressed with a reason in infra/deploy/scan.toml. The audit fails for a
finding without a suppression, and for a suppression without a finding.
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

SUPPRESSIONS = Path(__file__).parent / "scan.toml"
ENVIRONMENT = Environment("the audit", ENVIRONMENTS / "audit", "audit")
STAGE = "prod"

# Generated files: checksums of packages, and recorded events.
GENERATED = (
    r"package-lock\.json$|^uv\.lock$|^tests/(infra|contract)/golden/"
    r"|^tests/contract/notifications/"
)


@dataclass(frozen=True)
class Finding:
    """One check that failed at a location (a resource or a file), and how often."""

    check: str
    location: str
    times: int = 1

    def __str__(self) -> str:
        return f"{self.check} on {self.location}" + (f", {self.times} times" * (self.times > 1))


@dataclass(frozen=True)
class Suppression:
    """Accepts findings of one check, with a reason. ``on`` are locations or shell patterns."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    check: str
    on: tuple[str, ...]
    why: str
    times: int = 1  # at each location; another number is a new finding

    def covers(self, finding: Finding) -> bool:
        return (
            finding.check == self.check
            and finding.times == self.times
            and any(fnmatchcase(finding.location, location) for location in self.on)
        )


@dataclass(frozen=True)
class Suppressions:
    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    template: tuple[Suppression, ...]
    secrets: tuple[Suppression, ...]

    @classmethod
    def read(cls, path: Path = SUPPRESSIONS) -> "Suppressions":
        return toml.build(cls, toml.read(path), path)


def unresolved(findings: Iterable[Finding], suppressions: Iterable[Suppression]) -> list[str]:
    """A line for each finding without a suppression, and for each suppression without a finding."""
    found, rules = sorted(findings, key=str), tuple(suppressions)
    new = [finding for finding in found if not any(rule.covers(finding) for rule in rules)]
    unused = [rule for rule in rules if not any(map(rule.covers, found))]
    return [
        *(f"finding: {finding}" for finding in new),
        *(f"unused suppression: {rule.check} on {', '.join(rule.on)}" for rule in unused),
    ]


def of_template(environment: Environment = ENVIRONMENT) -> list[Finding]:
    """The findings of checkov in the template of prod."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.json"
        path.write_text(cfn.as_text(stage_template(definitions(), Stage.load(STAGE))))
        output = _run(
            environment,
            *("checkov", "--file", str(path), "--framework", "cloudformation"),
            # The guidelines would be downloaded; the checks are local.
            *("--output", "json", "--quiet", "--compact", "--skip-download", "--soft-fail"),
        )
    report = json.loads(output)
    if report["summary"]["parsing_errors"] or not report["summary"]["passed"]:
        raise InfraError(f"checkov could not read the template: {report['summary']}")
    return [
        Finding(failed["check_id"], failed["resource"].rpartition(".")[2])
        for failed in report["results"]["failed_checks"]
    ]


def of_sources(environment: Environment = ENVIRONMENT) -> list[Finding]:
    """Possible secrets that detect-secrets finds in the files of the git repository."""
    output = _run(environment, "detect-secrets", "scan", "--exclude-files", GENERATED)
    results = json.loads(output)["results"]
    counts = Counter(
        (secret["type"], file) for file, secrets in results.items() for secret in secrets
    )
    return [Finding(kind, file, times) for (kind, file), times in counts.items()]


def of_dependencies(environment: Environment = ENVIRONMENT) -> list[str]:
    """A line for each known vulnerability of a pinned package, and for each unknown package."""
    lines = []
    for group in _groups():
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(requirements([group]))
            file.flush()
            command = ("pip-audit", "--no-deps", "--disable-pip", "--progress-spinner", "off")
            output = _run(environment, *command, "--format", "json", "-r", file.name, may_fail=True)
        lines += [f"{group}: {line}" for line in vulnerabilities(output)]
    return lines


def _groups() -> list[str]:
    """The dependency groups that no other group includes."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    entries = [entry for group in groups.values() for entry in group if isinstance(entry, dict)]
    return sorted(groups.keys() - {entry["include-group"] for entry in entries})


def vulnerabilities(report: str) -> list[str]:
    """A line for each vulnerability in a report of pip-audit; InfraError if it is no report."""
    try:
        packages = json.loads(report)["dependencies"]
    except ValueError as error:
        raise InfraError("pip-audit reached no database: check the network") from error
    skipped = [
        f"{package['name']}: {package['skip_reason']}"
        for package in packages
        if "skip_reason" in package
    ]
    vulnerable = [
        f"{package['name']} {package['version']}: {vulnerability['id']}, fixed in "
        f"{', '.join(vulnerability['fix_versions']) or 'no version yet'}"
        for package in packages
        for vulnerability in package.get("vulns", ())
    ]
    return skipped + vulnerable


def _run(environment: Environment, program: str, *options: str, may_fail: bool = False) -> str:
    """Run a program of the environment and return its output; InfraError if it fails."""
    process = subprocess.run(
        (str(environment.python.with_name(program)), *options),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode and not may_fail:
        output = (process.stderr or process.stdout).strip().splitlines() or ["no reason given"]
        raise InfraError(f"{program} failed: {output[-1]}")
    return process.stdout


def _audits(suppressions: Suppressions) -> dict[str, Callable[[], list[str]]]:
    return {
        "template": lambda: unresolved(of_template(), suppressions.template),
        "secrets": lambda: unresolved(of_sources(), suppressions.secrets),
        "dependencies": of_dependencies,
    }


def main(argv: list[str]) -> int:
    """Return 0 if nothing is open; else print a line on stderr for each problem and return 1."""
    audits = _audits(Suppressions.read())
    parser = argparse.ArgumentParser(prog="python -m infra.deploy.scan", description=__doc__)
    parser.add_argument("audits", nargs="*", metavar="|".join(audits), help="default: all")
    chosen = parser.parse_args(argv).audits or list(audits)
    if unknown := set(chosen) - set(audits):
        parser.error(f"there is no audit {min(unknown)!r}")
    ENVIRONMENT.ensure(print)
    return max([_report(name, audits[name]) for name in chosen])


def _report(name: str, audit: Callable[[], list[str]]) -> int:
    """Run and report one audit; a failed one does not stop the others."""
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
