"""Identical content and settings are paid for once. The reuse index is only a hint."""

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
"""A second upload of the same content by the same owner."""


def bench_with_cat(**options: Any) -> Bench:
    """A bench that has analyzed CAT and has its record."""
    bench = Bench(**options)
    bench.store_decides()
    bench.analyze()
    return bench


def other(**changed: Any) -> ImageResized:
    return SAME.model_copy(update=changed)


def index(bench: Bench) -> list[str]:
    return bench.stored_keys("reuse/")


def test_the_same_content_is_not_paid_for_again() -> None:
    bench = Bench(shares=bench_with_cat())
    analyzed = bench.analyze(SAME)
    assert bench.recognizer.asked == []
    assert (analyzed.faces, analyzed.text) == (1, ("OPEN",))
    assert analyzed.reused_from == Origin(image=CAT, run=0)


def test_a_reused_analysis_is_a_document_of_its_own_run() -> None:
    bench = bench_with_cat()
    analyzed = bench.analyze(SAME)
    document = bench.document(SAME)
    assert analyzed.document == f"analyses/{TWIN}/0/analysis.json"
    assert (document["image"], document["source"]["key"]) == (TWIN, "copy of cat.jpg")
    assert document["answers"] == ANSWERS
    assert document["reused_from"] == {"image": CAT, "run": 0}


def test_a_resumed_run_that_reused_publishes_the_same_again() -> None:
    bench = bench_with_cat()
    assert bench.analyze(SAME) == bench.analyze(SAME)


def test_another_owners_image_is_not_named() -> None:
    bench = bench_with_cat()
    event = other(owner="grace")
    assert bench.analyze(event).reused_from == Origin()
    assert CAT not in json.dumps(bench.document(event))


@pytest.mark.parametrize(
    "settings",
    [
        {"detect": [Detection.LABELS]},
        {"thresholds": replace(THRESHOLDS, labels=71)},
        {"thresholds": replace(THRESHOLDS, max_labels=6)},
    ],
)
def test_different_settings_are_paid_for(settings: Any) -> None:
    bench = Bench(shares=bench_with_cat(), **settings)
    assert bench.analyze(SAME).reused_from is None


@pytest.mark.parametrize(
    "changed",
    [
        {"source": SOURCE.model_copy(update={"sha256": "f" * 64})},
        {"source": SOURCE.model_copy(update={"sha256": None})},
        {"analysis": RESIZED.analysis.model_copy(update={"width": 1280})},
    ],
)
def test_different_content_or_another_analysis_picture_is_paid_for(changed: Any) -> None:
    bench = bench_with_cat()
    assert bench.analyze(other(**changed)).reused_from is None


def test_an_outdated_model_is_not_reused() -> None:
    class Newer(Recognizer):
        def ask(self, detection: Detection, *request: Any) -> Any:
            answer = super().ask(detection, *request)
            return answer | {"LabelModelVersion": "4.0"} if "Labels" in answer else answer

    bench = Bench(Newer(), shares=bench_with_cat())
    bench.analyze(other(source=SOURCE.model_copy(update={"sha256": "f" * 64})))
    analyzed = bench.analyze(SAME)
    assert (analyzed.reused_from, analyzed.models["labels"]) == (None, "4.0")


def test_a_missing_document_is_paid_for_and_replaced_in_the_index() -> None:
    bench = bench_with_cat()
    bench.processed.delete(f"analyses/{CAT}/0/analysis.json")
    bench.store_decides(SAME)
    assert bench.analyze(SAME).reused_from is None
    third = other(image="0b54c1de-93a4-5f1e-a0c7-7d6be1f03a55")
    assert bench.analyze(third).reused_from == Origin(image=TWIN, run=0)


@pytest.mark.parametrize("broken", [b"", b"{}", b"[]", b'{"image": "x", "run": 0}'])
def test_an_unreadable_entry_is_ignored(broken: bytes) -> None:
    bench = bench_with_cat()
    bench.processed.put(index(bench)[0], broken, "application/json")
    assert bench.analyze(SAME).reused_from is None


def test_an_entry_for_other_content_is_ignored() -> None:
    bench = bench_with_cat()
    key = f"analyses/{CAT}/0/analysis.json"
    other_content = bench.document() | {
        "source": SOURCE.model_copy(update={"sha256": "0"}).model_dump()
    }
    bench.processed.put(key, json.dumps(other_content).encode(), "application/json")
    assert bench.analyze(SAME).reused_from is None


def test_with_reuse_off_the_index_is_neither_read_nor_written() -> None:
    bench = Bench(shares=bench_with_cat(), reuse=False)
    assert bench.analyze(SAME).reused_from is None
    assert index(bench_with_cat(reuse=False)) == []


def test_without_detections_nothing_is_indexed() -> None:
    assert index(bench_with_cat(detect=[])) == []


def test_nothing_is_indexed_before_the_record_exists() -> None:
    bench = Bench()
    bench.analyze()
    assert index(bench) == []


def test_a_failed_index_write_does_not_fail_the_analysis() -> None:
    bench = Bench()
    bench.store_decides()
    reuse = replace(bench.steps.reuse, processed=NoIndex(bench.processed))
    bench.steps = replace(bench.steps, reuse=reuse)
    assert bench.analyze().faces == 1


class NoIndex:
    """A bucket that fails every write."""

    def __init__(self, bucket: Objects) -> None:
        self.find = bucket.find

    def put(self, *_: Any) -> None:
        raise TransientError("unavailable", "down")


def test_a_failed_analysis_is_not_indexed() -> None:
    bench = Bench(faces=TransientError("unavailable", "down"))
    bench.store_decides()
    with pytest.raises(TransientError):
        bench.analyze()
    assert index(bench) == []


def test_a_later_run_reuses_the_document_and_replaces_the_entry() -> None:
    bench = bench_with_cat()
    again = RESIZED.model_copy(update={"run": 1})
    for event in (ANALYZED, ReplayRequested(image=CAT, run=0), again):
        bench.store_decides(event)
    assert bench.analyze(again).reused_from == Origin(image=CAT, run=0)
    bench.steps.compensate(decision(FAILED, run=0))
    assert bench.analyze(SAME).reused_from == Origin(image=CAT, run=1)


def decision(kind: ImageFailed | ImageDeleted, run: int) -> Any:
    return kind.model_copy(update={"image": CAT, "run": run, "source": SOURCE})


@pytest.mark.parametrize(("run", "remaining"), [(0, 0), (1, 1)])
def test_compensating_a_run_deletes_its_entries_only(run: int, remaining: int) -> None:
    bench = bench_with_cat()
    bench.steps.compensate(decision(FAILED, run))
    assert len(index(bench)) == remaining


def test_purging_an_image_deletes_the_entries_of_all_its_runs_only() -> None:
    bench = bench_with_cat()
    labels_only = Bench(shares=bench, detect=[Detection.LABELS])
    labels_only.store_decides(SAME)
    labels_only.analyze(SAME)
    bench.steps.purge(decision(DELETED, run=3))
    (key,) = index(bench)
    assert json.loads(bench.processed.get(key).body)["image"] == TWIN


def test_a_reused_analysis_survives_the_deletion_of_its_origin() -> None:
    bench = bench_with_cat()
    analyzed = bench.analyze(SAME)
    bench.steps.purge(decision(DELETED, run=0))
    assert bench.stored_keys() == [analyzed.document]


def test_the_key_of_an_entry_depends_on_content_analyzer_and_thresholds() -> None:
    thresholds = THRESHOLDS.for_detections(ALL)
    key = entry("c" * 64, "rekognition", thresholds, RESIZED.analysis)
    assert key.startswith(f"reuse/{'c' * 64}/")
    assert key == entry(
        "c" * 64, "rekognition", dict(reversed(thresholds.items())), RESIZED.analysis
    )
    assert key != entry("c" * 64, "another", thresholds, RESIZED.analysis)
