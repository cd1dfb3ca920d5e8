"""What counts as forgotten, and in which words it is reported."""

from datetime import timedelta

from services.reap.logic import BEGINNING, Part, Position, Upload, lost, stuck, waits_since
from services.store.logic import decide
from shared.contracts.images import DeleteRequested, ReplayRequested
from shared.errors import Fault
from tests.contract.samples import ANALYZED, AT, CAT, GAVE_UP, RESIZED, SOURCE, TEXT, UPLOADED

LATER = AT + timedelta(hours=1)


def test_a_run_that_is_open_waits_since_it_began() -> None:
    record = decide(None, RESIZED, AT)
    assert waits_since(record, LATER)
    assert waits_since(record, AT)
    assert not waits_since(record, AT - timedelta(seconds=1))


def test_a_run_that_ended_waits_for_nothing() -> None:
    assert not waits_since(decide(None, GAVE_UP, AT), LATER)
    assert not waits_since(decide(decide(None, RESIZED, AT), ANALYZED, AT), LATER)


def test_a_deleted_image_waits_for_nothing() -> None:
    record = decide(decide(None, RESIZED, AT), DeleteRequested(image=CAT, run=0), AT)
    assert not waits_since(record, LATER)


def test_only_the_current_run_counts() -> None:
    record = decide(decide(None, GAVE_UP, AT), ReplayRequested(image=TEXT, run=0), LATER)
    assert waits_since(record, LATER)
    assert not waits_since(record, AT)


def test_a_silent_run_is_reported_at_the_service_it_waits_for() -> None:
    found = stuck(decide(None, RESIZED, AT), timedelta(hours=36))
    assert (found.stage, found.event.run, found.event.owner) == ("analyze", 0, "ada")
    assert (found.gave_up.reason, found.gave_up.fault) == ("stuck", Fault.INTERNAL)
    assert found.gave_up.detail == "Nothing was heard of this run for 36 hours."


def test_a_run_without_renditions_waits_for_resize() -> None:
    analyzed_first = decide(None, ANALYZED, AT)
    replayed = decide(decide(None, GAVE_UP, AT), ReplayRequested(image=TEXT, run=0), AT)
    assert stuck(analyzed_first, timedelta(days=1)).stage == "resize"
    assert (stuck(replayed, timedelta(days=1)).stage, replayed.run) == ("resize", 1)


def test_a_lost_upload_is_reported_as_the_first_run_of_its_image() -> None:
    found = lost(CAT, SOURCE)
    assert (found.event.image, found.event.run, found.event.source) == (CAT, 0, SOURCE)
    assert (found.stage, found.gave_up.reason, found.gave_up.fault) == (
        "resize",
        "lost",
        Fault.DEPENDENCY,
    )


def test_an_upload_has_the_id_that_its_notification_would_have_given_it() -> None:
    key = f"uploads/{CAT}/cat.jpg"
    assert Upload(SOURCE.model_copy(update={"key": key}), AT).image == CAT
    assert Upload(UPLOADED.source, AT).image
    assert Upload(SOURCE.model_copy(update={"version": None}), AT).image is None


def test_a_position_is_read_back_as_it_was_kept() -> None:
    position = Position(part=Part.UPLOADS, after={"KeyMarker": "käse & brot.jpg"})
    assert Position.model_validate_json(position.model_dump_json()) == position
    assert (BEGINNING.part, BEGINNING.after) == (Part.RECORDS, {})
