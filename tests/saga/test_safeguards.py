"""The simulator notices every safeguard that is removed."""

import pytest

from tests.lab.simulator.explore import found_without
from tests.lab.simulator.profiles import PROFILES
from tests.lab.simulator.safeguards import SAFEGUARDS, Safeguard


@pytest.mark.slow
@pytest.mark.parametrize("safeguard", SAFEGUARDS, ids=lambda safeguard: safeguard.name)
def test_a_missing_safeguard_is_noticed(safeguard: Safeguard) -> None:
    assert found_without(safeguard), safeguard.breaks


def test_every_profile_but_throttling_notices_a_safeguard() -> None:
    without_safeguard = {"throttled"}
    assert {safeguard.profile for safeguard in SAFEGUARDS} == PROFILES.keys() - without_safeguard
