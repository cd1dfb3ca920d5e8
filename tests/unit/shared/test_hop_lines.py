"""The log line of a hop: metrics, the outcome and its reason."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.contracts.record import RunStatus
from shared.errors import PermanentError, Throttled, TransientError
from tests.captured_logs import captured_logs, lines
from tests.contract.samples import ANALYZED, FAILED_EVENT, LAST, SECOND

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def hops() -> Iterator[Lines]:
    """The lines of the hops so far."""
    with captured_logs("toy") as out:
        yield lambda: [line for line in lines(out) if line["message"] == "hop"]


def failing(error: Exception) -> Callable[..., Any]:
    def step(*_: Any) -> None:
        raise error

    return step


def test_a_completed_hop_logs_its_age_and_its_event(bench: Any, hops: Lines) -> None:
    bench.consume(SECOND.to_json())
    (line,) = hops()
    assert (line["outcome"], line["attempts"], line["Age"]) == ("done", 1, 0.0)
    assert (line["event_type"], line["event_id"]) == (SECOND.type, SECOND.id)
    assert (line["correlation_id"], line["run"]) == (SECOND.subject, SECOND.data.run)
    assert line["message_id"] == "m0"


def test_a_hop_logs_the_types_and_ids_that_it_published(bench: Any, hops: Lines) -> None:
    bench.step = lambda *_: [ANALYZED]
    bench.consume(SECOND.to_json())
    (line,), (envelope,) = hops(), bench.bus.published
    assert (line["published"], line["published_ids"]) == ([ANALYZED.type], [envelope.id])


def test_the_age_of_a_hop_begins_when_the_message_was_sent(bench: Any, hops: Lines) -> None:
    bench.step = lambda *_: bench.clock.advance(12.5) or ()
    bench.consume(SECOND.to_json())
    assert hops()[0]["Age"] == 12_500


def test_a_duplicate_logs_no_age(bench: Any, hops: Lines) -> None:
    bench.consume(SECOND.to_json(), SECOND.to_json())
    assert [line["outcome"] for line in hops()] == ["done", "duplicate"]
    assert "Age" not in hops()[1]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TransientError("unavailable", "jane"), {"outcome": "retry", "reason": "unavailable"}),
        (
            Throttled("throttled", "jane"),
            {"outcome": "retry", "Throttled": 1, "counts_as_attempt": False},
        ),
        (PermanentError("not-an-image", "jane"), {"outcome": "gave-up", "fault": "client"}),
        (
            KeyError("jane"),
            {"outcome": "retry", "reason": "internal-error", "counts_as_attempt": True},
        ),
    ],
)
def test_a_failed_attempt_logs_its_reason_but_not_its_message(
    bench: Any, hops: Lines, error: Exception, expected: dict[str, Any]
) -> None:
    bench.step = failing(error)
    bench.consume(SECOND.to_json())
    (line,) = hops()
    assert line.items() >= expected.items()
    assert ("Age" in line) is (expected["outcome"] == "gave-up")
    assert "jane" not in json.dumps(line)


def test_a_claimed_event_is_logged_as_in_progress(bench: Any, hops: Lines) -> None:
    bench.step = lambda *_: bench.consume(SECOND.to_json()) and ()
    bench.consume(SECOND.to_json())
    assert [line["outcome"] for line in hops()] == ["in-progress", "done"]


def test_an_event_whose_workers_died_is_logged_as_worker_died(bench: Any, hops: Lines) -> None:
    for _ in range(5):
        bench.step = failing(SystemExit())
        with pytest.raises(SystemExit):
            bench.consume(SECOND.to_json())
        bench.clock.advance(60)
    bench.consume(SECOND.to_json())
    last = hops()[-1]
    assert (last["outcome"], last["reason"], last["attempts"]) == ("gave-up", "worker-died", 6)


def test_every_compensation_is_logged_as_compensated(bench: Any, hops: Lines) -> None:
    bench.consume(FAILED_EVENT.to_json())
    bench.end(SECOND.data, RunStatus.FAILED)
    bench.consume(SECOND.to_json())
    assert [line["outcome"] for line in hops()] == ["compensated", "compensated"]


def test_a_delivery_is_logged_as_done(bench: Any, hops: Lines) -> None:
    bench.consume(LAST.to_json())
    assert [line["outcome"] for line in hops()] == ["done"]
