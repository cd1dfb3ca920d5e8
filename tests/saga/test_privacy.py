"""The log says which image and why, and nothing that came from outside.

A picture with a text, a face, a camera and an owner goes through all services, in memory, while
every call fails in every way once, with errors among them that quote what they stumbled over. All
its words are canaries: none may be on any line that is logged, by whomever.
"""

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from services.analyze.logic import Detection, Thresholds
from services.reap.bookmark import KEY, Bookmark
from services.store.logic import Policy
from shared.contracts.envelope import Envelope
from shared.contracts.images import ImageAnalyzed, ImageResized
from shared.errors import PermanentError, Throttled, TransientError
from tests.captured_logs import LoggedSaga, captured_logs
from tests.contract.samples import CAT, RESIZED, THIRD
from tests.fakes import MemoryObjects
from tests.lab.simulator import scripted
from tests.pictures import encoded, exif, photo
from tests.unit.api.conftest import Api
from tests.unit.reap.conftest import Bench as ReapBench

CANARY = "canary"
"""In every word of the picture, its key, its owner, and of every error."""
OWNER, KEY_OF = "owner-canary@example.org", "canary/jane.canary@example.org.jpg"
CAMERA, WORD, EMOTION = "Canary", "text-canary", "HAPPY-canary"
SEEN = {
    Detection.LABELS: {"Labels": [{"Name": "Label-canary", "Confidence": 99.0}]},
    Detection.FACES: {
        "FaceDetails": [{"Confidence": 99.9, "Emotions": [{"Type": EMOTION, "Confidence": 99.0}]}]
    },
    Detection.TEXT: {
        "TextDetections": [{"DetectedText": WORD, "Type": "LINE", "Confidence": 99.0}]
    },
    Detection.MODERATION: {"ModerationLabels": [{"Name": "Flag-canary", "Confidence": 99.0}]},
    Detection.EMBEDDING: {"embedding": [0.5, -0.5] * 128, "modelId": "some"},
}
PICTURE = encoded(
    photo(120, 80), "JPEG", exif=exif(make=CAMERA, model=CAMERA, at="2026:11:21 10:00:00")
)


class Number(BaseModel):
    """What cannot be read as one is quoted by pydantic."""

    number: int


def quoting() -> Exception:
    """An error as pydantic raises it, with what it was given."""
    try:
        Number.model_validate({"number": WORD})
    except ValidationError as error:
        return error
    raise AssertionError


FAILURES: dict[str, Callable[[], Exception]] = {
    "quoting": quoting,
    "foreign": lambda: KeyError(WORD),
    "permanent": lambda: PermanentError("refused", f"no {WORD}", key=KEY_OF, owner=OWNER),
    "transient": lambda: TransientError("unavailable", f"no {WORD}", key=KEY_OF, owner=OWNER),
    "throttled": lambda: Throttled("throttled", f"no {WORD}", key=KEY_OF, owner=OWNER),
}


class Breaking(LoggedSaga):
    """A saga one of whose calls fails, once."""

    def __init__(self, at: str = "", error: Exception | None = None) -> None:
        self.breaks_at, self.error = at, error
        super().__init__()
        self.recognizer.ask = self.ask  # type: ignore[method-assign]

    def ask(self, detection: Detection, _key: str, _thresholds: Thresholds) -> dict[str, Any]:
        return SEEN[detection]

    def moment(self, what: str) -> None:
        super().moment(what)
        if self.moments[-1] == self.breaks_at and self.error:
            error, self.error = self.error, None
            self.fail(error)


@pytest.fixture(autouse=True)
def everything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(scripted.DETECT, Policy.FLAG, tuple(Detection))


@contextmanager
def logged(level: str = "INFO") -> Iterator[io.StringIO]:
    """All that is printed and logged, ours and everyone's."""
    root, handler = logging.getLogger(), logging.StreamHandler(others := io.StringIO())
    before = root.level
    root.addHandler(handler)
    root.setLevel(level)
    try:
        with captured_logs("api", level=level) as out:
            yield out
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
    out.write(others.getvalue())


def go_through(saga: Breaking, picture: bytes = PICTURE) -> Breaking:
    saga.upload(picture, KEY_OF, owner=OWNER)
    saga.run()
    return saga


def moments() -> list[str]:
    """Every call of every service that a picture leads to, on its way to either end."""
    found = dict.fromkeys(go_through(Breaking()).moments)
    for at in ("analyze: before recognizer.ask", "analyze: before ledger.claim"):
        found |= dict.fromkeys(go_through(Breaking(at, FAILURES["permanent"]())).moments)
    return list(found)


def test_the_canaries_reach_the_record_and_the_notification() -> None:
    with logged() as out:
        saga = go_through(Breaking())
    said = json.loads(saga.notifications.sent[0].data)
    (record,) = saga.records.records.values()
    assert (said["owner"], said["text"], said["source"]["key"]) == (OWNER, [WORD], KEY_OF)
    assert record.current.resized
    assert CAMERA in str(record.current.resized.captured.camera)
    assert said["moderation"]["names"] == ["Flag-canary"]
    assert out.getvalue().count('"outcome":"done"') == 5


@pytest.mark.parametrize("kind", FAILURES)
def test_no_log_line_quotes_content_whichever_call_fails(kind: str) -> None:
    everywhere = moments()
    assert len(everywhere) > 60
    for at in everywhere:
        with logged() as out:
            go_through(Breaking(at, FAILURES[kind]()))
        assert CANARY not in out.getvalue().lower(), at


def test_a_file_that_is_no_image_is_not_quoted() -> None:
    with logged() as out:
        saga = go_through(Breaking(), CANARY.encode() * 9)
    assert saga.outcomes() == ["failed"]
    assert CANARY not in out.getvalue().lower()


def broken_messages() -> Iterator[str]:
    """Messages that cannot be read, each with something that must not be logged."""
    yield CANARY
    yield json.dumps({"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": KEY_OF}}}]})
    for change in (
        {"text": {WORD: WORD}},
        {"labels": [{"name": WORD, "confidence": WORD}]},
        {"faces": WORD},
        {"owner": {OWNER: OWNER}},
        {"source": {"key": KEY_OF}},
    ):
        said = json.loads(THIRD.to_json())
        yield json.dumps({**said, "data": said["data"] | change})
    yield json.dumps({**json.loads(THIRD.to_json()), "subject": WORD})
    yield json.dumps({**json.loads(THIRD.to_json()), "id": WORD})


@pytest.mark.parametrize("service", ["resize", "analyze", "store", "notify"])
def test_an_unreadable_message_is_dead_lettered_and_rescued_without_quotes(service: str) -> None:
    for body in broken_messages():
        saga = Breaking()
        with logged() as out:
            saga.post(service, body)
            saga.run()
        assert len(saga.left("dead-letters/")) == 1
        assert CANARY not in out.getvalue().lower(), body


def test_an_analysis_that_cannot_be_read_is_not_quoted() -> None:
    saga = Breaking()
    asked = RESIZED.model_copy(update={"owner": OWNER})
    key = f"analyses/{asked.image}/{asked.run}/analysis.json"
    saga.processed.put(key, json.dumps({"answers": WORD}).encode(), "application/json")
    with logged() as out:
        saga.post("analyze", Envelope.first(asked, "darkroom/resize", saga.at()).to_json())
        saga.run()
    assert CANARY not in out.getvalue().lower()


def test_the_sweeper_logs_no_key_and_no_bookmark() -> None:
    bench = ReapBench()
    bench.upload(KEY_OF)
    bench.store(ImageResized.model_validate(RESIZED.model_dump() | {"owner": OWNER}))
    kept = MemoryObjects()
    kept.put(KEY, json.dumps({"part": WORD}).encode(), "application/json")
    with logged() as out:
        assert bench.steps.reap(Bookmark(kept), lambda: True) == {"stuck": 1, "lost": 1}
    assert out.getvalue().count("reaped") == 2
    assert CANARY not in out.getvalue().lower()


class BrokenTables:
    """Tables whose every answer is an error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        def refuse(*_: Any, **__: Any) -> None:
            raise self._error

        return refuse


@pytest.mark.parametrize("kind", FAILURES)
def test_the_api_logs_no_request_and_no_error_in_its_own_words(kind: str) -> None:
    api = Api(tables=BrokenTables(FAILURES[kind]()))  # type: ignore[arg-type]
    with logged() as out:
        status, _ = api.request("GET", "/results", query={"label": WORD, "owner": OWNER})
        api.request("GET", f"/results/{CAT}", headers={"authorization": WORD})
        api.request("POST", "/upload-url", json.dumps({"fileName": KEY_OF, "fileType": WORD}))
    assert status in {500, 503}
    assert "request failed" in out.getvalue()
    assert CANARY not in out.getvalue().lower()


def test_level_debug_logs_content() -> None:
    """So what is looked for above would be found."""
    with logged("DEBUG") as out:
        go_through(Breaking("analyze: before recognizer.ask", FAILURES["foreign"]()))
        go_through(Breaking("analyze: before recognizer.ask", FAILURES["permanent"]()))
    assert out.getvalue().count(WORD) >= 2


@pytest.mark.parametrize("model", [ImageAnalyzed, ImageResized, Envelope])
def test_what_does_not_fit_a_contract_is_not_quoted_by_its_error(model: Any) -> None:
    """Whoever lets it pass hands it to Lambda, which logs what an error says."""
    with pytest.raises(ValidationError) as error:
        model.model_validate({"image": WORD, "text": {WORD: WORD}, "faces": WORD, "id": {WORD: 1}})
    assert CANARY not in str(error.value)


def test_the_record_of_a_failed_run_has_the_detail_for_operators() -> None:
    """What the log leaves out is in the record, and so in `infra trace`."""
    saga = go_through(Breaking("analyze: before recognizer.ask", FAILURES["permanent"]()))
    (record,) = saga.records.records.values()
    assert record.current.failure
    assert record.current.failure.detail == f"no {WORD}"
