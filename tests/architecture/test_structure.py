"""The rules of the code's structure: imports, files of a service, events and docs."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from shared.contracts.envelope import Event
from shared.contracts.images import Request, StepFailed
from shared.delivery import Route, Step

ROOT = Path(__file__).parents[2]
SERVICES = sorted(path.parent.name for path in ROOT.glob("services/*/service.toml"))
AWS_ALLOWED = {"shared/aws.py"}
"""The modules that may import botocore. No module may import boto3, because it starts slowly."""


def definition(service: str) -> dict:
    return tomllib.loads((ROOT / "services" / service / "service.toml").read_text())


QUEUED = [name for name in SERVICES if definition(name)["consumes"]]
"""The services that consume events. Rescue reads dead-letter queues; api and reap have none."""


def routes(service: str) -> dict[type[Event], Route]:
    return importlib.import_module(f"services.{service}.handler").routes(MagicMock())


def sources(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def imported(tree: ast.Module) -> set[str]:
    nodes = list(ast.walk(tree))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_imports_follow_the_layers() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    completed = subprocess.run(
        [linter], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert completed.returncode == 0, completed.stdout


def test_botocore_is_imported_in_one_module() -> None:
    users = {
        path
        for path, tree in sources("shared", "services")
        if any(name.split(".")[0] in ("boto3", "botocore") for name in imported(tree))
    }
    assert users == AWS_ALLOWED


def test_the_environment_is_read_in_one_module() -> None:
    readers = {
        path
        for path, tree in sources("shared", "services")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    }
    assert readers == {"shared/config.py"}


def test_the_tracer_is_imported_in_one_module_and_not_at_start() -> None:
    users = {
        path
        for path, tree in sources("shared", "services")
        if any("xray" in name for name in imported(tree))
    }
    at_start = "import sys, shared.telemetry; sys.exit('aws_xray_sdk' in sys.modules)"
    assert users == {"shared/telemetry.py"}
    subprocess.run([sys.executable, "-c", at_start], cwd=ROOT, check=True, timeout=60)


def test_no_shipped_code_imports_test_code() -> None:
    importers = [
        path
        for path, tree in sources("shared", "services", "infra")
        if any(name.partition(".")[0] == "tests" for name in imported(tree))
    ]
    assert importers == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_core_files(service: str) -> None:
    names = {path.name for path in (ROOT / "services" / service).glob("*.*")}
    core = {"__init__.py", "handler.py", "service.toml", "settings.py"}
    steps = set() if definition(service).get("http") else {"steps.py"}  # api: queries and commands
    assert core | steps <= names


@pytest.mark.parametrize("service", SERVICES)
def test_every_handler_is_only_a_composition_root(service: str) -> None:
    tree = ast.parse((ROOT / "services" / service / "handler.py").read_text())
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert ast.get_docstring(tree).startswith(f"The composition root of ``{service}``")
    assert functions[-1] == "handle"
    assert not [node for node in tree.body if isinstance(node, ast.ClassDef)]


@pytest.mark.parametrize("service", QUEUED)
def test_a_service_routes_the_types_that_it_consumes(service: str) -> None:
    assert {event.type for event in routes(service)} == set(definition(service)["consumes"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_publishes_the_types_of_its_definition(service: str) -> None:
    assert set(published(service)) == set(definition(service)["publishes"])


def published(service: str) -> Iterator[str]:
    """The types of the events that the code of a service creates."""
    classes = {kind.__name__: kind for kind in Event.registry.values()}
    for _, tree in sources(f"services/{service}"):
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = ast.unparse(call.func).removesuffix(".model_validate")
            if name in classes and name != StepFailed.__name__:
                yield classes[name].type
            if name == "report_on":
                yield StepFailed.type
    if service in QUEUED and any(isinstance(route, Step) for route in routes(service).values()):
        yield StepFailed.type


@pytest.mark.parametrize("service", QUEUED)
def test_a_step_has_the_compensation_that_an_outcome_triggers(service: str) -> None:
    all_routes = routes(service).values()
    compensating = {
        route.run._extract_mock_name() for route in all_routes if not isinstance(route, Step)
    }
    for route in all_routes:
        if isinstance(route, Step):
            assert route.compensate._extract_mock_name() in compensating


def service_rows() -> dict[str, list[str]]:
    lines = (ROOT / "docs" / "architecture.md").read_text().splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line[:1] == "|"
    ]
    return {row[0].strip("`"): row for row in cells if row[0].strip("`") in SERVICES}


@pytest.mark.parametrize("service", SERVICES)
def test_the_table_of_services_matches_their_definitions(service: str) -> None:
    declared = definition(service)
    _, consumed, _, publishes, *_ = service_rows()[service]
    assert types_in(publishes) == set(declared["publishes"])
    assert types_in(consumed) == set(declared["consumes"]) - {"image.uploaded.v1"}
    assert ("S3" in consumed) == declared["uploads"]


def types_in(cell: str) -> set[str]:
    return {f"{word}.v1" for word in re.findall(r"`([a-z]+\.[a-z]+)`", cell)}


def test_every_consumed_type_is_published_by_a_service() -> None:
    published = {kind for service in SERVICES for kind in definition(service)["publishes"]}
    consumed = {kind for service in SERVICES for kind in definition(service)["consumes"]}
    requests = {request.type for request in Request.__subclasses__()}  # operators publish them
    assert consumed - requests - {"image.uploaded.v1"} <= published


def test_every_target_that_the_readme_names_is_there() -> None:
    readme = (ROOT / "README.md").read_text()
    named = set(re.findall(r"(?:^|`)make ([a-z][a-z-]+)", readme, re.MULTILINE))
    there = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "test", "local-up"} <= named <= there


def test_ci_runs_every_check_and_every_test_once() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[-2:] == [
        "(trap '' INT && make check test COVERAGE=1 <&-)",
        "make test-rest COVERAGE=1",
    ]
    recipes = [line for line in (ROOT / "Makefile").read_text().splitlines() if "pytest $" in line]
    tiers = [re.findall(r'-m (slow|"not slow")', line) for line in recipes]
    assert tiers == [
        ['"not slow"'],
        ['"not slow"'],
        ["slow"],
    ]  # unit, which is part of test; the rest


def test_another_interpreter_prints_which_one_to_use() -> None:
    bare = [sys.executable, "-S", "-m", "infra", "outputs"]
    done = subprocess.run(bare, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "run: .venv/bin/python -m infra" in done.stderr
