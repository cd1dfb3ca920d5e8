"""Start each emulator once for all end-to-end tests, and deploy Darkroom to it.

CI fails if an emulator is missing; on a laptop LocalStack is optional (tests/optional.py).
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from infra import ports
from infra.clients import Clients
from infra.config.stages import Stage
from infra.deploy.deploy import deploy
from infra.environments import Environment
from infra.local.ministack import MiniStack
from infra.local.recognizer import Recognizer
from infra.packaging.package import Target
from infra.paths import ENVIRONMENTS
from tests.e2e.stack import Stack
from tests.optional import missing

REGION = "us-east-1"
FAST_POLLING = {"LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "0.5"}
"""By default LocalStack polls an idle queue every 10 s."""
HERE = Path(__file__).parent
FIRST_PASS = {"test_ministack"}
TEST_TIMEOUT = 900
"""s for one test. The first test installs the emulators and starts one."""
PROGRAM_TIMEOUT = 300
"""s for one program."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all but ``FIRST_PASS`` as slow, and run all end-to-end tests last."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.timeout(TEST_TIMEOUT))
            if item.path.stem not in FIRST_PASS:
                item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.path.parent == HERE)


def deployed(endpoint: str, home: Path, running: ExitStack, interpreter: Path | None) -> Stack:
    recognizer = running.enter_context(Recognizer(home / "rekognition", ports.free(), endpoint))
    stage = replace(Stage.load("local"), also=("forward",))
    clients = Clients(endpoint, REGION)
    target = Target.here(interpreter)
    return Stack(deploy(stage, clients, target, print, recognizer.endpoint), clients)


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """MiniStack with checks of signatures, roles and queue policies."""
    home = tmp_path_factory.mktemp("ministack")
    with ExitStack() as running:
        emulator = running.enter_context(MiniStack(home / "emulator", ports.free(), auth=True))
        yield deployed(emulator.endpoint, home, running, emulator.python)


@pytest.fixture(scope="session")
def localstack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """LocalStack without Docker, from the folder in LOCALSTACK_HOST_DIR."""
    folder = Path(os.environ.get("LOCALSTACK_HOST_DIR", "/nowhere"))
    if not (folder / "up").exists():
        remedy = "set LOCALSTACK_HOST_DIR to a folder with LocalStack in host mode"
        missing("LocalStack", remedy, promised=os.environ.get("LOCALSTACK") != "skip")
    with ExitStack() as running:
        port = ports.free()
        down = [folder / "down", str(port)]
        running.callback(subprocess.run, down, check=False, timeout=PROGRAM_TIMEOUT)
        up = [folder / "up", str(port)]
        subprocess.run(up, env=os.environ | FAST_POLLING, check=True, timeout=PROGRAM_TIMEOUT)
        endpoint = f"http://localhost:{port}"
        yield deployed(
            endpoint, tmp_path_factory.mktemp("localstack"), running, Path(sys.executable)
        )


Aws = Callable[..., str]


@pytest.fixture(scope="session")
def aws_cli() -> Callable[[Stack], Aws]:
    """The AWS CLI from PyPI, as the documented commands use it."""
    environment = Environment("the aws CLI", ENVIRONMENTS / "awscli", "awscli")
    environment.ensure(print)

    def against(stack: Stack) -> Aws:
        def aws(*arguments: str) -> str:
            done = subprocess.run(
                [
                    environment.python.with_name("aws"),
                    "--endpoint-url",
                    stack.outputs.endpoint,
                    *arguments,
                ],
                env={
                    "PATH": os.defpath,
                    "AWS_ACCESS_KEY_ID": "test",
                    "AWS_SECRET_ACCESS_KEY": "test",
                    "AWS_DEFAULT_REGION": REGION,
                    "LANG": "C.UTF-8",
                },
                capture_output=True,
                text=True,
                check=False,
                timeout=PROGRAM_TIMEOUT,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        return aws

    return against


@pytest.fixture(scope="session")
def cat() -> Path:
    """A real photo."""
    return Path(__file__).parents[2] / "infra" / "local" / "samples" / "cat.jpg"
