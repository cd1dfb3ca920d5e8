"""The saga in memory: every upload has one outcome, with any duplicate, delay or dead worker."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from PIL import Image

from shared.contracts.envelope import Envelope
from shared.delivery import report_on
from shared.errors import Fault, PermanentError, Throttled, TransientError
from shared.retries import GiveUp
from tests.fakes import MemoryObjects
from tests.lab.simulator.scripted import ScriptedSaga


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 12), (200, 120, 40)).save(buffer, "JPEG")
    return buffer.getvalue()


CAT = picture()


def moments_of_a_healthy_run() -> list[str]:
    saga = ScriptedSaga()
    saga.upload(CAT)
    saga.run()
    return saga.moments


MOMENTS = moments_of_a_healthy_run()


def everything_of(image: str, run: int = 0) -> list[str]:
    made = [f"renditions/{image}/{run}/{name}.jpeg" for name in ("analysis", "thumbnail", "web")]
    return [f"analyses/{image}/{run}/analysis.json", *made, f"results/{image}.json"]


def made(saga: ScriptedSaga) -> list[str]:
    """Everything there is but the index of analysed content, whose every entry must be true: it
    depends on who was first whether there is one.
    """
    entries = [json.loads(saga.processed.get(key).body) for key in saga.left("reuse/")]
    assert {entry["document"] for entry in entries} <= set(saga.left("analyses/"))
    return [key for key in saga.left() if not key.startswith("reuse/")]


def test_an_upload_completes_and_is_notified_once() -> None:
    saga = ScriptedSaga()
    image = saga.upload(CAT, owner="ada")
    saga.run()
    assert saga.outcomes() == ["completed"]
    assert made(saga) == sorted(everything_of(image))
    assert saga.notifications.sent[0].attributes["owner"] == "ada"


def test_a_notification_has_the_outcomes_id_and_its_renditions() -> None:
    saga = ScriptedSaga()
    image = saga.upload(CAT)
    saga.run()
    notification = json.loads(saga.notifications.sent[0].data)
    outcome = next(e for e in saga.published if e.type == "image.completed.v1")
    assert (notification["id"], notification["image"], notification["run"]) == (
        outcome.id,
        image,
        0,
    )
    assert [r["name"] for r in notification["renditions"]] == ["thumbnail", "web"]
    assert notification["labels"] == [{"name": "Cat", "confidence": 98.7}]


def test_every_event_of_an_image_names_its_cause_and_its_correlation() -> None:
    saga = ScriptedSaga()
    image = saga.upload(CAT)
    saga.run()
    known = {e.id for e in saga.published} | {image}
    assert {e.correlationid for e in saga.published} == {image}
    caused = [e for e in saga.published if e.type != "image.resized.v1"]
    assert all(e.causationid in known for e in caused)
    assert {e.traceparent[3:35] for e in saga.published} == {image.replace("-", "")}


def test_a_file_that_is_no_image_fails_at_the_first_attempt_and_leaves_nothing() -> None:
    saga = ScriptedSaga()
    saga.upload(b"hello, this is text", key="text.jpg", owner="ada")
    saga.run()
    notification = json.loads(saga.notifications.sent[0].data)
    assert saga.outcomes() == ["failed"]
    assert notification["failure"]["fault"] == "client"
    assert notification["failure"]["stage"] == "resize"
    assert notification["owner"] == "ada"
    assert saga.left() == []
    assert [row.attempts for row in saga.ledger.rows.values()] == [1, 1]


def test_a_failed_analysis_compensates_the_renditions() -> None:
    saga = ScriptedSaga()
    saga.upload(CAT)
    saga.recognizer.failures = [PermanentError("unreadable-picture", "no", fault=Fault.INTERNAL)]
    saga.run()
    assert saga.outcomes() == ["failed"]
    assert saga.notifications.sent[0].attributes["stage"] == "analyze"
    assert saga.left() == []


def test_a_step_that_recovers_within_its_attempts_completes() -> None:
    saga = ScriptedSaga()
    image = saga.upload(CAT)
    saga.recognizer.failures = [TransientError("unavailable", "down")] * 4
    saga.run()
    assert saga.outcomes() == ["completed"]
    assert made(saga) == sorted(everything_of(image))


def test_the_last_attempt_reports() -> None:
    saga = ScriptedSaga()
    saga.upload(CAT)
    saga.recognizer.failures = [TransientError("unavailable", "down")] * 5
    saga.run()
    assert saga.outcomes() == ["failed"]
    assert json.loads(saga.notifications.sent[0].data)["failure"]["fault"] == "dependency"
    assert saga.left() == []


def test_throttling_does_not_count_as_an_attempt() -> None:
    saga = ScriptedSaga()
    saga.upload(CAT)
    saga.recognizer.failures = [Throttled("throttled", "slow down")] * 20
    saga.run()
    assert saga.outcomes() == ["completed"]


def test_an_analysis_that_cannot_be_stored_is_paid_for_once_an_attempt() -> None:
    saga = ScriptedSaga()
    saga.upload(CAT)
    saga.processed.put = full_of_analyses(saga.processed)  # type: ignore[method-assign]
    saga.run()
    assert saga.outcomes() == ["failed"]
    assert sum(saga.recognizer.paid.values()) == 5


def full_of_analyses(bucket: MemoryObjects) -> Callable[..., None]:
    """A ``put`` that is throttled for every analysis."""
    put = bucket.put

    def throttled(key: str, *args: Any, **kwargs: Any) -> None:
        if key.startswith("analyses/"):
            raise Throttled("throttled", "slow down")
        put(key, *args, **kwargs)

    return throttled


def test_an_unexpected_error_is_reported_as_internal() -> None:
    saga = ScriptedSaga()
    saga.upload(CAT)
    saga.recognizer.failures = [ZeroDivisionError("oops")] * 5
    saga.run()
    failure = json.loads(saga.notifications.sent[0].data)["failure"]
    assert (failure["reason"], failure["fault"]) == ("internal-error", "internal")


@pytest.mark.parametrize("copies", [2, 3, 5])
def test_duplicate_deliveries_change_nothing(copies: int) -> None:
    saga = ScriptedSaga(copies=copies)
    image = saga.upload(CAT)
    saga.run()
    assert saga.outcomes() == ["completed"]
    assert made(saga) == sorted(everything_of(image))
    assert set(saga.recognizer.paid.values()) == {1}


@pytest.mark.parametrize("seed", range(40))
def test_any_order_ends_the_same(seed: int) -> None:
    saga = ScriptedSaga(seed, copies=2)
    images = [saga.upload(CAT, key=f"{n}.jpg") for n in range(3)]
    saga.upload(b"no picture", key="text.jpg")
    saga.run()
    assert sorted(saga.outcomes()) == ["completed"] * 3 + ["failed"]
    assert made(saga) == sorted(key for image in images for key in everything_of(image))


PAID_AGAIN = {"analyze: after recognizer.ask", "analyze: before processed.replace"}
NOTIFIED_AGAIN = {"notify: after notifications.send", "notify: before ledger.complete"}
"""The windows: a worker dies between an irreversible effect and its record."""


@pytest.mark.parametrize("moment", range(len(MOMENTS)), ids=lambda n: f"{n}-{MOMENTS[n]}")
def test_a_worker_killed_at_any_moment_changes_nothing(moment: int) -> None:
    saga = ScriptedSaga()
    image = saga.upload(CAT)
    saga.kill_at = {moment}
    saga.run()
    assert saga.killed == [MOMENTS[moment]]
    assert saga.outcomes() == ["completed"] * (1 + (MOMENTS[moment] in NOTIFIED_AGAIN))
    assert sum(saga.recognizer.paid.values()) == 1 + (MOMENTS[moment] in PAID_AGAIN)
    assert made(saga) == sorted(everything_of(image))


def test_a_repeated_notification_has_the_same_id() -> None:
    saga = ScriptedSaga()
    saga.upload(CAT)
    saga.kill_at = {MOMENTS.index("notify: after notifications.send")}
    saga.run()
    assert len(saga.notifications.sent) == 2
    assert len({json.loads(words.data)["id"] for words in saga.notifications.sent}) == 1


@pytest.mark.parametrize("moment", ["resize: before uploads.get", "analyze: before recognizer.ask"])
def test_an_event_whose_worker_always_dies_is_dead_lettered_reported_and_compensated(
    moment: str,
) -> None:
    saga = ScriptedSaga()
    saga.upload(CAT)
    saga.kill_always = moment
    saga.run()
    assert saga.killed == [moment] * 5
    assert saga.outcomes() == ["failed"]
    assert json.loads(saga.notifications.sent[0].data)["failure"]["reason"] == "worker-died"
    assert [key.split("/")[0] for key in saga.left()] == ["dead-letters"]


@pytest.mark.parametrize("moment", ["before kept.put", "after kept.put", "after bus.publish"])
def test_a_rescue_that_is_killed_succeeds_at_the_next_delivery(moment: str) -> None:
    saga = ScriptedSaga()
    saga.upload(b"", key="empty.jpg")
    saga.dead_letter("resize", saga.withdraw("resize"), {})
    saga.kill_once = f"rescue: {moment}"
    saga.run()
    assert saga.killed == [f"rescue: {moment}"]
    assert saga.outcomes() == ["failed"]
    assert len(saga.left("dead-letters/")) == 1


def test_an_unreadable_message_is_stored_and_changes_nothing_else() -> None:
    saga = ScriptedSaga()
    saga.post("analyze", "this is not JSON")
    saga.post("analyze", json.dumps({"type": "image.enlarged.v9", "data": {}}))
    image = saga.upload(CAT)
    saga.run()
    kept = saga.left("dead-letters/analyze/")
    reasons = [json.loads(saga.processed.find(key).body)["reason"] for key in kept]
    assert sorted(reasons) == ["unknown-type", "unreadable"]
    assert saga.outcomes() == ["completed"]
    assert saga.left("renditions/") == [k for k in everything_of(image) if "renditions" in k]


def test_a_report_after_completion_publishes_the_outcome_again() -> None:
    saga = ScriptedSaga()
    saga.upload(CAT)
    saga.run()
    resized = next(e for e in saga.published if e.type == "image.resized.v1")
    saga.post("store", late_report(resized))
    saga.run()
    outcomes = [e for e in saga.published if e.type.startswith("image.completed")]
    assert saga.outcomes() == ["completed"]
    assert len(outcomes) == 2
    assert len({e.id for e in outcomes}) == 1


def late_report(cause: Envelope) -> str:
    report = report_on(cause.data, "analyze", GiveUp("worker-died", "late", Fault.INTERNAL))
    return cause.caused(report, "darkroom/rescue", 0, datetime.now(UTC)).to_json()


def test_a_report_that_arrives_first_creates_a_failed_record() -> None:
    saga = ScriptedSaga()
    saga.upload(CAT)
    notification = saga.withdraw("resize")
    saga.dead_letter("resize", notification, {})
    saga.run()
    assert saga.outcomes() == ["failed"]
    saga.post("resize", notification)  # and now the message itself, very late
    saga.run()
    assert saga.outcomes() == ["failed"]
    assert saga.left("renditions/") == []
