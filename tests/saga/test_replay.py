"""Replay and deletion, in memory: a new run supersedes the old, a deleted image stays deleted."""

import io
import json

import pytest
from PIL import Image

from services.analyze.logic import Detection
from services.resize.logic import Format, Spec
from services.resize.pictures.values import Fill
from services.store.logic import Policy, outcome
from shared.contracts.envelope import Envelope, Event
from shared.contracts.images import DeleteRequested, ReplayRequested, Request
from shared.contracts.record import RunStatus
from shared.errors import Fault, PermanentError
from tests.lab.simulator import scripted, wiring
from tests.lab.simulator.scripted import ScriptedSaga
from tests.lab.simulator.simulation import Action


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 12), (200, 120, 40)).save(buffer, "JPEG")
    return buffer.getvalue()


CAT = picture()


def ask(saga: ScriptedSaga, event: Event) -> None:
    saga.post("store", Envelope.first(event, "darkroom/tests", saga.at()).to_json())


def finished(*failures: Exception) -> tuple[ScriptedSaga, str]:
    saga = ScriptedSaga()
    image = saga.upload(CAT)
    saga.recognizer.failures = list(failures)
    saga.run()
    return saga, image


def test_a_failed_image_can_be_replayed_from_its_original() -> None:
    saga, image = finished(PermanentError("unreadable-picture", "no", fault=Fault.INTERNAL))
    ask(saga, ReplayRequested(image=image, run=0))
    saga.run()
    assert saga.outcomes() == ["failed", "completed"]
    assert {key.split("/")[2] for key in saga.left("renditions/")} == {"1"}


def test_the_published_run_stays_until_the_new_run_completes() -> None:
    saga, image = finished()
    saga.recognizer.failures = [PermanentError("unreadable-picture", "no", fault=Fault.INTERNAL)]
    ask(saga, ReplayRequested(image=image, run=0))
    saga.run()
    assert saga.outcomes() == ["completed", "failed"]
    assert {key.split("/")[2] for key in saga.left("renditions/")} == {"0"}
    assert saga.left("results/")


def test_a_superseded_run_is_compensated() -> None:
    saga, image = finished()
    ask(saga, ReplayRequested(image=image, run=0))
    saga.run()
    assert saga.outcomes() == ["completed", "completed"]
    assert {key.split("/")[2] for key in saga.left("renditions/")} == {"1"}
    assert {key.split("/")[2] for key in saga.left("analyses/")} == {"1"}
    assert saga.records.status(image, 0) is RunStatus.SUPERSEDED


def test_the_same_request_twice_is_one_run() -> None:
    saga, image = finished()
    for _ in range(3):
        ask(saga, ReplayRequested(image=image, run=0))
    saga.run()
    assert saga.records.read(image).run == 1
    assert saga.outcomes() == ["completed", "completed"]


def test_a_request_that_names_another_run_is_refused() -> None:
    saga, image = finished()
    ask(saga, ReplayRequested(image=image, run=5))
    saga.run()
    assert saga.records.read(image).run == 0


@pytest.mark.parametrize(("force", "run"), [(False, 0), (True, 1)])
def test_a_running_image_is_replayed_by_force_only(force: bool, run: int) -> None:
    saga = ScriptedSaga()
    image = saga.upload(CAT)
    saga.kill_always = "analyze: before recognizer.ask"
    saga.run_for(60)
    ask(saga, ReplayRequested(image=image, run=0, force=force))
    saga.kill_always = ""
    saga.run()
    assert saga.records.read(image).run == run
    assert saga.outcomes()[-1] == "completed"
    assert {key.split("/")[2] for key in saga.left("renditions/")} == {str(run)}


def test_a_forced_replay_ends_the_open_run_at_once() -> None:
    saga = ScriptedSaga()
    image = saga.upload(CAT)
    saga.kill_always = "analyze: before recognizer.ask"
    saga.run_for(60)
    ask(saga, ReplayRequested(image=image, run=0, force=True))
    saga.run_for(1)
    assert saga.records.status(image, 0) is RunStatus.FAILED
    assert saga.records.status(image, 1) is RunStatus.OPEN


@pytest.mark.parametrize("request_of", [ReplayRequested, DeleteRequested])
def test_a_request_a_month_later_repeats_no_notification(request_of: type[Request]) -> None:
    saga, image = finished()
    saga.do(Action("expire"))
    ask(saga, request_of(image=image, run=0))
    saga.run()
    notification = [json.loads(words.data)["id"] for words in saga.notifications.sent]
    assert len(notification) == len(set(notification)) == 2


def test_a_deleted_image_leaves_nothing_and_stays_deleted() -> None:
    saga, image = finished()
    ask(saga, DeleteRequested(image=image, run=0))
    saga.run()
    ask(saga, ReplayRequested(image=image, run=0))
    saga.run()
    assert saga.outcomes() == ["completed", "deleted"]
    assert saga.left() == []
    assert list(saga.uploads.keys("")) == []
    assert saga.records.status(image, 0) is RunStatus.DELETED


def test_the_outcome_of_a_superseded_run_stays_complete() -> None:
    saga, image = finished()
    before = outcome(saga.records.read(image), 0)
    ask(saga, ReplayRequested(image=image, run=0))
    saga.run()
    assert outcome(saga.records.read(image), 0) == before


def test_an_outcome_does_not_change_when_a_later_run_finds_the_owner() -> None:
    saga = ScriptedSaga()
    image = saga.upload(CAT, owner="ada")
    saga.kill_always = "resize: before uploads.get"
    saga.run()
    before = outcome(saga.records.read(image), 0)
    saga.kill_always = ""
    ask(saga, ReplayRequested(image=image, run=0))
    saga.run()
    assert (before.owner, outcome(saga.records.read(image), 1).owner) == (None, "ada")
    assert outcome(saga.records.read(image), 0) == before


def test_the_crop_of_a_replay_shows_the_face_that_the_first_run_has_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Attention finds the red half; the recognizer finds a face in the grey half."""
    crop = Spec("crop", 8, Format.PNG, fill=Fill.COVER)
    monkeypatch.setattr(wiring, "SPECS", (crop,))
    monkeypatch.setitem(scripted.DETECT, Policy.FLAG, (Detection.FACES,))
    box = {"Left": 0.7, "Top": 0.2, "Width": 0.2, "Height": 0.6}
    faces = {"FaceDetails": [{"Confidence": 99.0, "BoundingBox": box}]}
    saga = ScriptedSaga()
    monkeypatch.setattr(saga.recognizer, "ask", lambda *_: faces)
    image = saga.upload(half_red())
    saga.run()
    assert colour_of_crop(saga) == (255, 0, 0)
    ask(saga, ReplayRequested(image=image, run=0))
    saga.run()
    assert saga.outcomes() == ["completed", "completed"]
    assert colour_of_crop(saga) == (90, 90, 90)


def half_red() -> bytes:
    """A picture whose left half is red and whose right half is grey."""
    buffer = io.BytesIO()
    original = Image.new("RGB", (64, 16), (90, 90, 90))
    original.paste((255, 0, 0), (0, 0, 32, 16))
    original.save(buffer, "PNG")
    return buffer.getvalue()


def colour_of_crop(saga: ScriptedSaga) -> object:
    """The colour at the centre of the only crop that is left."""
    (key,) = (key for key in saga.left("renditions/") if "/crop." in key)
    crop = Image.open(io.BytesIO(saga.processed.get(key).body))
    assert crop.size == (8, 8)
    return crop.convert("RGB").getpixel((4, 4))
