"""Analyses are bought once, kept, and thrown away with their run."""

from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from services.analyze.documents import Documents
from services.analyze.logic import Detection, Thresholds
from shared.contracts.analysis import Analysis
from shared.contracts.images import Moderation
from shared.errors import Fault, Overtaken, PermanentError, Throttled, TransientError
from tests.contract.samples import AT, CAT, EMBEDDING, FAILED, RESIZED, TITAN
from tests.fakes import MemoryObjects
from tests.unit.analyze.bench import ALL, ANSWERS, THRESHOLDS, Bench, Recognizer

DOCUMENT = f"analyses/{CAT}/0/analysis.json"
GENEROUS = 30.0
"""s. Calls that really run side by side meet within milliseconds."""


def test_the_event_says_what_matters_of_the_answers() -> None:
    told = Bench().analyze()
    assert (told.image, told.run, told.source, told.owner) == (CAT, 0, RESIZED.source, "ada")
    assert [(label.name, label.confidence) for label in told.labels] == [("Cat", 98.7)]
    assert (told.faces, told.text) == (1, ("OPEN",))
    assert told.moderation == Moderation(flagged=True, names=("Smoking",))
    assert (told.document, told.analyzer) == (DOCUMENT, "rekognition")
    assert told.embedding == EMBEDDING
    assert told.thresholds == {
        "max_labels": 5.0,
        **dict.fromkeys(("labels", "faces", "text", "moderation"), 70.0),
    }
    assert (told.models, told.analyzed_at) == ({"labels": "3.0", "embedding": TITAN}, AT)


def test_the_document_keeps_the_answers_in_full_and_how_they_came_about() -> None:
    bench = Bench()
    told = bench.analyze()
    kept = Analysis.model_validate(bench.kept())
    assert (kept.image, kept.run, kept.owner) == (CAT, 0, "ada")
    assert (kept.source, kept.picture) == (RESIZED.source, RESIZED.analysis)
    assert (kept.analyzer, kept.models, kept.analyzed_at) == ("rekognition", told.models, AT)
    assert kept.thresholds == told.thresholds
    assert kept.answers == ANSWERS


def test_the_picture_asked_about_is_the_one_made_for_it() -> None:
    bench = Bench()
    bench.analyze()
    assert {(key, sure) for _, key, sure in bench.recognizer.asked} == {
        (RESIZED.analysis.key, THRESHOLDS)
    }


def test_all_calls_run_side_by_side() -> None:
    together = Barrier(len(ALL))

    class Meeting(Recognizer):
        def ask(self, detection: Detection, key: str, thresholds: Thresholds) -> Any:
            together.wait(GENEROUS)  # breaks unless all of them are there at once
            return super().ask(detection, key, thresholds)

    assert Bench(Meeting()).analyze().faces == 1


def test_what_is_switched_off_is_not_asked_and_is_none() -> None:
    bench = Bench(detect=[Detection.LABELS])
    told = bench.analyze()
    assert bench.recognizer.detections() == {Detection.LABELS}
    assert (told.faces, told.text, told.moderation) == (None, None, None)
    assert bench.kept()["thresholds"] == told.thresholds == {"max_labels": 5.0, "labels": 70.0}


def test_with_everything_switched_off_the_document_that_is_told_of_exists() -> None:
    bench = Bench(detect=[])
    assert bench.analyze().document == DOCUMENT
    assert bench.kept()["answers"] == {}


def test_stored_answers_are_not_paid_for_again() -> None:
    bench = Bench()
    first = bench.analyze()
    bench.recognizer.asked.clear()
    assert bench.analyze() == first
    assert bench.recognizer.asked == []


def test_answers_are_stored_even_if_another_call_fails() -> None:
    bench = Bench(faces=TransientError("unavailable", "down"))
    with pytest.raises(TransientError):
        bench.analyze()
    assert set(bench.kept()["answers"]) == set(ALL) - {Detection.FACES}


def test_only_missing_detections_are_requested_again() -> None:
    bench = Bench(faces=TransientError("unavailable", "down"))
    with pytest.raises(TransientError):
        bench.analyze()
    bench = Bench(beside=bench)
    assert bench.analyze().faces == 1
    assert bench.recognizer.detections() == {Detection.FACES}
    assert bench.kept()["answers"] == ANSWERS


def test_what_is_switched_off_meanwhile_is_thrown_away_and_the_rest_is_not_asked_again() -> None:
    before = Bench()
    before.analyze()
    bench = Bench(detect=[Detection.LABELS, Detection.TEXT], beside=before)
    assert bench.analyze().faces is None
    assert bench.recognizer.asked == []
    assert bench.kept()["answers"].keys() == {"labels", "text"}


def test_an_answer_is_kept_with_the_threshold_that_it_was_asked_with() -> None:
    before = Bench(faces=TransientError("unavailable", "down"))
    with pytest.raises(TransientError):
        before.analyze()
    told = Bench(beside=before, thresholds=replace(THRESHOLDS, labels=1, faces=2)).analyze()
    assert (told.thresholds["labels"], told.thresholds["faces"]) == (70.0, 2.0)


def test_an_unreadable_document_is_replaced() -> None:
    bench = Bench()
    bench.processed.put(DOCUMENT, b"{}", "application/json")
    assert bench.analyze().faces == 1
    assert bench.kept()["answers"] == ANSWERS


def test_answers_of_a_concurrent_worker_are_not_overwritten() -> None:
    other = Bench()

    class Late(Recognizer):
        def ask(self, detection: Detection, key: str, thresholds: Thresholds) -> Any:
            if detection is Detection.FACES:
                other.analyze()
            return super().ask(detection, key, thresholds)

    late = Bench(Late(faces=TransientError("unavailable", "down")), beside=other)
    with pytest.raises(TransientError, match="down"):
        late.analyze()
    assert other.kept()["answers"] == ANSWERS


def test_a_contended_document_is_retried_later() -> None:
    class Busy(MemoryObjects):
        def replace(self, *_: Any) -> bool:
            return False

    bench = Bench()
    bench.steps = replace(bench.steps, documents=Documents(Busy()))
    with pytest.raises(TransientError, match="contended"):
        bench.analyze()


def test_without_answers_nothing_is_stored() -> None:
    bench = Bench(detect=[Detection.LABELS], labels=Throttled("throttled", "slow down"))
    with pytest.raises(Throttled):
        bench.analyze()
    assert bench.left() == []


@pytest.mark.parametrize("permanent", ALL)
def test_of_several_failures_the_permanent_one_is_raised(permanent: Detection) -> None:
    down = TransientError("unavailable", "down")
    refusals: dict[str, Exception] = dict.fromkeys(map(str, ALL), down)
    refusals[permanent] = PermanentError("unreadable-picture", "no", fault=Fault.INTERNAL)
    with pytest.raises(PermanentError):
        Bench(**refusals).analyze()


def test_nothing_is_paid_for_after_the_lease_expired() -> None:
    bench = Bench()

    def over() -> None:
        raise Overtaken("overtaken", "late")

    with pytest.raises(Overtaken):
        bench.analyze(ensure_lease=over)
    assert bench.recognizer.asked == []


def test_the_lease_is_checked_only_before_paid_calls() -> None:
    bench = Bench()
    bench.analyze()
    bench.analyze()
    assert bench.confirmed == 1


def test_compensating_a_run_leaves_the_others() -> None:
    bench = Bench()
    bench.analyze()
    bench.processed.put(f"analyses/{CAT}/10/analysis.json", b"{}", "application/json")
    bench.steps.compensate(FAILED.model_copy(update={"image": CAT, "run": 0}))
    assert bench.left() == [f"analyses/{CAT}/10/analysis.json"]


def test_compensation_is_idempotent() -> None:
    bench = Bench()
    bench.steps.compensate(RESIZED)
    bench.analyze()
    bench.steps.compensate(RESIZED)
    bench.steps.compensate(RESIZED)
    assert bench.left() == []
