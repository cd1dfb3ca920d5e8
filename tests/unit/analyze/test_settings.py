"""The settings of analyze, and the errors for bad values."""

import pytest

from services.analyze.handler import analyzers
from services.analyze.logic import AnalysisRequest, Analyzer, Detection, Thresholds
from services.analyze.settings import AnalyzeSettings
from shared.config import Misconfigured
from tests.unit.shared.test_config import COMPLETE

ENOUGH = COMPLETE | {"PROCESSED_BUCKET": "processed"}


def read(**variables: str) -> AnalyzeSettings:
    return AnalyzeSettings.read(ENOUGH | variables)


def test_every_detection_of_rekognition_is_requested_by_default() -> None:
    rekognitions = (Detection.LABELS, Detection.FACES, Detection.TEXT, Detection.MODERATION)
    assert read().request == AnalysisRequest("rekognition", rekognitions, Thresholds())
    assert read().reuse


@pytest.mark.parametrize("names", ["labels text", "labels,text", " labels ,  text "])
def test_detections_are_separated_by_spaces_or_commas(names: str) -> None:
    assert read(DETECT=names).detect == (Detection.LABELS, Detection.TEXT)


def test_a_detection_named_twice_is_requested_once() -> None:
    assert read(DETECT="labels text labels").detect == (Detection.LABELS, Detection.TEXT)


def test_an_empty_list_disables_every_detection() -> None:
    assert read(DETECT="").detect == ()


def test_each_threshold_can_be_set() -> None:
    names = ("LABELS", "FACES", "TEXT", "MODERATION")
    settings = read(
        MAX_LABELS="3", **{f"MIN_CONFIDENCE_{n}": f"{m}.5" for m, n in enumerate(names)}
    )
    assert settings.request.thresholds == Thresholds(3, 0.5, 1.5, 2.5, 3.5)


@pytest.mark.parametrize(("value", "on"), [("true", True), ("false", False), ("0", False)])
def test_reuse_can_be_disabled(value: str, on: bool) -> None:
    assert read(REUSE=value).reuse is on


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


def test_every_analyzer_that_can_be_named_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert analyzers("processed").keys() == set(Analyzer)
