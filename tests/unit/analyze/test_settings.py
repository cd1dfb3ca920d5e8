"""What can be set about analyze, and what is said of a bad value."""

import pytest

from services.analyze.logic import Detection, Thresholds
from services.analyze.settings import AnalyzeSettings
from shared.config import Misconfigured
from tests.unit.shared.test_config import COMPLETE

ENOUGH = COMPLETE | {"PROCESSED_BUCKET": "processed"}


def read(**variables: str) -> AnalyzeSettings:
    return AnalyzeSettings.read(ENOUGH | variables)


def test_all_is_asked_unless_something_is_said() -> None:
    assert read().detect == tuple(Detection)
    assert read().thresholds == Thresholds(max_labels=10, min_confidence=70.0)


@pytest.mark.parametrize("words", ["labels text", "labels,text", " labels ,  text "])
def test_detections_are_words_between_spaces_or_commas(words: str) -> None:
    assert read(DETECT=words).detect == (Detection.LABELS, Detection.TEXT)


def test_no_word_at_all_switches_everything_off() -> None:
    assert read(DETECT="").detect == ()


def test_thresholds_can_be_set() -> None:
    set_so = read(MAX_LABELS="3", MIN_CONFIDENCE="55.5")
    assert set_so.thresholds == Thresholds(max_labels=3, min_confidence=55.5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DETECT", "labels smells"),
        ("MAX_LABELS", "0"),
        ("MAX_LABELS", "many"),
        ("MIN_CONFIDENCE", "100.1"),
        ("MIN_CONFIDENCE", "-1"),
    ],
)
def test_a_bad_value_is_named(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=f"^{name}: "):
        read(**{name: value})


def test_the_bucket_has_to_be_said() -> None:
    with pytest.raises(Misconfigured, match=r"^PROCESSED_BUCKET: Field required$"):
        AnalyzeSettings.read(COMPLETE)
