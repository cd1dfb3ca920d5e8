"""The emulators, started once for all end-to-end tests, with Darkroom deployed to each.

What a run was promised and is missing fails it; on a laptop it skips. CI promises everything.
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

REGION = "us-east-1"
AWAKE = {"LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "0.5"}
"""Left alone, LocalStack looks at an idle queue every 10 s."""
PROMISED = os.environ.get("CI") == "true" and os.environ.get("LOCALSTACK") != "skip"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs an emulator, and comes last: what is quick to fail goes first."""
    for item in items:
        if "e2e" in Path(str(item.path)).parts:
            item.add_marker(pytest.mark.e2e)
    items.sort(key=lambda item: item.get_closest_marker("e2e") is not None)


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
        missing = "LOCALSTACK_HOST_DIR names no folder with LocalStack in host mode"
        pytest.fail(missing) if PROMISED else pytest.skip(missing)
    with ExitStack() as running:
        port = ports.free()
        running.callback(subprocess.run, [folder / "down", str(port)], check=False)
        subprocess.run([folder / "up", str(port)], env=os.environ | AWAKE, check=True)
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
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        return aws

    return against


@pytest.fixture(scope="session")
def cat() -> Path:
    """A real photo."""
    return Path(__file__).parents[2] / "infra" / "local" / "samples" / "cat.jpg"
