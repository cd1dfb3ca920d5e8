"""The saga in memory: every upload ends, told once, whatever is repeated, reordered or killed."""

import io
import json
from datetime import UTC, datetime

import pytest
from PIL import Image

from shared.contracts.envelope import Envelope
from shared.delivery import report_on
from shared.errors import Fault, PermanentError, Throttled, TransientError
from shared.retries import GiveUp
from shared.testing import MemoryObjects
from tests.saga.world import Delivery, World


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 12), (200, 120, 40)).save(buffer, "JPEG")
    return buffer.getvalue()


CAT = picture()


def moments_of_a_healthy_run() -> list[str]:
    world = World()
    world.upload(CAT)
    world.run()
    return world.moments


MOMENTS = moments_of_a_healthy_run()


def everything_of(image: str, run: int = 0) -> list[str]:
    made = [f"renditions/{image}/{run}/{name}.jpeg" for name in ("analysis", "thumbnail", "web")]
    return [f"analyses/{image}/{run}/analysis.json", *made, f"results/{image}.json"]


def made(world: World) -> list[str]:
    """Everything there is but the index of analysed content, whose every entry must be true: it
    depends on who was first whether there is one.
    """
    entries = [json.loads(world.processed.get(key).body) for key in world.left("reuse/")]
    assert {entry["document"] for entry in entries} <= set(world.left("analyses/"))
    return [key for key in world.left() if not key.startswith("reuse/")]


def test_an_upload_ends_complete_and_is_told_once() -> None:
    world = World()
    image = world.upload(CAT, owner="ada")
    world.run()
    assert world.outcomes() == ["completed"]
    assert made(world) == sorted(everything_of(image))
    assert world.told.heard[0].attributes["owner"] == "ada"


def test_what_is_told_carries_the_verdicts_id_and_what_was_made() -> None:
    world = World()
    image = world.upload(CAT)
    world.run()
    told = json.loads(world.told.heard[0].data)
    verdict = next(e for e in world.published if e.type == "image.completed.v1")
    assert (told["id"], told["image"], told["run"]) == (verdict.id, image, 0)
    assert [r["name"] for r in told["renditions"]] == ["thumbnail", "web"]
    assert told["labels"] == [{"name": "Cat", "confidence": 98.7}]


def test_every_event_of_an_image_names_its_cause_and_its_correlation() -> None:
    world = World()
    image = world.upload(CAT)
    world.run()
    known = {e.id for e in world.published} | {image}
    assert {e.correlationid for e in world.published} == {image}
    caused = [e for e in world.published if e.type != "image.resized.v1"]
    assert all(e.causationid in known for e in caused)
    assert {e.traceparent[3:35] for e in world.published} == {image.replace("-", "")}


def test_a_file_that_is_no_picture_is_refused_at_the_first_try_and_leaves_nothing() -> None:
    world = World()
    world.upload(b"hello, this is text", key="text.jpg", owner="ada")
    world.run()
    told = json.loads(world.told.heard[0].data)
    assert world.outcomes() == ["failed"]
    assert told["failure"]["fault"] == "client"
    assert told["failure"]["stage"] == "resize"
    assert told["owner"] == "ada"
    assert world.left() == []
    assert [row.attempts for row in world.ledger.rows.values()] == [1, 1]


def test_a_refusal_of_the_analysis_unmakes_the_renditions() -> None:
    world = World()
    world.upload(CAT)
    world.recognizer.failures = [PermanentError("unreadable-picture", "no", fault=Fault.INTERNAL)]
    world.run()
    assert world.outcomes() == ["failed"]
    assert world.told.heard[0].attributes["stage"] == "analyze"
    assert world.left() == []


def test_a_stage_that_recovers_in_time_completes() -> None:
    world = World()
    image = world.upload(CAT)
    world.recognizer.failures = [TransientError("unavailable", "down")] * 4
    world.run()
    assert world.outcomes() == ["completed"]
    assert made(world) == sorted(everything_of(image))


def test_the_last_try_reports() -> None:
    world = World()
    world.upload(CAT)
    world.recognizer.failures = [TransientError("unavailable", "down")] * 5
    world.run()
    assert world.outcomes() == ["failed"]
    assert json.loads(world.told.heard[0].data)["failure"]["fault"] == "dependency"
    assert world.left() == []


def test_throttling_is_charged_to_no_try() -> None:
    world = World()
    world.upload(CAT)
    world.recognizer.failures = [Throttled("throttled", "slow down")] * 20
    world.run()
    assert world.outcomes() == ["completed"]


def test_an_analysis_that_cannot_be_kept_is_paid_for_as_often_as_there_are_tries() -> None:
    world = World()
    world.upload(CAT)
    world.processed = FullOfAnalyses(world.processed)
    world.services = world._services()
    world.run()
    assert world.outcomes() == ["failed"]
    assert sum(world.recognizer.paid.values()) == 5


class FullOfAnalyses(MemoryObjects):
    """A bucket that asks to slow down whenever an analysis is put."""

    def __init__(self, bucket: MemoryObjects) -> None:
        super().__init__(bucket.versions)

    def put(self, key, *args, **kwargs) -> None:
        if key.startswith("analyses/"):
            raise Throttled("throttled", "slow down")
        super().put(key, *args, **kwargs)


def test_a_mistake_of_ours_is_reported_as_ours() -> None:
    world = World()
    world.upload(CAT)
    world.recognizer.failures = [ZeroDivisionError("oops")] * 5
    world.run()
    failure = json.loads(world.told.heard[0].data)["failure"]
    assert (failure["reason"], failure["fault"]) == ("internal-error", "internal")


@pytest.mark.parametrize("copies", [2, 3, 5])
def test_everything_delivered_several_times_changes_nothing(copies: int) -> None:
    world = World(copies=copies)
    image = world.upload(CAT)
    world.run()
    assert world.outcomes() == ["completed"]
    assert made(world) == sorted(everything_of(image))
    assert set(world.recognizer.paid.values()) == {1}


@pytest.mark.parametrize("seed", range(40))
def test_any_order_ends_the_same(seed: int) -> None:
    world = World(seed, copies=2)
    images = [world.upload(CAT, key=f"{n}.jpg") for n in range(3)]
    world.upload(b"no picture", key="text.jpg")
    world.run()
    assert sorted(world.outcomes()) == ["completed"] * 3 + ["failed"]
    assert made(world) == sorted(key for image in images for key in everything_of(image))


PAID_AGAIN = {"analyze: after recognizer.ask", "analyze: before processed.replace"}
TOLD_AGAIN = {"notify: after told.send", "notify: before ledger.complete"}
"""The windows that stay: killed between what cannot be taken back and the note of it."""


@pytest.mark.parametrize("moment", range(len(MOMENTS)), ids=lambda n: f"{n}-{MOMENTS[n]}")
def test_a_worker_killed_at_any_moment_changes_nothing(moment: int) -> None:
    world = World()
    image = world.upload(CAT)
    world.kill_at = {moment}
    world.run()
    assert world.killed == [MOMENTS[moment]]
    assert world.outcomes() == ["completed"] * (1 + (MOMENTS[moment] in TOLD_AGAIN))
    assert sum(world.recognizer.paid.values()) == 1 + (MOMENTS[moment] in PAID_AGAIN)
    assert made(world) == sorted(everything_of(image))


def test_told_twice_means_told_under_one_id() -> None:
    world = World()
    world.upload(CAT)
    world.kill_at = {MOMENTS.index("notify: after told.send")}
    world.run()
    assert len(world.told.heard) == 2
    assert len({json.loads(words.data)["id"] for words in world.told.heard}) == 1


@pytest.mark.parametrize("moment", ["resize: before uploads.get", "analyze: before recognizer.ask"])
def test_a_worker_that_dies_every_time_is_buried_reported_and_unmade(moment: str) -> None:
    world = World()
    world.upload(CAT)
    world.kill_always = moment
    world.run()
    assert world.killed == [moment] * 5
    assert world.outcomes() == ["failed"]
    assert json.loads(world.told.heard[0].data)["failure"]["reason"] == "worker-died"
    assert [key.split("/")[0] for key in world.left()] == ["dead-letters"]


@pytest.mark.parametrize("moment", ["before kept.put", "after kept.put", "after bus.publish"])
def test_a_rescue_that_is_killed_rescues_the_next_time(moment: str) -> None:
    world = World()
    world.upload(b"", key="empty.jpg")
    body = world.queues["resize"].pop().body
    world.dead.append(("resize", Delivery("late", body, {}, 0, 0)))
    world.kill_once = f"rescue: {moment}"
    world.run()
    assert world.killed == [f"rescue: {moment}"]
    assert world.outcomes() == ["failed"]
    assert len(world.left("dead-letters/")) == 1


def test_a_message_nobody_understands_is_kept_and_changes_nothing_else() -> None:
    world = World()
    world.send("analyze", "this is not JSON")
    world.send("analyze", json.dumps({"type": "image.enlarged.v9", "data": {}}))
    image = world.upload(CAT)
    world.run()
    kept = world.left("dead-letters/analyze/")
    reasons = [json.loads(world.processed.find(key).body)["reason"] for key in kept]
    assert sorted(reasons) == ["unknown-type", "unreadable"]
    assert world.outcomes() == ["completed"]
    assert world.left("renditions/") == [k for k in everything_of(image) if "renditions" in k]


def test_a_report_after_the_end_changes_nothing_and_is_answered_with_what_is_on_record() -> None:
    world = World()
    world.upload(CAT)
    world.run()
    resized = next(e for e in world.published if e.type == "image.resized.v1")
    world.send("store", late_report(resized))
    world.run()
    outcomes = [e for e in world.published if e.type.startswith("image.completed")]
    assert world.outcomes() == ["completed"]
    assert len(outcomes) == 2
    assert len({e.id for e in outcomes}) == 1


def late_report(cause: Envelope) -> str:
    report = report_on(cause.data, "analyze", GiveUp("worker-died", "late", Fault.INTERNAL))
    return cause.caused(report, "darkroom/rescue", 0, datetime.now(UTC)).to_json()


def test_a_report_that_comes_first_is_the_record() -> None:
    world = World()
    world.upload(CAT)
    notification = world.queues["resize"].pop().body
    world.dead.append(("resize", Delivery("late", notification, {}, 0, 0)))
    world.run()
    assert world.outcomes() == ["failed"]
    world.send("resize", notification)  # and now the message itself, very late
    world.run()
    assert world.outcomes() == ["failed"]
    assert world.left("renditions/") == []
