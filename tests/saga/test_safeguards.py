"""The simulator can fail: without any one safeguard, it finds what breaks."""

import pytest

from tests.lab.simulator.explore import found_without
from tests.lab.simulator.profiles import PROFILES
from tests.lab.simulator.safeguards import SAFEGUARDS, Safeguard


@pytest.mark.parametrize("safeguard", SAFEGUARDS, ids=lambda safeguard: safeguard.name)
def test_the_lack_of_it_is_found(safeguard: Safeguard) -> None:
    assert found_without(safeguard), safeguard.breaks


def test_every_profile_but_the_faults_of_the_world_misses_a_safeguard() -> None:
    of_the_world = {"throttled"}
    assert {safeguard.profile for safeguard in SAFEGUARDS} == PROFILES.keys() - of_the_world
