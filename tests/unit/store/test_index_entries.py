"""Which lists an image belongs to, and what changes when it belongs to others."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.store.index_entries import BEST, MOST_LABELS, change, listing
from services.store.logic import Policy, decide
from shared.contracts.images import Event, Label, Rendition, ReplayRequested
from shared.contracts.record import Record
from shared.contracts.search_index import (
    LONGEST_NAME,
    SHARDS,
    Summary,
    Thumbnail,
    Trouble,
    at,
    by_owner,
    count_partition,
    count_partitions,
)
from tests.contract.samples import (
    ANALYZED,
    AT,
    CAT,
    GAVE_UP,
    LOOKED_AT,
    RENDITIONS,
    RESIZED,
    SOURCE,
    UNWANTED,
)

GAVE_UP_ON_CAT = GAVE_UP.model_copy(update={"image": CAT, "source": SOURCE})
REPLAY = ReplayRequested(image=CAT, run=0)


def recorded(*events: Event, policy: Policy = Policy.FLAG) -> Record:
    """The record after these events, a second apart."""
    record: Record | None = None
    for n, event in enumerate(events):
        record = decide(record, event, AT + timedelta(seconds=n), policy)
    assert record
    return record


def shown(record: Record) -> Summary:
    summary = listing(record).summary
    assert summary
    return summary


def names(record: Record) -> set[str]:
    return {entry.list for entry in listing(record).entries}


def labelled(*labels: Label) -> Record:
    return recorded(RESIZED, ANALYZED.model_copy(update={"labels": labels}))


def test_an_image_is_listed_as_working_from_the_first_that_is_heard_of_it() -> None:
    found = listing(recorded(RESIZED))
    assert names(recorded(RESIZED)) == {"all", "status#processing", "owner#ada"}
    assert found.at == f"2026-11-21T10:00:00.000000Z#{CAT}"
    assert shown(recorded(RESIZED)).name == "cat & küche.jpg"


def test_a_completed_image_moves_to_when_it_ended_and_is_found_by_what_is_in_it() -> None:
    record = recorded(RESIZED, ANALYZED)
    assert listing(record).at.startswith("2026-11-21T10:00:01.")
    found = names(record)
    assert {"all", "status#completed", "flagged", "label#Cat", "label#Window"} < found
    assert sum(name.startswith("hash#") for name in found) == 4
    assert sum(name.startswith("look#") for name in found) == 10


def test_an_owners_list_knows_every_label_that_the_image_is_listed_under() -> None:
    labels = tuple(Label(name=f"L{n:02}", confidence=99.0 - n) for n in range(MOST_LABELS + 1))
    entries = {entry.list: entry for entry in listing(labelled(*labels)).entries}
    assert entries[by_owner("ada")].found == labels[:MOST_LABELS]
    assert {entry.found for name, entry in entries.items() if name != by_owner("ada")} == {None}


def test_a_list_shows_the_smallest_rendition() -> None:
    assert shown(recorded(RESIZED, ANALYZED)).thumbnail == Thumbnail(
        key=RENDITIONS[0].key, width=RENDITIONS[0].width, height=RENDITIONS[0].height
    )


def test_without_renditions_a_list_shows_none() -> None:
    none: tuple[Rendition, ...] = ()
    bare = RESIZED.model_copy(update={"renditions": none, "fingerprint": None})
    record = recorded(bare, ANALYZED.model_copy(update={"embedding": None}))
    assert shown(record).thumbnail is None
    assert not any(name.startswith(("hash#", "look#")) for name in names(record))


def test_a_list_of_near_duplicates_tells_the_hash_and_one_of_look_alikes_the_embedding_too() -> (
    None
):
    for entry in listing(recorded(RESIZED, ANALYZED)).entries:
        kind = entry.list.partition("#")[0]
        assert (entry.fingerprint is not None) is (kind in ("hash", "look"))
        assert (entry.embedding is not None) is (kind == "look")


def test_a_picture_that_nobody_embedded_is_in_no_list_of_look_alikes() -> None:
    found = names(recorded(RESIZED, ANALYZED.model_copy(update={"embedding": None})))
    assert any(name.startswith("hash#") for name in found)
    assert not any(name.startswith("look#") for name in found)


def test_a_failed_image_says_where_and_why_and_is_found_by_no_label() -> None:
    record = recorded(RESIZED, GAVE_UP_ON_CAT)
    assert names(record) == {"all", "status#failed", "owner#ada"}
    assert shown(record).failure == Trouble(stage="resize", reason="not-an-image")


def test_a_published_image_stays_listed_while_it_is_replayed_and_when_that_fails() -> None:
    completed = recorded(RESIZED, ANALYZED)
    failed = GAVE_UP_ON_CAT.model_copy(update={"run": 1})
    for record in (
        recorded(RESIZED, ANALYZED, REPLAY),
        recorded(RESIZED, ANALYZED, REPLAY, failed),
    ):
        assert change(change(None, listing(completed)).listed, listing(record)).put == ()


def test_a_deleted_image_is_in_no_list_and_leaves_those_it_was_in() -> None:
    before = change(None, listing(recorded(RESIZED, ANALYZED))).listed
    after = change(before, listing(recorded(RESIZED, ANALYZED, UNWANTED)))
    assert after.listed.lists == {}
    assert set(after.leave) == set(before.lists)
    assert after.counts == {"Cat": -1, "Window": -1}


def test_of_what_is_quarantined_no_rendition_is_shown_until_it_is_released() -> None:
    quarantined = shown(recorded(RESIZED, ANALYZED, policy=Policy.QUARANTINE))
    released = shown(recorded(RESIZED, ANALYZED, LOOKED_AT, policy=Policy.QUARANTINE))
    assert (quarantined.quarantined, quarantined.thumbnail) == (True, None)
    assert not released.quarantined
    assert released.thumbnail


def test_an_image_is_listed_under_its_most_certain_labels_and_shows_the_best() -> None:
    record = labelled(*(Label(name=f"L{n}", confidence=n) for n in range(50)))
    certain = tuple(f"L{n}" for n in range(49, 49 - MOST_LABELS, -1))
    assert listing(record).labels == certain
    assert tuple(label.name for label in shown(record).labels) == certain[:BEST]


def test_a_label_said_twice_counts_once_with_the_greater_confidence() -> None:
    found = listing(labelled(Label(name="Cat", confidence=90), Label(name="Cat", confidence=70)))
    assert found.labels == ("Cat",)
    assert [e.confidence for e in found.entries if e.list == "label#Cat"] == [90]


def test_a_label_that_is_too_long_for_a_key_is_left_out() -> None:
    assert listing(labelled(Label(name="x" * 2000, confidence=90))).labels == ()


def test_what_says_the_same_is_not_written_again() -> None:
    whole = listing(recorded(RESIZED, ANALYZED))
    again = change(change(None, whole).listed, whole.model_copy(update={"revision": 9}))
    assert (again.put, again.leave, again.counts) == ((), (), {})
    assert again.listed.revision == 9


def test_another_label_leaves_one_list_and_joins_another() -> None:
    cat = listing(labelled(Label(name="Cat", confidence=90)))
    dog = listing(labelled(Label(name="Dog", confidence=90)))
    found = change(change(None, cat).listed, dog)
    assert (found.leave, found.counts) == (("label#Cat",), {"Dog": 1, "Cat": -1})


def test_times_sort_as_text_whatever_their_zone_and_precision() -> None:
    times = [
        datetime(2026, 11, 21, 11, 0, tzinfo=timezone(timedelta(hours=2))),
        datetime(2026, 11, 21, 9, 0, 0, 1, tzinfo=UTC),
        datetime(2026, 11, 21, 9, 0, 1, tzinfo=UTC),
    ]
    assert [at(time) for time in times] == sorted(at(time) for time in times)
    assert {len(at(time)) for time in times} == {27}


@pytest.mark.parametrize("owner", ["ada", "x" * 256, "ü" * 256, "x" * 100_000])
def test_the_name_of_an_owners_list_fits_into_a_key(owner: str) -> None:
    assert len(f"entry/{by_owner(owner)}".encode()) <= 1024
    assert by_owner(owner) != by_owner(owner + "y")
    assert LONGEST_NAME < 1024


def test_images_count_in_all_partitions_and_each_always_in_the_same() -> None:
    found = {count_partition(f"image {n}") for n in range(500)}
    assert found == set(count_partitions())
    assert len(found) == SHARDS
    assert count_partition(CAT) == count_partition(CAT)
