"""The local environment as a whole: up with one call, down with another."""

from infra.clients import LOCAL_REGION, Clients
from infra.config.stages import Stage
from infra.deploy.deploy import deploy
from infra.deploy.outputs import Outputs
from infra.errors import InfraError
from infra.local.docker import Docker, Engine, Programs
from infra.local.emulator import Embedded, Emulator
from infra.paths import RUN
from infra.terminal import Say


def clients_on(port: int) -> Clients:
    """Clients for the emulator on this port of this machine."""
    return Clients(f"http://localhost:{port}", LOCAL_REGION)


def up(emulator: Emulator, port: int, say: Say) -> Outputs:
    """Start the emulator and deploy to it; what runs and is deployed already stays as it is.

    InfraError if something fails; then nothing is left running that did not run before.
    """
    started = emulator.start(say)
    try:
        stage = Stage.load("local")
        return deploy(stage, clients_on(port), emulator.target(), say, emulator.rekognition)
    except BaseException:
        if started:
            emulator.stop()
        raise


def down(programs: Programs, say: Say) -> None:
    """Stop everything of ours on every port. What the emulators held is forgotten."""
    ports = sorted(int(home.name) for home in RUN.glob("*") if home.name.isdigit())
    stopped = [port for port in ports if Embedded(port).stop()]
    for port in stopped:
        say(f"stopped MiniStack and the local Rekognition (port {port})")
    if engine := Engine.find(programs):
        _containers_down(engine, say)
    elif not stopped:
        say("nothing was running")


def _containers_down(engine: Engine, say: Say) -> None:
    try:
        Docker(engine, port=4566).stop()
    except InfraError:
        return  # an engine without compose: so nothing of ours runs there
    say("no containers of ours are running")
