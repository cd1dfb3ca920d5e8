"""An analysis is paid for once, stored, and deleted when its run is compensated."""

from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from services.analyze.documents import Documents
from services.analyze.logic import Detection, Thresholds
from shared.contracts.analysis import Analysis
from shared.contracts.images import FocalPoint, Moderation
from shared.errors import Fault, Overtaken, PermanentError, Throttled, TransientError
from tests.contract.samples import AT, CAT, EMBEDDING, FAILED, RESIZED, TITAN
from tests.fakes import MemoryObjects
from tests.unit.analyze.bench import ALL, ANSWERS, THRESHOLDS, Bench, Recognizer

DOCUMENT = f"analyses/{CAT}/0/analysis.json"
MEETING_TIMEOUT = 30.0
"""Seconds. Calls that run in parallel meet within milliseconds."""


def test_the_event_has_the_summary_of_the_answers() -> None:
    analyzed = Bench().analyze()
    assert (analyzed.image, analyzed.run, analyzed.source, analyzed.owner) == (
        CAT,
        0,
        RESIZED.source,
        "ada",
    )
    assert [(label.name, label.confidence) for label in analyzed.labels] == [("Cat", 98.7)]
    assert (analyzed.faces, analyzed.text) == (1, ("OPEN",))
    assert analyzed.largest_face == FocalPoint(x=0.5, y=0.625)
    assert analyzed.moderation == Moderation(flagged=True, names=("Smoking",))
    assert (analyzed.document, analyzed.analyzer) == (DOCUMENT, "rekognition")
    assert analyzed.embedding == EMBEDDING
    assert analyzed.thresholds == {
        "max_labels": 5.0,
        **dict.fromkeys(("labels", "faces", "text", "moderation"), 70.0),
    }
    assert (analyzed.models, analyzed.analyzed_at) == ({"labels": "3.0", "embedding": TITAN}, AT)


def test_the_document_has_the_full_answers_models_and_thresholds() -> None:
    bench = Bench()
    analyzed = bench.analyze()
    document = Analysis.model_validate(bench.document())
    assert (document.image, document.run, document.owner) == (CAT, 0, "ada")
    assert (document.source, document.picture) == (RESIZED.source, RESIZED.analysis)
    assert (document.analyzer, document.models, document.analyzed_at) == (
        "rekognition",
        analyzed.models,
        AT,
    )
    assert document.thresholds == analyzed.thresholds
    assert document.answers == ANSWERS


def test_the_analysis_picture_is_sent_to_the_recognizer() -> None:
    bench = Bench()
    bench.analyze()
    assert {(key, thresholds) for _, key, thresholds in bench.recognizer.asked} == {
        (RESIZED.analysis.key, THRESHOLDS)
    }


def test_all_calls_run_in_parallel() -> None:
    barrier = Barrier(len(ALL))

    class Meeting(Recognizer):
        def ask(self, detection: Detection, key: str, thresholds: Thresholds) -> Any:
            barrier.wait(MEETING_TIMEOUT)  # raises unless all calls run at once
            return super().ask(detection, key, thresholds)

    assert Bench(Meeting()).analyze().faces == 1


def test_a_disabled_detection_is_not_requested_and_is_none() -> None:
    bench = Bench(detect=[Detection.LABELS])
    analyzed = bench.analyze()
    assert bench.recognizer.detections() == {Detection.LABELS}
    assert (analyzed.faces, analyzed.text, analyzed.moderation) == (None, None, None)
    assert analyzed.largest_face is None
    assert (
        bench.document()["thresholds"] == analyzed.thresholds == {"max_labels": 5.0, "labels": 70.0}
    )


def test_with_every_detection_disabled_the_published_document_exists() -> None:
    bench = Bench(detect=[])
    assert bench.analyze().document == DOCUMENT
    assert bench.document()["answers"] == {}


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
    assert set(bench.document()["answers"]) == set(ALL) - {Detection.FACES}


def test_only_missing_detections_are_requested_again() -> None:
    bench = Bench(faces=TransientError("unavailable", "down"))
    with pytest.raises(TransientError):
        bench.analyze()
    bench = Bench(shares=bench)
    assert bench.analyze().faces == 1
    assert bench.recognizer.detections() == {Detection.FACES}
    assert bench.document()["answers"] == ANSWERS


def test_answers_of_disabled_detections_are_removed_without_new_calls() -> None:
    before = Bench()
    before.analyze()
    bench = Bench(detect=[Detection.LABELS, Detection.TEXT], shares=before)
    assert bench.analyze().faces is None
    assert bench.recognizer.asked == []
    assert bench.document()["answers"].keys() == {"labels", "text"}


def test_a_stored_answer_has_the_threshold_of_its_request() -> None:
    before = Bench(faces=TransientError("unavailable", "down"))
    with pytest.raises(TransientError):
        before.analyze()
    analyzed = Bench(shares=before, thresholds=replace(THRESHOLDS, labels=1, faces=2)).analyze()
    assert (analyzed.thresholds["labels"], analyzed.thresholds["faces"]) == (70.0, 2.0)


def test_an_unreadable_document_is_replaced() -> None:
    bench = Bench()
    bench.processed.put(DOCUMENT, b"{}", "application/json")
    assert bench.analyze().faces == 1
    assert bench.document()["answers"] == ANSWERS


def test_answers_of_a_concurrent_worker_are_not_overwritten() -> None:
    other = Bench()

    class Late(Recognizer):
        def ask(self, detection: Detection, key: str, thresholds: Thresholds) -> Any:
            if detection is Detection.FACES:
                other.analyze()
            return super().ask(detection, key, thresholds)

    late = Bench(Late(faces=TransientError("unavailable", "down")), shares=other)
    with pytest.raises(TransientError, match="down"):
        late.analyze()
    assert other.document()["answers"] == ANSWERS


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
    assert bench.stored_keys() == []


@pytest.mark.parametrize("permanent", ALL)
def test_of_several_failures_the_permanent_one_is_raised(permanent: Detection) -> None:
    down = TransientError("unavailable", "down")
    refusals: dict[str, Exception] = dict.fromkeys(map(str, ALL), down)
    refusals[permanent] = PermanentError("unreadable-picture", "no", fault=Fault.INTERNAL)
    with pytest.raises(PermanentError):
        Bench(**refusals).analyze()


def test_nothing_is_paid_for_after_the_lease_expired() -> None:
    bench = Bench()

    def expired() -> None:
        raise Overtaken("overtaken", "late")

    with pytest.raises(Overtaken):
        bench.analyze(ensure_lease=expired)
    assert bench.recognizer.asked == []


def test_the_lease_is_checked_only_before_paid_calls() -> None:
    bench = Bench()
    bench.analyze()
    bench.analyze()
    assert bench.lease_checks == 1


def test_compensating_a_run_leaves_the_others() -> None:
    bench = Bench()
    bench.analyze()
    bench.processed.put(f"analyses/{CAT}/10/analysis.json", b"{}", "application/json")
    bench.steps.compensate(FAILED.model_copy(update={"image": CAT, "run": 0}))
    assert bench.stored_keys() == [f"analyses/{CAT}/10/analysis.json"]


def test_compensation_is_idempotent() -> None:
    bench = Bench()
    bench.steps.compensate(RESIZED)
    bench.analyze()
    bench.steps.compensate(RESIZED)
    bench.steps.compensate(RESIZED)
    assert bench.stored_keys() == []
