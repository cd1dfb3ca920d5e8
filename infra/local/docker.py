"""LocalStack and the local Rekognition in Docker: docker-compose.localstack.yml."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from infra.errors import InfraError
from infra.packaging.package import Target
from infra.paths import ROOT
from infra.processes import answers, wait_until
from infra.terminal import Say

COMPOSE_FILE = ROOT / "docker-compose.localstack.yml"
ANSWER_WITHIN = 3.0
"""s. A running engine answers ``docker info`` much faster; a client without an engine may hang."""
UP_WITHIN = 300.0
"""s, once the images are pulled. The local Rekognition downloads its weights before it answers."""
REKOGNITION_ADDRESS = "172.28.0.10"
"""The container's fixed address in the compose file's network. Functions need a numeric address:
their name server is LocalStack, which does not resolve compose's service names."""


@dataclass(frozen=True)
class ProgramResult:
    """A program's output, and whether its exit code was 0."""

    ok: bool
    output: str


class Programs(Protocol):
    """Runs programs. Tests use a fake, which needs no Docker engine."""

    def capture(self, command: Sequence[str], within: float | None = None) -> ProgramResult:
        """Run it and return its output; not ok if it is missing or takes more than ``within`` s."""
        ...

    def run(self, command: Sequence[str], environment: dict[str, str]) -> bool:
        """Run it with its output on the terminal; whether its exit code is 0."""
        ...


class RealPrograms:
    def capture(self, command: Sequence[str], within: float | None = None) -> ProgramResult:
        try:
            process = subprocess.run(
                command, capture_output=True, text=True, timeout=within, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return ProgramResult(ok=False, output="")
        return ProgramResult(process.returncode == 0, process.stdout.strip())

    def run(self, command: Sequence[str], environment: dict[str, str]) -> bool:
        return subprocess.run(command, env=os.environ | environment, check=False).returncode == 0


@dataclass(frozen=True)
class Engine:
    """A running Docker engine: its architecture, and the command line of compose."""

    architecture: str
    programs: Programs

    @classmethod
    def find(cls, programs: Programs) -> "Engine | None":
        """The engine that ``docker info`` reaches within 3 s; None if there is only a client."""
        info = ("docker", "info", "--format", "{{.ServerVersion}} {{.Architecture}}")
        match programs.capture(info, within=ANSWER_WITHIN):
            case ProgramResult(ok=True, output=output) if len(fields := output.split()) == 2:  # noqa: PLR2004 - version and architecture
                return cls(fields[1], programs)
        return None

    def compose(self) -> tuple[str, ...]:
        """Compose's command line; InfraError if neither its plugin nor its program is installed."""
        for command in (("docker", "compose"), ("docker-compose",)):
            if self.programs.capture((*command, "version")).ok:
                return (*command, "--project-name", "darkroom", "--file", str(COMPOSE_FILE))
        raise InfraError(
            "the Docker engine answers, but compose is missing: "
            "install its plugin (docker compose), or choose LOCAL=ministack"
        )


@dataclass(frozen=True)
class Docker:
    """The emulator in containers: LocalStack, its functions and the local Rekognition."""

    engine: Engine
    port: int
    name: str = "LocalStack in Docker"
    this_machine: str = "host.docker.internal"
    image_timeout: float = 600.0
    """s. The first image waits for the functions' runtime image: several hundred MB to pull."""

    @property
    def rekognition(self) -> str:
        return f"http://{REKOGNITION_ADDRESS}:4567"

    def target(self) -> Target:
        """Lambda's Linux on the engine's architecture, which may differ from this machine's."""
        return Target.linux(self.engine.architecture)

    def start(self, say: Say) -> bool:
        """Start all containers that are not running; InfraError if one fails, after stopping all.

        Always true: compose does not report whether it changed anything.
        """
        compose = self.engine.compose()
        say("starting the containers (the first time pulls and builds more than 1 GB of images)")
        if not self.engine.programs.run((*compose, "up", "--detach"), self._environment):
            self.stop()
            raise InfraError("docker compose could not start the containers; its reason is above")
        if not wait_until(self._answers, UP_WITHIN):
            log = self.engine.programs.capture((*compose, "logs", "--tail", "10")).output
            self.stop()
            raise InfraError(f"LocalStack did not answer within {UP_WITHIN:.0f} s:\n{log}")
        return True

    def stop(self) -> bool:
        """Stop and remove the containers; the models' volume stays."""
        command = (*self.engine.compose(), "down", "--remove-orphans")
        return self.engine.programs.run(command, self._environment)

    def _answers(self) -> bool:
        return answers(self.port, "/_localstack/health") and answers(self.port + 1, "/health")

    @property
    def _environment(self) -> dict[str, str]:
        return {
            "DARKROOM_PORT": str(self.port),
            "DARKROOM_REKOGNITION_PORT": str(self.port + 1),
            "DARKROOM_REKOGNITION_ADDRESS": REKOGNITION_ADDRESS,
        }


def no_engine_reason(programs: Programs) -> str:
    """Why no Docker engine was found, as the rest of a sentence."""
    if programs.capture(("docker", "--version")).ok:
        return f"Docker's client is installed, but no engine answered within {ANSWER_WITHIN:.0f} s"
    return "Docker is not installed"
