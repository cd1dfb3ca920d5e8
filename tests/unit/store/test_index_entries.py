"""The entries of an image in the search index, and their changes."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.store.index_entries import MAX_LABELS, SUMMARY_LABELS, change, index_entries
from services.store.logic import Policy, decide
from shared.contracts.images import Event, Label, Rendition, ReplayRequested
from shared.contracts.record import Record
from shared.contracts.search_index import (
    LONGEST_NAME,
    SHARDS,
    FailureSummary,
    ImageSummary,
    Thumbnail,
    at,
    by_owner,
    count_partition,
    count_partitions,
)
from tests.contract.samples import (
    ANALYZED,
    AT,
    CAT,
    DELETE_REQUESTED,
    PLACEHOLDER,
    RELEASE_REQUESTED,
    RENDITIONS,
    RESIZED,
    SOURCE,
    STEP_FAILED,
)

GAVE_UP_ON_CAT = STEP_FAILED.model_copy(update={"image": CAT, "source": SOURCE})
REPLAY = ReplayRequested(image=CAT, run=0)


def recorded(*events: Event, policy: Policy = Policy.FLAG) -> Record:
    """The record after these events, a second apart."""
    record: Record | None = None
    for n, event in enumerate(events):
        record = decide(record, event, AT + timedelta(seconds=n), policy)
    assert record
    return record


def summary_of(record: Record) -> ImageSummary:
    summary = index_entries(record).summary
    assert summary
    return summary


def partitions(record: Record) -> set[str]:
    return {entry.partition for entry in index_entries(record).entries}


def labelled(*labels: Label) -> Record:
    return recorded(RESIZED, ANALYZED.model_copy(update={"labels": labels}))


def test_an_open_run_has_entries_from_its_first_event() -> None:
    entries = index_entries(recorded(RESIZED))
    assert partitions(recorded(RESIZED)) == {"all", "status#processing", "owner#ada"}
    assert entries.at == f"2026-11-21T10:00:00.000000Z#{CAT}"
    assert summary_of(recorded(RESIZED)).name == "cat & küche.jpg"


def test_a_completed_run_is_indexed_by_its_end_labels_and_features() -> None:
    record = recorded(RESIZED, ANALYZED)
    assert index_entries(record).at.startswith("2026-11-21T10:00:01.")
    names = partitions(record)
    assert {"all", "status#completed", "flagged", "label#Cat", "label#Window"} < names
    assert sum(name.startswith("hash#") for name in names) == 4
    assert sum(name.startswith("embedding#") for name in names) == 10


def test_the_owners_entry_holds_every_indexed_label() -> None:
    labels = tuple(Label(name=f"L{n:02}", confidence=99.0 - n) for n in range(MAX_LABELS + 1))
    entries = {entry.partition: entry for entry in index_entries(labelled(*labels)).entries}
    assert entries[by_owner("ada")].all_labels == labels[:MAX_LABELS]
    assert {entry.all_labels for name, entry in entries.items() if name != by_owner("ada")} == {
        None
    }


def test_the_thumbnail_is_the_smallest_rendition() -> None:
    assert summary_of(recorded(RESIZED, ANALYZED)).thumbnail == Thumbnail(
        key=RENDITIONS[0].key, width=RENDITIONS[0].width, height=RENDITIONS[0].height
    )


def test_a_summary_has_the_placeholder_of_the_thumbnail() -> None:
    older = RESIZED.model_copy(update={"placeholder": None})
    assert summary_of(recorded(RESIZED, ANALYZED)).placeholder == PLACEHOLDER
    assert summary_of(recorded(older, ANALYZED)).placeholder is None
    assert summary_of(recorded(RESIZED)).placeholder is None


def test_without_renditions_there_is_no_thumbnail() -> None:
    none: tuple[Rendition, ...] = ()
    bare = RESIZED.model_copy(update={"renditions": none, "fingerprint": None})
    record = recorded(bare, ANALYZED.model_copy(update={"embedding": None}))
    assert (summary_of(record).thumbnail, summary_of(record).placeholder) == (None, None)
    assert not any(name.startswith(("hash#", "embedding#")) for name in partitions(record))


def test_only_similarity_entries_hold_features() -> None:
    for entry in index_entries(recorded(RESIZED, ANALYZED)).entries:
        kind = entry.partition.partition("#")[0]
        assert (entry.fingerprint is not None) is (kind in ("hash", "embedding"))
        assert (entry.embedding is not None) is (kind == "embedding")


def test_without_an_embedding_there_are_no_entries_by_embedding() -> None:
    names = partitions(recorded(RESIZED, ANALYZED.model_copy(update={"embedding": None})))
    assert any(name.startswith("hash#") for name in names)
    assert not any(name.startswith("embedding#") for name in names)


def test_a_failed_image_shows_stage_and_reason_and_has_no_labels() -> None:
    record = recorded(RESIZED, GAVE_UP_ON_CAT)
    assert partitions(record) == {"all", "status#failed", "owner#ada"}
    assert summary_of(record).failure == FailureSummary(stage="resize", reason="not-an-image")


def test_a_replay_and_its_failure_do_not_change_the_entries() -> None:
    completed = recorded(RESIZED, ANALYZED)
    failed = GAVE_UP_ON_CAT.model_copy(update={"run": 1})
    for record in (
        recorded(RESIZED, ANALYZED, REPLAY),
        recorded(RESIZED, ANALYZED, REPLAY, failed),
    ):
        assert change(change(None, index_entries(completed)).state, index_entries(record)).put == ()


def test_deletion_deletes_every_entry() -> None:
    before = change(None, index_entries(recorded(RESIZED, ANALYZED))).state
    after = change(before, index_entries(recorded(RESIZED, ANALYZED, DELETE_REQUESTED)))
    assert after.state.entries == {}
    assert set(after.delete) == set(before.entries)
    assert after.counts == {"Cat": -1, "Window": -1}


def test_a_quarantined_image_has_no_thumbnail_until_released() -> None:
    quarantined = summary_of(recorded(RESIZED, ANALYZED, policy=Policy.QUARANTINE))
    released = summary_of(recorded(RESIZED, ANALYZED, RELEASE_REQUESTED, policy=Policy.QUARANTINE))
    assert (quarantined.quarantined, quarantined.thumbnail) == (True, None)
    assert not released.quarantined
    assert (quarantined.placeholder, released.placeholder) == (None, PLACEHOLDER)
    assert released.thumbnail


def test_the_most_certain_labels_are_indexed_and_the_best_are_shown() -> None:
    record = labelled(*(Label(name=f"L{n}", confidence=n) for n in range(50)))
    certain = tuple(f"L{n}" for n in range(49, 49 - MAX_LABELS, -1))
    assert index_entries(record).labels == certain
    assert tuple(label.name for label in summary_of(record).labels) == certain[:SUMMARY_LABELS]


def test_a_repeated_label_counts_once_with_the_higher_confidence() -> None:
    repeated = labelled(Label(name="Cat", confidence=90), Label(name="Cat", confidence=70))
    cat = index_entries(repeated)
    assert cat.labels == ("Cat",)
    assert [e.confidence for e in cat.entries if e.partition == "label#Cat"] == [90]


def test_a_label_too_long_for_a_key_is_not_indexed() -> None:
    assert index_entries(labelled(Label(name="x" * 2000, confidence=90))).labels == ()


def test_an_unchanged_entry_is_not_written_again() -> None:
    whole = index_entries(recorded(RESIZED, ANALYZED))
    again = change(change(None, whole).state, whole.model_copy(update={"revision": 9}))
    assert (again.put, again.delete, again.counts) == ((), (), {})
    assert again.state.revision == 9


def test_another_label_deletes_one_entry_and_puts_another() -> None:
    cat = index_entries(labelled(Label(name="Cat", confidence=90)))
    dog = index_entries(labelled(Label(name="Dog", confidence=90)))
    after = change(change(None, cat).state, dog)
    assert (after.delete, after.counts) == (("label#Cat",), {"Dog": 1, "Cat": -1})


def test_times_sort_as_text() -> None:
    times = [
        datetime(2026, 11, 21, 11, 0, tzinfo=timezone(timedelta(hours=2))),
        datetime(2026, 11, 21, 9, 0, 0, 1, tzinfo=UTC),
        datetime(2026, 11, 21, 9, 0, 1, tzinfo=UTC),
    ]
    assert [at(time) for time in times] == sorted(at(time) for time in times)
    assert {len(at(time)) for time in times} == {27}


@pytest.mark.parametrize("owner", ["ada", "x" * 256, "ü" * 256, "x" * 100_000])
def test_an_owners_partition_fits_into_a_key(owner: str) -> None:
    assert len(f"entry/{by_owner(owner)}".encode()) <= 1024
    assert by_owner(owner) != by_owner(owner + "y")
    assert LONGEST_NAME < 1024


def test_images_count_in_all_shards_and_each_in_one() -> None:
    shards = {count_partition(f"image {n}") for n in range(500)}
    assert shards == set(count_partitions())
    assert len(shards) == SHARDS
    assert count_partition(CAT) == count_partition(CAT)
