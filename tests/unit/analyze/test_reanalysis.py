"""A reanalysis copies the previous versions, and pays for every detection again."""

from typing import Any

import pytest

from services.analyze.logic import Detection
from shared.contracts.images import PreviousVersion, Reanalysis
from shared.errors import Fault, PermanentError
from tests.contract.samples import CAT, RESIZED
from tests.unit.analyze.bench import ANSWERS, Bench


def reanalysis(run: int, **fields: Any) -> Any:
    """The event of a reanalysis: run ``run`` uses the renditions of the run before it."""
    fields = {"of": run - 1} | fields
    return RESIZED.model_copy(update={"run": run, "reanalysis": Reanalysis(**fields)})


def version(run: int, of: int) -> str:
    return f"analyses/{CAT}/{run}/versions/{of}.json"


def test_the_previous_version_is_copied_unchanged() -> None:
    bench = Bench()
    bench.analyze()
    before = bench.document()
    analyzed = bench.analyze(reanalysis(1))
    assert analyzed.previous_versions == (PreviousVersion(run=0, document=version(1, 0)),)
    assert bench.document_at(version(1, 0)) == before


def test_all_versions_are_copied_oldest_first() -> None:
    bench = Bench()
    bench.analyze()
    bench.analyze(reanalysis(1))
    bench.analyze(reanalysis(5, of=1))
    analyzed = bench.analyze(reanalysis(11, of=5))
    assert [previous.run for previous in analyzed.previous_versions] == [0, 1, 5]
    assert [
        bench.document_at(previous.document)["run"] for previous in analyzed.previous_versions
    ] == [0, 1, 5]


def test_a_reanalysis_requests_every_detection_again() -> None:
    bench = Bench()
    bench.store_decides()
    bench.analyze()
    bench.recognizer.asked.clear()
    assert bench.analyze(reanalysis(1)).reused_from is None
    assert bench.recognizer.detections() == set(Detection)


def test_a_duplicate_pays_nothing_and_publishes_the_same() -> None:
    bench = Bench()
    bench.analyze()
    first = bench.analyze(reanalysis(1))
    bench.recognizer.asked.clear()
    assert bench.analyze(reanalysis(1)) == first
    assert bench.recognizer.asked == []


def test_without_a_previous_version_nothing_is_copied() -> None:
    assert Bench().analyze(reanalysis(1)).previous_versions == ()


def test_an_unreadable_version_is_not_copied() -> None:
    bench = Bench()
    bench.processed.put(f"analyses/{CAT}/0/analysis.json", b"old", "application/json")
    assert bench.analyze(reanalysis(1)).previous_versions == ()


def test_disabled_faces_are_removed_from_copied_versions() -> None:
    before = Bench()
    before.analyze()
    bench = Bench(shares=before, detect=[Detection.LABELS])
    bench.analyze(reanalysis(1))
    copy = bench.document_at(version(1, 0))
    assert copy["answers"].keys() == ANSWERS.keys() - {"faces"}
    assert "faces" not in copy["thresholds"]


def test_compensating_the_previous_run_does_not_delete_the_copies() -> None:
    bench = Bench()
    bench.analyze()
    analyzed = bench.analyze(reanalysis(1))
    bench.steps.compensate(RESIZED)
    assert bench.stored_keys() == [analyzed.document, version(1, 0)]


def test_a_reanalysis_calls_the_analyzer_it_names() -> None:
    bench = Bench()
    other = Bench(shares=bench)
    bench.steps.analyzers["other"] = other.recognizer
    analyzed = bench.analyze(reanalysis(1, analyzer="other"))
    assert (analyzed.analyzer, bench.document(reanalysis(1))["analyzer"]) == ("other", "other")
    assert (len(other.recognizer.asked), bench.recognizer.asked) == (len(Detection), [])


def test_an_unknown_analyzer_is_an_internal_permanent_error() -> None:
    bench = Bench()
    with pytest.raises(PermanentError, match="'tarot', only: rekognition") as refusal:
        bench.analyze(reanalysis(1, analyzer="tarot"))
    assert (refusal.value.reason, refusal.value.fault) == ("unknown-analyzer", Fault.INTERNAL)
    assert bench.stored_keys() == []
