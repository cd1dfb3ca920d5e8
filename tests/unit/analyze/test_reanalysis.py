"""A run that only asks anew keeps the versions before it, and pays."""

from typing import Any

import pytest

from services.analyze.logic import Detection
from shared.contracts.images import PreviousVersion, Reanalysis
from shared.errors import Fault, PermanentError
from tests.contract.samples import CAT, RESIZED
from tests.unit.analyze.bench import ANSWERS, Bench


def again(run: int, **how: Any) -> Any:
    """The renditions of run ``run``, taken over from the run before it."""
    how = {"of": run - 1} | how
    return RESIZED.model_copy(update={"run": run, "reanalysis": Reanalysis(**how)})


def version(run: int, of: int) -> str:
    return f"analyses/{CAT}/{run}/versions/{of}.json"


def test_the_previous_version_is_copied_unchanged() -> None:
    bench = Bench()
    bench.analyze()
    before = bench.kept()
    told = bench.analyze(again(1))
    assert told.previous_versions == (PreviousVersion(run=0, document=version(1, 0)),)
    assert bench.kept_at(version(1, 0)) == before


def test_all_versions_are_copied_oldest_first() -> None:
    bench = Bench()
    bench.analyze()
    bench.analyze(again(1))
    bench.analyze(again(5, of=1))
    told = bench.analyze(again(11, of=5))
    assert [previous_versions.run for previous_versions in told.previous_versions] == [0, 1, 5]
    assert [
        bench.kept_at(previous_versions.document)["run"]
        for previous_versions in told.previous_versions
    ] == [0, 1, 5]


def test_a_reanalysis_requests_every_detection_again() -> None:
    bench = Bench()
    bench.store_hears()
    bench.analyze()
    bench.recognizer.asked.clear()
    assert bench.analyze(again(1)).reused_from is None
    assert bench.recognizer.detections() == set(Detection)


def test_a_repeat_pays_nothing_and_says_the_same() -> None:
    bench = Bench()
    bench.analyze()
    first = bench.analyze(again(1))
    bench.recognizer.asked.clear()
    assert bench.analyze(again(1)) == first
    assert bench.recognizer.asked == []


def test_without_a_previous_version_nothing_is_copied() -> None:
    assert Bench().analyze(again(1)).previous_versions == ()


def test_an_unreadable_version_is_not_copied() -> None:
    bench = Bench()
    bench.processed.put(f"analyses/{CAT}/0/analysis.json", b"old", "application/json")
    assert bench.analyze(again(1)).previous_versions == ()


def test_disabled_faces_are_removed_from_copied_versions() -> None:
    before = Bench()
    before.analyze()
    bench = Bench(beside=before, detect=[Detection.LABELS])
    bench.analyze(again(1))
    kept = bench.kept_at(version(1, 0))
    assert kept["answers"].keys() == ANSWERS.keys() - {"faces"}
    assert "faces" not in kept["thresholds"]


def test_compensating_the_previous_run_does_not_delete_the_copies() -> None:
    bench = Bench()
    bench.analyze()
    told = bench.analyze(again(1))
    bench.steps.compensate(RESIZED)
    assert bench.left() == [told.document, version(1, 0)]


def test_the_named_analyzer_is_asked() -> None:
    bench = Bench()
    named = Bench(beside=bench)
    bench.steps.analyzers["other"] = named.recognizer
    told = bench.analyze(again(1, analyzer="other"))
    assert (told.analyzer, bench.kept(again(1))["analyzer"]) == ("other", "other")
    assert (len(named.recognizer.asked), bench.recognizer.asked) == (len(Detection), [])


def test_an_unknown_analyzer_is_an_internal_permanent_error() -> None:
    bench = Bench()
    with pytest.raises(PermanentError, match="'tarot', only: rekognition") as refused:
        bench.analyze(again(1, analyzer="tarot"))
    assert (refused.value.reason, refused.value.fault) == ("unknown-analyzer", Fault.INTERNAL)
    assert bench.left() == []
