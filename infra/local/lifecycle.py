"""Start and stop the whole local environment."""

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
    """Start the emulator and deploy to it; does nothing where it is already running and deployed.

    InfraError if a part fails; then an emulator that this call started is stopped.
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
    """Stop Darkroom's emulators on every port. Their data is lost."""
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
        return  # an engine without compose cannot run Darkroom's containers
    say("Darkroom's containers are stopped")
