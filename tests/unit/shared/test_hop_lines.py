"""What each try at an event is told as: one line of numbers, with how it ended and why."""

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
    def act(*_: Any) -> None:
        raise error

    return act


def test_a_hop_that_is_done_tells_its_age_and_what_it_was_about(bench: Any, hops: Lines) -> None:
    bench.consume(SECOND.to_json())
    (line,) = hops()
    assert (line["outcome"], line["attempts"], line["Age"]) == ("done", 1, 0.0)
    assert (line["event_type"], line["event_id"]) == (SECOND.type, SECOND.id)
    assert (line["correlation_id"], line["run"]) == (SECOND.subject, SECOND.data.run)
    assert line["message_id"] == "m0"


def test_a_hop_tells_what_it_announced_and_under_which_ids(bench: Any, hops: Lines) -> None:
    bench.act = lambda *_: [ANALYZED]
    bench.consume(SECOND.to_json())
    (line,), (said,) = hops(), bench.bus.published
    assert (line["published"], line["published_ids"]) == ([ANALYZED.type], [said.id])


def test_the_age_is_that_of_the_message_with_all_its_waits(bench: Any, hops: Lines) -> None:
    bench.act = lambda *_: bench.clock.advance(12.5) or ()
    bench.consume(SECOND.to_json())
    assert hops()[0]["Age"] == 12_500


def test_a_repeat_is_no_hop_that_took_long(bench: Any, hops: Lines) -> None:
    bench.consume(SECOND.to_json(), SECOND.to_json())
    assert [line["outcome"] for line in hops()] == ["done", "duplicate"]
    assert "Age" not in hops()[1]


@pytest.mark.parametrize(
    ("error", "told"),
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
def test_a_try_that_fails_says_why_without_quoting_anything(
    bench: Any, hops: Lines, error: Exception, told: dict[str, Any]
) -> None:
    bench.act = failing(error)
    bench.consume(SECOND.to_json())
    (line,) = hops()
    assert line.items() >= told.items()
    assert ("Age" in line) is (told["outcome"] == "gave-up")
    assert "jane" not in json.dumps(line)


def test_what_another_is_at_is_busy(bench: Any, hops: Lines) -> None:
    bench.act = lambda *_: bench.consume(SECOND.to_json()) and ()
    bench.consume(SECOND.to_json())
    assert [line["outcome"] for line in hops()] == ["in-progress", "done"]


def test_who_died_too_often_is_told_as_killed(bench: Any, hops: Lines) -> None:
    for _ in range(5):
        bench.act = failing(SystemExit())
        with pytest.raises(SystemExit):
            bench.consume(SECOND.to_json())
        bench.clock.advance(60)
    bench.consume(SECOND.to_json())
    last = hops()[-1]
    assert (last["outcome"], last["reason"], last["attempts"]) == ("gave-up", "worker-died", 6)


def test_an_undo_is_told_as_one_whichever_event_it_answers(bench: Any, hops: Lines) -> None:
    bench.consume(FAILED_EVENT.to_json())
    bench.end(SECOND.data, RunStatus.FAILED)
    bench.consume(SECOND.to_json())
    assert [line["outcome"] for line in hops()] == ["compensated", "compensated"]


def test_a_verdict_that_is_told_is_done(bench: Any, hops: Lines) -> None:
    bench.consume(LAST.to_json())
    assert [line["outcome"] for line in hops()] == ["done"]
