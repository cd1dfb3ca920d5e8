"""Real faults on MiniStack, at a size for every day; ``make chaos`` is the same at full size."""

from collections.abc import Iterator

import pytest

from tests.lab.chaos.bench import Bench, bench
from tests.lab.chaos.report import Part, explained, table
from tests.lab.chaos.run import in_a_crowd, run, under_faults


@pytest.fixture(scope="module")
def chaotic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A MiniStack of its own: its functions are killed, and its log is read for timeouts."""
    with bench(tmp_path_factory.mktemp("chaos")) as running:
        yield running


def told(part: Part) -> str:
    """The table, and the timeline of what broke a promise: what a failed run is explained by."""
    return "\n".join(["", *explained(part), *table([part])])


def test_uploads_in_batches_far_too_large_have_each_effect_once(chaotic: Bench) -> None:
    part = run(in_a_crowd(chaotic.proxy.endpoint, 50), chaotic, print)
    assert part.met, told(part)


def test_every_image_is_told_once_whatever_goes_wrong(chaotic: Bench) -> None:
    part = run(under_faults(chaotic.proxy.endpoint, 24, 0.1, seed=1), chaotic, print)
    assert part.met, told(part)
