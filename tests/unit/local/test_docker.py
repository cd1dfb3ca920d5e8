"""How the Docker engine and compose are found. These tests need no engine."""

import re
from ipaddress import ip_address, ip_network

import pytest
import yaml

from infra.errors import InfraError
from infra.local.docker import (
    COMPOSE_FILE,
    REKOGNITION_ADDRESS,
    Docker,
    Engine,
    ProgramResult,
    RealPrograms,
    no_engine_reason,
)
from tests.optional import missing
from tests.unit.local.fakes import CLIENT, ENGINE, PLUGIN, PROGRAM, FakePrograms


def test_the_build_target_has_the_architecture_of_the_engine():
    engine = Engine.find(FakePrograms(ENGINE))

    assert engine is not None
    assert Docker(engine, 4566).target().architecture == "arm64"


@pytest.mark.parametrize("output", ["", " x86_64"])
def test_a_docker_client_without_an_engine_is_not_an_engine(output):
    programs = FakePrograms(CLIENT | {"docker info": ProgramResult(ok=True, output=output)})

    assert Engine.find(programs) is None
    assert (
        no_engine_reason(programs)
        == "Docker's client is installed, but no engine answered within 3 s"
    )


def test_the_reason_names_a_missing_docker():
    assert no_engine_reason(FakePrograms()) == "Docker is not installed"


def test_a_program_that_hangs_or_is_missing_is_not_ok():
    assert not RealPrograms().capture(("sleep", "60"), within=0.1).ok
    assert not RealPrograms().capture(("no-such-program",)).ok
    assert RealPrograms().capture(("echo", "yes")) == ProgramResult(ok=True, output="yes")


@pytest.mark.parametrize(
    ("compose", "start"),
    [(PLUGIN | PROGRAM, ("docker", "compose")), (PROGRAM, ("docker-compose", "--project-name"))],
)
def test_the_compose_plugin_is_preferred_to_the_compose_program(compose, start):
    engine = Engine("x86_64", FakePrograms(compose))

    assert engine.compose()[:2] == start


def test_an_engine_without_compose_is_an_error_that_names_the_plugin():
    with pytest.raises(InfraError, match="install its plugin"):
        Engine("x86_64", FakePrograms()).compose()


def test_containers_are_removed_if_they_do_not_start(say):
    programs = FakePrograms(PLUGIN, run_fails=True)

    with pytest.raises(InfraError, match="could not start the containers"):
        Docker(Engine("x86_64", programs), 4566).start(say)

    assert [line.split()[-2:] for line in programs.commands] == [
        ["up", "--detach"],
        ["down", "--remove-orphans"],
    ]


@pytest.fixture(scope="module")
def composed():
    """The compose file as compose parses it, which needs no engine."""
    programs = RealPrograms()
    for compose in (("docker", "compose"), ("docker-compose",)):
        if programs.capture((*compose, "version")).ok:
            read = programs.capture((*compose, "-f", str(COMPOSE_FILE), "config"))
            assert read.ok, read
            return yaml.safe_load(read.output)
    return missing("docker-compose", "apt-get install docker-compose")


@pytest.mark.slow
def test_localstack_is_its_last_free_version_and_pinned_by_digest(composed):
    image = composed["services"]["localstack"]["image"]

    assert re.fullmatch(r"localstack/localstack:4\.14\.0@sha256:[0-9a-f]{64}", image)


@pytest.mark.slow
def test_containers_listen_on_loopback_only(composed):
    for service in composed["services"].values():
        assert len(service["ports"]) == 1
        assert "127.0.0.1" in str(service["ports"][0])


@pytest.mark.slow
def test_functions_reach_rekognition_at_its_fixed_address(composed):
    network = composed["networks"]["darkroom"]
    subnet = ip_network(network["ipam"]["config"][0]["subnet"])
    localstack, rekognition = (composed["services"][n] for n in ("localstack", "rekognition"))

    assert rekognition["networks"]["darkroom"]["ipv4_address"] == REKOGNITION_ADDRESS
    assert ip_address(REKOGNITION_ADDRESS) in subnet
    assert localstack["environment"]["LAMBDA_DOCKER_NETWORK"] == network["name"]


@pytest.mark.slow
def test_the_lambda_executor_gets_its_socket(composed):
    volumes = composed["services"]["localstack"]["volumes"]

    assert any(str(volume).count("/var/run/docker.sock") == 2 for volume in volumes)
