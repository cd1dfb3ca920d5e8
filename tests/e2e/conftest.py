"""The emulators, started once for all end-to-end tests, with Darkroom deployed to each.

CI fails without one of them; a laptop may lack LocalStack (tests/optional.py).
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
AWAKE = {"LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "0.5"}
"""Left alone, LocalStack looks at an idle queue every 10 s."""
HERE = Path(__file__).parent
FIRST_PASS = {"test_ministack"}
INSTALLING = 900
"""s, that a test may take: the first of them installs emulators, and starts one."""
PATIENCE = 300
"""s, that a program may take."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All but a first pass on MiniStack is slow; all of it comes last: it may take the longest."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.timeout(INSTALLING))
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
    """MiniStack that checks signatures, the functions' roles and the queues' policies."""
    home = tmp_path_factory.mktemp("ministack")
    with ExitStack() as running:
        emulator = running.enter_context(MiniStack(home / "emulator", ports.free(), auth=True))
        yield deployed(emulator.endpoint, home, running, emulator.python)


@pytest.fixture(scope="session")
def localstack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """LocalStack without Docker, from the folder that LOCALSTACK_HOST_DIR names."""
    folder = Path(os.environ.get("LOCALSTACK_HOST_DIR", "/nowhere"))
    if not (folder / "up").exists():
        remedy = "set LOCALSTACK_HOST_DIR to a folder with LocalStack in host mode"
        missing("LocalStack", remedy, promised=os.environ.get("LOCALSTACK") != "skip")
    with ExitStack() as running:
        port = ports.free()
        down = [folder / "down", str(port)]
        running.callback(subprocess.run, down, check=False, timeout=PATIENCE)
        up = [folder / "up", str(port)]
        subprocess.run(up, env=os.environ | AWAKE, check=True, timeout=PATIENCE)
        endpoint = f"http://localhost:{port}"
        yield deployed(
            endpoint, tmp_path_factory.mktemp("localstack"), running, Path(sys.executable)
        )


Aws = Callable[..., str]


@pytest.fixture(scope="session")
def aws_cli() -> Callable[[Stack], Aws]:
    """The aws command line of PyPI, as the README's lines use it."""
    environment = Environment("the aws CLI", ENVIRONMENTS / "awscli", "awscli")
    environment.ensure(print)

    def against(stack: Stack) -> Aws:
        def aws(*words: str) -> str:
            done = subprocess.run(
                [
                    environment.python.with_name("aws"),
                    "--endpoint-url",
                    stack.outputs.endpoint,
                    *words,
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
                timeout=PATIENCE,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        return aws

    return against


@pytest.fixture(scope="session")
def cat() -> Path:
    """A real photo."""
    return Path(__file__).parents[2] / "infra" / "local" / "samples" / "cat.jpg"
