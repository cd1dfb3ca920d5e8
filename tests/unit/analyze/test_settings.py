"""What can be set about analyze, and what is said of a bad value."""

import pytest

from services.analyze.handler import analyzers
from services.analyze.logic import Analyzer, Detection, Question, Thresholds
from services.analyze.settings import AnalyzeSettings
from shared.config import Misconfigured
from tests.unit.shared.test_config import COMPLETE

ENOUGH = COMPLETE | {"PROCESSED_BUCKET": "processed"}


def read(**variables: str) -> AnalyzeSettings:
    return AnalyzeSettings.read(ENOUGH | variables)


def test_all_of_rekognition_is_asked_unless_something_is_said() -> None:
    rekognitions = (Detection.LABELS, Detection.FACES, Detection.TEXT, Detection.MODERATION)
    assert read().question == Question("rekognition", rekognitions, Thresholds())
    assert read().reuse


@pytest.mark.parametrize("words", ["labels text", "labels,text", " labels ,  text "])
def test_detections_are_words_between_spaces_or_commas(words: str) -> None:
    assert read(DETECT=words).detect == (Detection.LABELS, Detection.TEXT)


def test_a_detection_named_twice_is_asked_once() -> None:
    assert read(DETECT="labels text labels").detect == (Detection.LABELS, Detection.TEXT)


def test_no_word_at_all_switches_everything_off() -> None:
    assert read(DETECT="").detect == ()


def test_each_threshold_can_be_set() -> None:
    names = ("LABELS", "FACES", "TEXT", "MODERATION")
    set_so = read(MAX_LABELS="3", **{f"MIN_CONFIDENCE_{n}": f"{m}.5" for m, n in enumerate(names)})
    assert set_so.question.thresholds == Thresholds(3, 0.5, 1.5, 2.5, 3.5)


@pytest.mark.parametrize(("word", "on"), [("true", True), ("false", False), ("0", False)])
def test_reuse_can_be_switched_off(word: str, on: bool) -> None:
    assert read(REUSE=word).reuse is on


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DETECT", "labels smells"),
        ("MAX_LABELS", "0"),
        ("MAX_LABELS", "many"),
        ("MIN_CONFIDENCE_LABELS", "100.1"),
        ("MIN_CONFIDENCE_FACES", "-1"),
        ("MIN_CONFIDENCE_TEXT", "nan"),
        ("MIN_CONFIDENCE_MODERATION", "rather"),
        ("ANALYZER", "tarot"),
        ("REUSE", "sometimes"),
    ],
)
def test_a_bad_value_is_named(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=f"^{name}: "):
        read(**{name: value})


def test_a_missing_bucket_is_named() -> None:
    with pytest.raises(Misconfigured, match=r"^PROCESSED_BUCKET: Field required$"):
        AnalyzeSettings.read(COMPLETE)


def test_whoever_can_be_named_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert analyzers("processed").keys() == set(Analyzer)
