"""The choice of the emulator, and start and stop of the whole local environment."""

import fcntl
from dataclasses import dataclass, field

import pytest

from infra.errors import InfraError
from infra.local import emulator, lifecycle
from infra.local.docker import Docker
from infra.local.emulator import Embedded, choose
from infra.packaging.package import Target
from tests.unit.local.fakes import CLIENT, ENGINE, OUTPUTS, FakePrograms

PORT = 4566


@pytest.fixture
def run(tmp_path, monkeypatch):
    """An empty folder for the homes of servers."""
    monkeypatch.setattr(emulator, "RUN", tmp_path)
    monkeypatch.setattr(lifecycle, "RUN", tmp_path)
    return tmp_path


@pytest.fixture
def running(run):
    """The home of a MiniStack that appears to run: its lock is held."""
    home = run / str(PORT) / "ministack"
    home.mkdir(parents=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield home


def test_docker_is_chosen_if_an_engine_answers(run, say):
    assert isinstance(choose("auto", PORT, FakePrograms(ENGINE), say), Docker)
    assert str(say) == "emulator: LocalStack in Docker, since a Docker engine answers"


@pytest.mark.parametrize(
    ("programs", "why"), [({}, "Docker is not installed"), (CLIENT, "no engine answered")]
)
def test_ministack_is_chosen_without_an_engine_and_the_reason_is_reported(run, say, programs, why):
    assert choose("auto", PORT, FakePrograms(programs), say) == Embedded(PORT)
    assert "emulator: MiniStack, since" in str(say)
    assert why in str(say)


def test_ministack_can_be_chosen_although_an_engine_runs(run, say):
    assert choose("ministack", PORT, FakePrograms(ENGINE), say) == Embedded(PORT)
    assert str(say) == "emulator: MiniStack, as chosen"


def test_choosing_docker_without_an_engine_is_an_error(run, say):
    with pytest.raises(InfraError, match=r"no engine answered.*LOCAL=ministack"):
        choose("docker", PORT, FakePrograms(CLIENT), say)


def test_a_running_ministack_stays_the_choice_when_an_engine_starts(running, say):
    assert choose("auto", PORT, FakePrograms(ENGINE), say) == Embedded(PORT)


def test_docker_does_not_take_the_port_of_a_running_ministack(running, say):
    with pytest.raises(InfraError, match="stop it first: make local-down"):
        choose("docker", PORT, FakePrograms(ENGINE), say)


@dataclass
class FakeEmulator:
    """Counts its stops."""

    runs_already: bool = False
    stopped: list[bool] = field(default_factory=list)
    name = "the emulator"
    this_machine = "localhost"
    rekognition = "http://127.0.0.1:4567"
    image_timeout = 1.0

    def target(self):
        return Target.linux("x86_64")

    def start(self, say):
        return not self.runs_already

    def stop(self):
        self.stopped.append(True)
        return True


def failing(*_args, **_more):
    raise InfraError("no wheel")


@pytest.mark.parametrize(("runs_already", "stopped"), [(False, [True]), (True, [])])
def test_a_failed_deployment_stops_the_emulator_only_if_it_was_just_started(
    monkeypatch, say, runs_already, stopped
):
    monkeypatch.setattr(lifecycle, "deploy", failing)
    fake = FakeEmulator(runs_already)

    with pytest.raises(InfraError, match="no wheel"):
        lifecycle.up(fake, PORT, say)

    assert fake.stopped == stopped


def test_the_deployment_gets_the_address_of_the_local_rekognition(monkeypatch, say):
    deployed = []
    monkeypatch.setattr(lifecycle, "deploy", lambda *args: deployed.append(args) or OUTPUTS)

    assert lifecycle.up(FakeEmulator(), PORT, say) == OUTPUTS

    assert deployed[0][4] == FakeEmulator.rekognition


def test_down_without_a_running_server_is_not_an_error(run, say):
    (run / "4600" / "ministack").mkdir(parents=True)
    (run / "4600" / "ministack" / "pid").write_text("1")  # stale, and init's

    lifecycle.down(FakePrograms(CLIENT), say)

    assert str(say) == "nothing was running"


def test_down_without_compose_runs_no_docker_command(run, say):
    programs = FakePrograms(ENGINE)

    lifecycle.down(programs, say)

    assert programs.commands == []
