"""Which emulator Darkroom runs on: LocalStack where a Docker engine answers, else MiniStack."""

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
    """An emulator with the local Rekognition beside it."""

    @property
    def name(self) -> str: ...

    @property
    def rekognition(self) -> str:
        """The local Rekognition's URL, as the functions reach it."""
        ...

    @property
    def this_machine(self) -> str:
        """The name under which the emulator reaches servers of this machine."""
        ...

    @property
    def image_timeout(self) -> float:
        """Seconds after which an image that has not ended is stuck."""
        ...

    def target(self) -> Target:
        """What the functions' zips have to be built for."""
        ...

    def start(self, say: Say) -> bool:
        """Start what does not run yet; false if all of it did. InfraError, and nothing of it left
        running, if it fails.
        """
        ...

    def stop(self) -> bool:
        """Stop all of it; false if nothing ran."""
        ...


@dataclass(frozen=True)
class Embedded:
    """MiniStack and the local Rekognition, as processes of this machine."""

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
        with ExitStack() as undo:
            started = self._ministack.start(say)
            if started:
                undo.callback(self._ministack.stop)
            started |= self._recognizer.start(say)
            undo.pop_all()
        return started

    def stop(self) -> bool:
        recognizer_ran = self._recognizer.stop()
        return self._ministack.stop() or recognizer_ran

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
    """The emulator that is wished for, or the better one that can run here; says which and why.

    InfraError if the choice cannot be met.
    """
    embedded = Embedded(port)
    if choice == "docker" and embedded.running:
        raise InfraError(f"MiniStack runs on port {port}; stop it first: make local-down")
    if choice == "ministack" or (choice == "auto" and embedded.running):
        say(
            "emulator: MiniStack, "
            + ("as asked" if choice == "ministack" else "which runs already")
        )
        return embedded
    if engine := Engine.find(programs):
        say("emulator: LocalStack in Docker, since a Docker engine answers")
        return Docker(engine, port)
    if choice == "docker":
        raise InfraError(f"{no_engine_reason(programs)}: start it, or choose LOCAL=ministack")
    say(f"emulator: MiniStack, since {no_engine_reason(programs)}")
    return embedded
