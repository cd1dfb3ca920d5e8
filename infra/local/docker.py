"""LocalStack in Docker, with the local Rekognition beside it: docker-compose.localstack.yml."""

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
"""s. An engine that is there answers ``docker info`` in far less; a client alone may hang."""
UP_WITHIN = 300.0
"""s, once the images are there. The local Rekognition fetches its weights before it answers."""
REKOGNITION_ADDRESS = "172.28.0.10"
"""The container's fixed address in the compose file's network: functions get it as a number,
because their name server is LocalStack, which knows nothing of compose's service names."""


@dataclass(frozen=True)
class ProgramResult:
    """What a program said, and whether it said so with exit code 0."""

    ok: bool
    output: str


class Programs(Protocol):
    """How programs are run; a fake stands in where there is no engine."""

    def capture(self, command: Sequence[str], within: float | None = None) -> ProgramResult:
        """Run it to its end and keep its output; not there or too slow is an answer too: no."""
        ...

    def run(self, command: Sequence[str], environment: dict[str, str]) -> bool:
        """Run it with its progress on the terminal; whether it ended with exit code 0."""
        ...


class RealPrograms:
    def capture(self, command: Sequence[str], within: float | None = None) -> ProgramResult:
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=within, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return ProgramResult(ok=False, output="")
        return ProgramResult(done.returncode == 0, done.stdout.strip())

    def run(self, command: Sequence[str], environment: dict[str, str]) -> bool:
        return subprocess.run(command, env=os.environ | environment, check=False).returncode == 0


@dataclass(frozen=True)
class Engine:
    """A Docker engine that answers: its architecture, and how compose is called here."""

    architecture: str
    programs: Programs

    @classmethod
    def find(cls, programs: Programs) -> "Engine | None":
        """The engine that ``docker info`` reaches within 3 s; a client alone is none."""
        asked = ("docker", "info", "--format", "{{.ServerVersion}} {{.Architecture}}")
        match programs.capture(asked, within=ANSWER_WITHIN):
            case ProgramResult(ok=True, output=output) if len(words := output.split()) == 2:  # noqa: PLR2004 - version and architecture
                return cls(words[1], programs)
        return None

    def compose(self) -> tuple[str, ...]:
        """Compose's command line; InfraError if neither the plugin nor the program is there."""
        for command in (("docker", "compose"), ("docker-compose",)):
            if self.programs.capture((*command, "version")).ok:
                return (*command, "--project-name", "darkroom", "--file", str(COMPOSE_FILE))
        raise InfraError(
            "the Docker engine answers, but compose is missing: "
            "install its plugin (docker compose), or choose LOCAL=ministack"
        )


@dataclass(frozen=True)
class Docker:
    """The emulator that runs in containers: LocalStack, its functions, the local Rekognition."""

    engine: Engine
    port: int
    name: str = "LocalStack in Docker"
    this_machine: str = "host.docker.internal"
    image_timeout: float = 600.0
    """s a first image may take: its functions' runtime is pulled then, several hundred MB."""

    @property
    def rekognition(self) -> str:
        return f"http://{REKOGNITION_ADDRESS}:4567"

    def target(self) -> Target:
        """Lambda's Linux on the engine's architecture, whatever this machine is."""
        return Target.linux(self.engine.architecture)

    def start(self, say: Say) -> bool:
        """Start or complete it; InfraError, with everything stopped again, if it fails.

        True always: compose does not tell whether it changed anything.
        """
        compose = self.engine.compose()
        say("starting the containers (the first time pulls and builds more than 1 GB of images)")
        if not self.engine.programs.run((*compose, "up", "--detach"), self._environment):
            self.stop()
            raise InfraError("docker compose could not start the containers; it says why above")
        if not wait_until(self._answers, UP_WITHIN):
            words = self.engine.programs.capture((*compose, "logs", "--tail", "10")).output
            self.stop()
            raise InfraError(f"LocalStack did not answer within {UP_WITHIN:.0f} s:\n{words}")
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
    """Why there is no engine, as the rest of a sentence."""
    if programs.capture(("docker", "--version")).ok:
        return f"Docker's client is here, but no engine answered within {ANSWER_WITHIN:.0f} s"
    return "Docker is not installed"
