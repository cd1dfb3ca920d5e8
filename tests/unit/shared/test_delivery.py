"""How one event is delivered: what happens past the lease, what is logged and published."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.contracts.envelope import Event
from shared.contracts.record import RunStatus
from shared.errors import TransientError
from tests.contract.samples import LAST, SECOND

DOWN = TransientError("unavailable", "down")


def failing_after(bench: Any, seconds: float, status: RunStatus) -> Any:
    """A step that takes so long, whose run has this status by then, and which then fails."""

    def act(event: Any, _context: Any) -> Iterator[Event]:
        bench.clock.advance(seconds)
        bench.end(event, status)
        raise DOWN

    return act


def test_a_step_that_fails_past_its_lease_is_compensated_if_its_run_failed(
    bench: Any,
) -> None:
    """The worker that took over has compensated before this one wrote its last object."""
    bench.act = failing_after(bench, 41, RunStatus.FAILED)
    assert bench.consume(SECOND.to_json()) == ["m0"]
    assert bench.undone == [SECOND.data]


@pytest.mark.parametrize(
    ("seconds", "status"),
    [(39, RunStatus.FAILED), (40, RunStatus.FAILED), (41, RunStatus.COMPLETED)],
)
def test_a_step_that_fails_is_not_compensated_within_its_lease_or_for_a_completed_run(
    bench: Any, seconds: float, status: RunStatus
) -> None:
    bench.act = failing_after(bench, seconds, status)
    assert bench.consume(SECOND.to_json()) == ["m0"]
    assert bench.undone == []


def test_a_delivery_that_fails_past_its_lease_compensates_nothing(bench: Any) -> None:
    bench.act = failing_after(bench, 41, RunStatus.FAILED)
    assert bench.consume(LAST.to_json()) == ["m0"]
    assert bench.undone == []
