"""The same content, asked the same way, is paid for once, and the index that knows only hints."""

import json
from dataclasses import replace
from typing import Any

import pytest

from services.analyze.logic import Detection
from services.analyze.reuse import entry
from shared.contracts.images import ImageDeleted, ImageFailed, ImageResized, Origin, ReplayRequested
from shared.errors import TransientError
from shared.objects import Objects
from tests.contract.samples import ANALYZED, CAT, DELETED, FAILED, RESIZED, SOURCE, TWIN
from tests.unit.analyze.bench import ALL, ANSWERS, THRESHOLDS, Bench, Recognizer

SAME = RESIZED.model_copy(
    update={
        "image": TWIN,
        "source": SOURCE.model_copy(update={"key": "copy of cat.jpg"}),
        "analysis": RESIZED.analysis.model_copy(update={"key": f"renditions/{TWIN}/0/a.jpeg"}),
    }
)
"""The same content once more, uploaded by the same owner."""


def analyzed(**how: Any) -> Bench:
    """A bench at which CAT was analysed, and whose record knows of it."""
    bench = Bench(**how)
    bench.store_hears()
    bench.analyze()
    return bench


def other(**changed: Any) -> ImageResized:
    return SAME.model_copy(update=changed)


def index(bench: Bench) -> list[str]:
    return bench.left("reuse/")


def test_the_same_content_is_not_paid_for_again() -> None:
    bench = Bench(beside=analyzed())
    told = bench.analyze(SAME)
    assert bench.recognizer.asked == []
    assert (told.faces, told.text) == (1, ("OPEN",))
    assert told.reused_from == Origin(image=CAT, run=0)


def test_a_reused_analysis_is_a_document_of_its_own_run() -> None:
    bench = analyzed()
    told = bench.analyze(SAME)
    kept = bench.kept(SAME)
    assert told.document == f"analyses/{TWIN}/0/analysis.json"
    assert (kept["image"], kept["source"]["key"]) == (TWIN, "copy of cat.jpg")
    assert kept["answers"] == ANSWERS
    assert kept["reused_from"] == {"image": CAT, "run": 0}


def test_a_resumed_run_that_reused_says_the_same_again() -> None:
    bench = analyzed()
    assert bench.analyze(SAME) == bench.analyze(SAME)


def test_another_owners_image_is_not_named() -> None:
    bench = analyzed()
    event = other(owner="grace")
    assert bench.analyze(event).reused_from == Origin()
    assert CAT not in json.dumps(bench.kept(event))


@pytest.mark.parametrize(
    "asked",
    [
        {"detect": [Detection.LABELS]},
        {"thresholds": replace(THRESHOLDS, labels=71)},
        {"thresholds": replace(THRESHOLDS, max_labels=6)},
    ],
)
def test_another_question_is_paid_for(asked: Any) -> None:
    bench = Bench(beside=analyzed(), **asked)
    assert bench.analyze(SAME).reused_from is None


@pytest.mark.parametrize(
    "changed",
    [
        {"source": SOURCE.model_copy(update={"sha256": "f" * 64})},
        {"source": SOURCE.model_copy(update={"sha256": None})},
        {"analysis": RESIZED.analysis.model_copy(update={"width": 1280})},
    ],
)
def test_other_content_or_another_picture_of_it_is_paid_for(changed: Any) -> None:
    bench = analyzed()
    assert bench.analyze(other(**changed)).reused_from is None


def test_an_outdated_model_is_not_reused() -> None:
    class Newer(Recognizer):
        def ask(self, detection: Detection, *asked: Any) -> Any:
            answer = super().ask(detection, *asked)
            return answer | {"LabelModelVersion": "4.0"} if "Labels" in answer else answer

    bench = Bench(Newer(), beside=analyzed())
    bench.analyze(other(source=SOURCE.model_copy(update={"sha256": "f" * 64})))
    told = bench.analyze(SAME)
    assert (told.reused_from, told.models["labels"]) == (None, "4.0")


def test_a_missing_document_means_paying_and_the_index_points_at_what_was_paid_for() -> None:
    bench = analyzed()
    bench.processed.delete(f"analyses/{CAT}/0/analysis.json")
    bench.store_hears(SAME)
    assert bench.analyze(SAME).reused_from is None
    third = other(image="0b54c1de-93a4-5f1e-a0c7-7d6be1f03a55")
    assert bench.analyze(third).reused_from == Origin(image=TWIN, run=0)


@pytest.mark.parametrize("broken", [b"", b"{}", b"[]", b'{"image": "x", "run": 0}'])
def test_an_unreadable_entry_is_ignored(broken: bytes) -> None:
    bench = analyzed()
    bench.processed.put(index(bench)[0], broken, "application/json")
    assert bench.analyze(SAME).reused_from is None


def test_an_entry_for_other_content_is_ignored() -> None:
    bench = analyzed()
    key = f"analyses/{CAT}/0/analysis.json"
    wrong = bench.kept() | {"source": SOURCE.model_copy(update={"sha256": "0"}).model_dump()}
    bench.processed.put(key, json.dumps(wrong).encode(), "application/json")
    assert bench.analyze(SAME).reused_from is None


def test_switched_off_nothing_is_looked_up_and_nothing_is_entered() -> None:
    bench = Bench(beside=analyzed(), reuse=False)
    assert bench.analyze(SAME).reused_from is None
    assert index(analyzed(reuse=False)) == []


def test_with_no_detection_at_all_there_is_nothing_to_reuse() -> None:
    assert index(analyzed(detect=[])) == []


def test_nothing_is_entered_before_the_record_knows_the_content() -> None:
    bench = Bench()
    bench.analyze()
    assert index(bench) == []


def test_an_entry_that_cannot_be_made_costs_the_image_nothing() -> None:
    bench = Bench()
    bench.store_hears()
    reuse = replace(bench.steps.reuse, processed=NoIndex(bench.processed))
    bench.steps = replace(bench.steps, reuse=reuse)
    assert bench.analyze().faces == 1


class NoIndex:
    """A bucket in which nothing can be put."""

    def __init__(self, bucket: Objects) -> None:
        self.find = bucket.find

    def put(self, *_: Any) -> None:
        raise TransientError("unavailable", "down")


def test_an_answer_that_did_not_come_is_entered_by_nobody() -> None:
    bench = Bench(faces=TransientError("unavailable", "down"))
    bench.store_hears()
    with pytest.raises(TransientError):
        bench.analyze()
    assert index(bench) == []


def test_a_later_run_of_the_image_reuses_and_takes_the_entry_over() -> None:
    bench = analyzed()
    again = RESIZED.model_copy(update={"run": 1})
    for event in (ANALYZED, ReplayRequested(image=CAT, run=0), again):
        bench.store_hears(event)
    assert bench.analyze(again).reused_from == Origin(image=CAT, run=0)
    bench.steps.compensate(verdict(FAILED, run=0))
    assert bench.analyze(SAME).reused_from == Origin(image=CAT, run=1)


def verdict(kind: ImageFailed | ImageDeleted, run: int) -> Any:
    return kind.model_copy(update={"image": CAT, "run": run, "source": SOURCE})


@pytest.mark.parametrize(("run", "left"), [(0, 0), (1, 1)])
def test_compensating_a_run_deletes_its_entries(run: int, left: int) -> None:
    bench = analyzed()
    bench.steps.compensate(verdict(FAILED, run))
    assert len(index(bench)) == left


def test_deleting_an_image_takes_the_entries_of_all_its_runs_along_and_no_others() -> None:
    bench = analyzed()
    fewer = Bench(beside=bench, detect=[Detection.LABELS])
    fewer.store_hears(SAME)
    fewer.analyze(SAME)
    bench.steps.purge(verdict(DELETED, run=3))
    (key,) = index(bench)
    assert json.loads(bench.processed.get(key).body)["image"] == TWIN


def test_a_reused_analysis_survives_the_deletion_of_its_origin() -> None:
    bench = analyzed()
    told = bench.analyze(SAME)
    bench.steps.purge(verdict(DELETED, run=0))
    assert bench.left() == [told.document]


def test_the_entry_is_named_by_content_and_question() -> None:
    told = THRESHOLDS.for_detections(ALL)
    key = entry("c" * 64, "rekognition", told, RESIZED.analysis)
    assert key.startswith(f"reuse/{'c' * 64}/")
    assert key == entry("c" * 64, "rekognition", dict(reversed(told.items())), RESIZED.analysis)
    assert key != entry("c" * 64, "another", told, RESIZED.analysis)
