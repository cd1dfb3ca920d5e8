"""When a run is stuck and an upload lost, and what is reported."""

from datetime import timedelta

from services.reap.logic import BEGINNING, Part, Position, Upload, is_waiting, lost, stuck
from services.store.logic import decide
from shared.contracts.images import DeleteRequested, ReplayRequested
from shared.errors import Fault
from tests.contract.samples import ANALYZED, AT, CAT, RESIZED, SOURCE, STEP_FAILED, TEXT, UPLOADED

LATER = AT + timedelta(hours=1)


def test_an_open_run_waits_since_its_start() -> None:
    record = decide(None, RESIZED, AT)
    assert is_waiting(record, LATER)
    assert is_waiting(record, AT)
    assert not is_waiting(record, AT - timedelta(seconds=1))


def test_an_ended_run_does_not_wait() -> None:
    assert not is_waiting(decide(None, STEP_FAILED, AT), LATER)
    assert not is_waiting(decide(decide(None, RESIZED, AT), ANALYZED, AT), LATER)


def test_a_deleted_image_does_not_wait() -> None:
    record = decide(decide(None, RESIZED, AT), DeleteRequested(image=CAT, run=0), AT)
    assert not is_waiting(record, LATER)


def test_only_the_current_run_counts() -> None:
    record = decide(decide(None, STEP_FAILED, AT), ReplayRequested(image=TEXT, run=0), LATER)
    assert is_waiting(record, LATER)
    assert not is_waiting(record, AT)


def test_a_stuck_run_is_reported_for_the_stage_that_it_waits_for() -> None:
    finding = stuck(decide(None, RESIZED, AT), timedelta(hours=36))
    assert (finding.stage, finding.event.run, finding.event.owner) == ("analyze", 0, "ada")
    assert (finding.gave_up.reason, finding.gave_up.fault) == ("stuck", Fault.INTERNAL)
    assert finding.gave_up.detail == "This run had no event for 36 hours."


def test_a_run_without_renditions_waits_for_resize() -> None:
    analyzed_first = decide(None, ANALYZED, AT)
    replayed = decide(decide(None, STEP_FAILED, AT), ReplayRequested(image=TEXT, run=0), AT)
    assert stuck(analyzed_first, timedelta(days=1)).stage == "resize"
    assert (stuck(replayed, timedelta(days=1)).stage, replayed.run) == ("resize", 1)


def test_a_lost_upload_is_reported_as_the_first_run_of_its_image() -> None:
    finding = lost(CAT, SOURCE)
    assert (finding.event.image, finding.event.run, finding.event.source) == (CAT, 0, SOURCE)
    assert (finding.stage, finding.gave_up.reason, finding.gave_up.fault) == (
        "resize",
        "lost",
        Fault.DEPENDENCY,
    )


def test_an_upload_has_the_id_that_its_notification_gives_it() -> None:
    key = f"uploads/{CAT}/cat.jpg"
    assert Upload(SOURCE.model_copy(update={"key": key}), AT).image == CAT
    assert Upload(UPLOADED.source, AT).image
    assert Upload(SOURCE.model_copy(update={"version": None}), AT).image is None


def test_a_position_survives_json() -> None:
    position = Position(part=Part.UPLOADS, after={"KeyMarker": "käse & brot.jpg"})
    assert Position.model_validate_json(position.model_dump_json()) == position
    assert (BEGINNING.part, BEGINNING.after) == (Part.RECORDS, {})
