"""Cold start: CPU time from the interpreter's start to the first handled record, per function.

Each run is a new process over the unpacked zip, with a stub of AWS on loopback. The peer is a naive
build of the same function: the zip without bytecode, with the runtime's boto3 (all of botocore's
data, compiled), and with boto3 and the X-Ray SDK imported.
"""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from infra.config.definitions import ROOT, Definition, definitions
from infra.packaging.package import START, Target, package
from tests.lab.bench.aws_stub import AwsStub, aws_stub
from tests.lab.bench.first_records import FIRST
from tests.lab.bench.row import Row, at_most, without_goal

GOAL = 0.45
RUNS, QUICK_RUNS = 15, 5
UNIT = "ms CPU"
NAIVE = "naive build"
CHILD = Path(__file__).with_name("first_record.py")
RUNTIME = ROOT / "build" / "bench" / "runtime"
IN_THE_RUNTIME = ("botocore", "dateutil", "jmespath", "six.py", "urllib3")
"""Packages that the runtime provides with boto3, and the naive build therefore omits."""
EAGER = ("boto3", "aws_xray_sdk.core")
TRACED = "notify"
SAMPLED = {
    "LAMBDA_TASK_ROOT": "/var/task",  # the SDK detects Lambda by it
    "_X_AMZN_TRACE_ID": f"Root=1-65b2a9c0-{'a' * 24};Parent={'b' * 16};Sampled=1",
}
"""A sampled trace for the first record; no daemon receives its segments."""


@dataclass(frozen=True)
class Build:
    """An unpacked function, and how to start it."""

    folders: tuple[Path, ...]
    handler: str
    before: tuple[str, ...] = ()
    tracing: str = "off"


def rows(progress: Callable[[str], None], quick: bool) -> Iterator[Row]:
    """A row for each function, and one for the cost of tracing."""
    runs = QUICK_RUNS if quick else RUNS
    runtime = _runtime(progress)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stub = stack.enter_context(aws_stub())
        for definition in definitions():
            name = definition.name
            progress(f"cold start of {name}, {runs} times")
            ours, naive = _ours(definition, home), _naive(definition, home, runtime)
            took = _interleaved(name, {"ours": ours, "naive": naive}, stub, runs)
            yield at_most(
                GOAL,
                area="cold",
                case=name,
                ours=took["ours"],
                peer=took["naive"],
                peer_name=NAIVE,
                unit=UNIT,
            )
            if name == TRACED:
                yield _traced(name, ours, stub, runs)


def _traced(name: str, off: Build, stub: AwsStub, runs: int) -> Row:
    """The function with tracing, beside the same function without."""
    on = Build(off.folders, off.handler, tracing="on")
    took = _interleaved(name, {"on": on, "off": off}, stub, runs)
    case, peer = f"{name}, tracing on", "tracing off"
    return without_goal(
        area="cold", case=case, ours=took["on"], peer=took["off"], peer_name=peer, unit=UNIT
    )


def _interleaved(name: str, builds: dict[str, Build], stub: AwsStub, runs: int) -> dict[str, float]:
    """The median of each build, ms."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as event:
        json.dump(FIRST[name].event, event)
        event.flush()
        took: dict[str, list[float]] = {label: [] for label in builds}
        for _ in range(runs):
            for label, build in builds.items():
                took[label].append(_first_record(name, build, event.name, stub))
    return {label: median(times) for label, times in took.items()}


def _first_record(name: str, build: Build, event: str, stub: AwsStub) -> float:
    """CPU time of one process, ms; AssertionError if it did not handle the record."""
    folders = os.pathsep.join(map(str, build.folders))
    command = [sys.executable, "-I", "-S", "-B", str(CHILD), folders, build.handler, event]
    stub.operations.clear()
    # -S skips this machine's site-packages, which no function has
    with subprocess.Popen(
        [*command, *build.before],
        env=_environment(name, stub.endpoint, build.tracing),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read().splitlines()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{name} ended with {process.returncode}"
    first = FIRST[name]
    assert first.answer.items() <= json.loads(output[-1]).items(), output
    assert stub.operations[first.effect], f"{name} called only {dict(stub.operations)}"
    return (used.ru_utime + used.ru_stime) * 1000


def _ours(definition: Definition, home: Path) -> Build:
    folder = home / "ours" / definition.name
    with zipfile.ZipFile(package(definition, Target.here()).path) as archive:
        archive.extractall(folder)
    return Build((folder,), START)


def _naive(definition: Definition, home: Path, runtime: Path) -> Build:
    folder = home / "naive" / definition.name
    with zipfile.ZipFile(package(definition, Target.here()).path) as archive:
        archive.extractall(folder, filter(_is_naive, archive.namelist()))
    return Build((folder, runtime), f"services.{definition.name}.handler", EAGER)


def _is_naive(name: str) -> bool:
    return not name.endswith(".pyc") and name.partition("/")[0] not in IN_THE_RUNTIME


def _runtime(progress: Callable[[str], None]) -> Path:
    """A folder with the runtime's boto3: complete, and compiled by pip."""
    boto3 = f"boto3=={version('boto3')}"
    folder = RUNTIME / f"{Target.here().runtime}-{boto3.replace('==', '-')}"
    if not folder.exists():
        progress(f"installing {boto3}")
        with tempfile.TemporaryDirectory(dir=_created(RUNTIME)) as unfinished:
            pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
            pip += ["--target", f"{unfinished}/runtime", boto3]
            subprocess.run(pip, check=True, capture_output=True)
            Path(unfinished, "runtime").rename(folder)
    return folder


def _created(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _environment(name: str, endpoint: str, tracing: str) -> dict[str, str]:
    """The environment that the template sets, with the stub's endpoint."""
    topic = "arn:aws:sns:us-east-1:000000000000"
    return {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "SERVICE": name,
        "ACCESS": "open",
        "QUEUE_URL": f"{endpoint}/queue",
        "DEAD_LETTER_QUEUE_URL": f"{endpoint}/dead",
        "EVENTS_TOPIC_ARN": f"{topic}:events",
        "NOTIFICATIONS_TOPIC_ARN": f"{topic}:notifications",
        "RECORDS_TABLE": "records",
        "LEDGER_TABLE": "ledger",
        "UPLOADS_BUCKET": "uploads",
        "PROCESSED_BUCKET": "processed",
        "FUNCTION_TIMEOUT": "30",
        "WORST_CASE": "5",
        "MAX_ATTEMPTS": "5",
        "TRACING": tracing,
        **(SAMPLED if tracing == "on" else {}),
    }
