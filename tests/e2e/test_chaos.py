"""Real faults on MiniStack, at a small size; ``make chaos`` runs the same at full size."""

from collections.abc import Iterator

import pytest

from tests.lab.chaos.report import Result, table, timelines
from tests.lab.chaos.rig import Rig, start_rig
from tests.lab.chaos.run import overloaded, run, under_faults


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A separate MiniStack: the scenarios kill its functions and read timeouts from its log."""
    with start_rig(tmp_path_factory.mktemp("chaos")) as rig:
        yield rig


def described(result: Result) -> str:
    """The table of figures, and the timelines of images that failed a check."""
    return "\n".join(["", *timelines(result), *table([result])])


def test_uploads_in_batches_that_are_too_large_have_each_effect_once(rig: Rig) -> None:
    result = run(overloaded(rig.proxy.endpoint, 50), rig, print)
    assert result.met, described(result)


def test_every_image_has_one_notification_under_faults(rig: Rig) -> None:
    result = run(under_faults(rig.proxy.endpoint, 24, 0.1, seed=1), rig, print)
    assert result.met, described(result)
