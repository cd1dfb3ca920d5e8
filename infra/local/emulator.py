"""Choose the emulator: LocalStack where a Docker engine answers, else MiniStack."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal, Protocol

from infra.errors import InfraError
from infra.local.docker import Docker, Engine, Programs, no_engine_reason
from infra.local.ministack import MiniStack
from infra.local.recognizer import Recognizer
from infra.packaging.package import Target
from infra.paths import RUN
from infra.processes import running
from infra.terminal import Say

EmulatorChoice = Literal["auto", "docker", "ministack"]


class Emulator(Protocol):
    """An emulator together with the local Rekognition."""

    @property
    def name(self) -> str: ...

    @property
    def rekognition(self) -> str:
        """The URL at which the functions reach the local Rekognition."""
        ...

    @property
    def this_machine(self) -> str:
        """The host name under which the emulator reaches servers of this machine."""
        ...

    @property
    def image_timeout(self) -> float:
        """Seconds after which an image without a result is considered stuck."""
        ...

    def target(self) -> Target:
        """The build target of the functions' zips."""
        ...

    def start(self, say: Say) -> bool:
        """Start what is not running; false if everything was. InfraError if it fails.

        After a failure nothing that it started is left running.
        """
        ...

    def stop(self) -> bool:
        """Stop all of it; false if nothing was running."""
        ...


@dataclass(frozen=True)
class Embedded:
    """MiniStack and the local Rekognition as processes on this machine."""

    port: int
    name: str = "MiniStack"
    this_machine: str = "localhost"
    image_timeout: float = 60.0

    @property
    def rekognition(self) -> str:
        return self._recognizer.endpoint

    def target(self) -> Target:
        return Target.here(self._ministack.python)

    def start(self, say: Say) -> bool:
        with ExitStack() as on_failure:
            started = self._ministack.start(say)
            if started:
                on_failure.callback(self._ministack.stop)
            started |= self._recognizer.start(say)
            on_failure.pop_all()
        return started

    def stop(self) -> bool:
        recognizer_was_running = self._recognizer.stop()
        return self._ministack.stop() or recognizer_was_running

    @property
    def running(self) -> bool:
        return running(self._ministack.home)

    @property
    def _ministack(self) -> MiniStack:
        return MiniStack(RUN / str(self.port) / "ministack", self.port)

    @property
    def _recognizer(self) -> Recognizer:
        home = RUN / str(self.port) / "recognizer"
        return Recognizer(home, self.port + 1, self._ministack.endpoint)


def choose(choice: EmulatorChoice, port: int, programs: Programs, say: Say) -> Emulator:
    """The chosen emulator, or for ``auto`` the best one that can run here; reports which and why.

    InfraError if the chosen one cannot run.
    """
    embedded = Embedded(port)
    if choice == "docker" and embedded.running:
        raise InfraError(f"MiniStack runs on port {port}; stop it first: make local-down")
    if choice == "ministack" or (choice == "auto" and embedded.running):
        reason = "as chosen" if choice == "ministack" else "which is already running"
        say(f"emulator: MiniStack, {reason}")
        return embedded
    if engine := Engine.find(programs):
        say("emulator: LocalStack in Docker, since a Docker engine answers")
        return Docker(engine, port)
    if choice == "docker":
        raise InfraError(f"{no_engine_reason(programs)}: start it, or choose LOCAL=ministack")
    say(f"emulator: MiniStack, since {no_engine_reason(programs)}")
    return embedded
