"""How events change a record. The first end counts, and later events get the same answer."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.store.logic import (
    REPEAT_WINDOW,
    Policy,
    decide,
    decisions,
    ended,
    outcome,
    result,
)
from shared.contracts.envelope import Event
from shared.contracts.images import (
    DeleteRequested,
    FocalPoint,
    ImageCompleted,
    ImageDeleted,
    ImageEvent,
    ImageFailed,
    ImageReleased,
    ImageReplayed,
    ImageSuperseded,
    Moderation,
    PreviousVersion,
    Reanalysis,
    ReleaseRequested,
    ReplayRequested,
    Request,
)
from shared.contracts.record import Record, Release, RunStatus
from tests.contract.samples import (
    ANALYZED,
    AT,
    CAT,
    COMPLETED,
    REANALYSIS_ANALYZED,
    REANALYSIS_RESIZED,
    RELEASE_REQUESTED,
    RESIZED,
    SOURCE,
    STEP_FAILED,
    UPLOADED,
)

REPORT = STEP_FAILED.model_copy(update={"image": CAT, "source": SOURCE, "stage": "analyze"})
UNREAD = SOURCE.model_copy(update={"sha256": None})
EVENTS = [
    RESIZED,
    RESIZED.model_copy(update={"width": 1, "owner": None}),
    ANALYZED,
    ANALYZED.model_copy(update={"faces": 9, "labels": None}),
    REPORT,
    REPORT.model_copy(update={"reason": "worker-died", "source": UNREAD, "owner": None}),
]
"""Facts and reports of one run, and each kind again with other content."""


def after(
    *events: Any, record: Record | None = None, policy: Policy = Policy.FLAG
) -> Record | None:
    for n, event in enumerate(events):
        record = decide(record, event, AT + timedelta(seconds=n), policy)
    return record


def of_run(event: Any, run: int) -> Any:
    return event.model_copy(update={"run": run})


@given(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=12))
def test_a_run_ends_once_in_any_order_of_events(
    events: list[ImageEvent],
) -> None:
    record, outcomes = None, []
    for n, event in enumerate(events):
        record = decide(record, event, AT + timedelta(seconds=n))
        outcomes.append(outcome(record, 0))
    ends = [end for end in outcomes if end]
    assert all(end == ends[0] for end in ends)
    assert outcomes[len(outcomes) - len(ends) :] == ends
    assert len({end.identity("", "", n) for n, end in enumerate(ends)}) <= 1


@given(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=12))
def test_a_run_ends_with_a_report_or_with_both_facts(events: list[ImageEvent]) -> None:
    kinds = {type(event) for event in events}
    status = after(*events).status(0)
    if type(REPORT) in kinds:
        assert status is not RunStatus.OPEN
    elif kinds == {type(RESIZED), type(ANALYZED)}:
        assert status is RunStatus.COMPLETED
    else:
        assert status is RunStatus.OPEN


@given(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=6), st.sampled_from(EVENTS))
def test_the_revision_increases_only_with_a_change(
    events: list[ImageEvent], last: ImageEvent
) -> None:
    before = after(*events)
    changed = decide(before, last, AT)
    assert changed.revision - before.revision == (changed != before)


@given(st.lists(st.sampled_from(EVENTS), max_size=6), st.sampled_from(EVENTS), st.integers(1, 9))
def test_an_event_of_an_unknown_run_changes_nothing(
    events: list[ImageEvent], last: ImageEvent, run: int
) -> None:
    before = after(*events)
    assert decide(before, of_run(last, run), AT) == before
    assert before is None or outcome(before, run) is None


AGAIN, BY_FORCE = (ReplayRequested(image=CAT, run=0, force=force) for force in (False, True))
GONE = DeleteRequested(image=CAT, run=0)
BOTH = (RESIZED, ANALYZED)
SEVERAL_RUNS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *((event,) for event in EVENTS),
                *[BOTH, (AGAIN,)] * 4,
                *[(RELEASE_REQUESTED,)] * 2,
                *[(BY_FORCE,), (GONE,)],
            ]
        ),
        st.sampled_from([0, 0, 0, 0, 0, 1, -1]),
    ),
    min_size=3,
    max_size=25,
)
"""Events, and their run relative to the current one: the same, the one before or the next."""

NEXT = {
    RunStatus.OPEN: {RunStatus.COMPLETED, RunStatus.FAILED},
    RunStatus.COMPLETED: {RunStatus.SUPERSEDED},
}
"""The transitions of a run, apart from the deletion of its image."""


def history(steps: list[Any]) -> Iterator[tuple[Record | None, Any, Record]]:
    """Each event with the record before and after it, once there is a record."""
    record, at = None, AT
    for events, back in steps:
        run = max(0, (record.run if record else 0) - back)
        for event in events:
            before, at = record, at + timedelta(seconds=1)
            record = decide(before, of_run(event, run), at, Policy.QUARANTINE)
            if record:
                yield before, of_run(event, run), record


@settings(max_examples=4 * settings().max_examples)
@given(SEVERAL_RUNS)
def test_the_outcome_of_a_run_never_changes(
    steps: list[Any],
) -> None:
    ends: dict[int, Any] = {}
    for _, _, record in history(steps):
        outcomes = {run: outcome(record, run) for run in record.runs}
        unchanged = all(outcomes[run] == end for run, end in ends.items())
        assert unchanged or set(outcomes.values()) == {None}  # none after a deletion
        ends |= {run: end for run, end in outcomes.items() if end}


@settings(max_examples=4 * settings().max_examples)
@given(SEVERAL_RUNS)
def test_a_run_never_returns_to_an_earlier_status(steps: list[Any]) -> None:
    for before, _, record in history(steps):
        for run in before.runs if before else ():
            was, now = before.status(run), record.status(run)
            assert now in {was, RunStatus.DELETED} | NEXT.get(was, set())
        assert record == before or before is None or not before.deleted


@settings(max_examples=4 * settings().max_examples)
@given(SEVERAL_RUNS)
def test_a_new_run_replaces_only_the_run_that_the_request_names(
    steps: list[Any],
) -> None:
    for before, event, record in history(steps):
        assert set(record.runs) == set(range(record.run + 1))
        if before and record.run != before.run:
            assert isinstance(event, ReplayRequested)
            assert (event.run, record.run) == (before.run, before.run + 1)
            assert event.force or before.status(event.run) is not RunStatus.OPEN


@settings(max_examples=4 * settings().max_examples)
@given(SEVERAL_RUNS)
def test_the_published_run_is_the_only_one_with_status_completed(
    steps: list[Any],
) -> None:
    for _, _, record in history(steps):
        done = {run for run in record.runs if record.status(run) is RunStatus.COMPLETED}
        assert done == (set() if record.published is None else {record.published})


@settings(max_examples=4 * settings().max_examples)
@given(SEVERAL_RUNS)
def test_a_quarantined_run_is_published_only_after_a_release(
    steps: list[Any],
) -> None:
    reviewed = False
    for before, event, record in history(steps):
        run = before.runs.get(event.run) if before else None
        reviewed |= isinstance(event, ReleaseRequested) and bool(run and run.quarantined)
        assert not (record.released and not reviewed)
        shown = result(record)
        if shown:
            assert shown.quarantined is record.quarantined is not bool(shown.renditions)
            assert not (reviewed and shown.quarantined)


@settings(max_examples=4 * settings().max_examples)
@given(SEVERAL_RUNS)
def test_decisions_with_the_same_id_have_the_same_content(
    steps: list[Any],
) -> None:
    by_id: dict[str, Any] = {}
    for _, event, record in history(steps):
        for run in record.runs:
            for decision in decisions(record, of_run(event, run), AT):
                assert by_id.setdefault(decision.identity("", "", 0), decision) == decision
                assert (
                    not isinstance(decision, ImageSuperseded)
                    or decision.decided_at > outcome(record, decision.run).decided_at
                )


@pytest.mark.parametrize("order", [(RESIZED, ANALYZED), (ANALYZED, RESIZED)])
def test_both_facts_in_either_order_complete_the_run(order: tuple[Any, Any]) -> None:
    record = after(*order)
    ended = AT + timedelta(seconds=1)
    assert (record.status(0), record.published, record.current.ended) == ("completed", 0, ended)
    assert outcome(record, 0) == COMPLETED.model_copy(update={"decided_at": ended})


@pytest.mark.parametrize("fact", [RESIZED, ANALYZED])
def test_one_fact_alone_leaves_the_run_open(fact: Any) -> None:
    record = after(fact, fact)
    assert (record.status(0), record.published, record.revision) == ("open", None, 1)
    assert outcome(record, 0) is None


def test_a_report_ends_the_run_and_publishes_nothing() -> None:
    record = after(RESIZED, REPORT, ANALYZED)
    assert (record.status(0), record.published) == ("failed", None)
    assert outcome(record, 0) == ImageFailed(
        image=CAT,
        run=0,
        source=SOURCE,
        owner="ada",
        decided_at=AT + timedelta(seconds=1),
        stage="analyze",
        reason=REPORT.reason,
        detail=REPORT.detail,
        fault=REPORT.fault,
    )


def test_a_report_that_comes_first_creates_the_record() -> None:
    record = after(REPORT)
    assert (record.source, record.owner, record.revision) == (SOURCE, "ada", 1)
    assert record.status(0) is RunStatus.FAILED


def test_a_report_after_completion_changes_nothing() -> None:
    record = after(RESIZED, ANALYZED, REPORT)
    assert isinstance(outcome(record, 0), ImageCompleted)


def test_the_first_fact_of_its_kind_counts() -> None:
    record = after(RESIZED, RESIZED.model_copy(update={"width": 1}), ANALYZED)
    assert outcome(record, 0).width == RESIZED.width


def test_checksum_and_owner_come_from_the_first_event_that_has_them() -> None:
    killed = REPORT.model_copy(update={"source": UNREAD, "owner": None})
    analyzed = ANALYZED.model_copy(update={"source": UNREAD, "owner": None})
    assert (after(killed).source, after(killed).owner) == (UNREAD, None)
    assert after(analyzed, RESIZED).source == SOURCE
    assert after(analyzed, RESIZED).owner == "ada"
    assert after(RESIZED, killed).source == SOURCE


def test_the_outcome_of_a_failed_run_has_the_checksum_and_owner_of_its_first_step() -> None:
    killed = REPORT.model_copy(update={"source": UNREAD, "owner": None})
    failed = outcome(after(RESIZED, killed), 0)
    assert (failed.source, failed.owner) == (SOURCE, "ada")


def test_a_tombstone_keeps_the_owner_that_the_image_had_at_the_end() -> None:
    deleted = after(RESIZED, ANALYZED, ReplayRequested(image=CAT, run=0), GONE)
    assert (deleted.run, deleted.owner, deleted.source) == (1, "ada", SOURCE)


@pytest.mark.parametrize("event", [UPLOADED, Request(image=CAT, run=0)])
def test_an_event_that_store_does_not_consume_raises(event: Event) -> None:
    with pytest.raises(TypeError, match=f"{type(event).__name__} changes no record"):
        decide(None, event, AT)


def test_a_forced_replay_fails_one_run_and_starts_the_next_in_one_write() -> None:
    before = after(RESIZED)
    granted = decide(before, ReplayRequested(image=CAT, run=0, force=True), AT)
    assert granted.revision == before.revision + 1
    assert granted.run == 1
    assert granted.status(0) is RunStatus.FAILED
    assert granted.status(1) is RunStatus.OPEN


def test_a_deletion_is_one_write_and_the_last() -> None:
    before = after(RESIZED, ANALYZED)
    deleted = decide(before, DeleteRequested(image=CAT, run=0), AT)
    assert deleted.revision == before.revision + 1
    assert deleted.status(0) is RunStatus.DELETED
    assert decide(deleted, ReplayRequested(image=CAT, run=0, force=True), AT) == deleted


PICTURE = {"labels", "faces", "text", "moderation", "renditions", "fingerprint", "camera", "gps"}


def test_a_tombstone_holds_nothing_about_the_picture() -> None:
    before = after(RESIZED, ANALYZED)
    deleted = decide(before, GONE, AT)
    tombstone = deleted.model_dump(exclude_none=True, exclude_defaults=True)
    assert set(tombstone) == {"image", "runs", "source", "owner", "deleted", "revision"}
    assert all(set(run) == {"status", "started", "ended"} for run in tombstone["runs"].values())
    whole = before.model_dump_json()
    assert {word for word in PICTURE if f'"{word}' in whole} >= {"labels", "renditions"}
    assert not {
        word for word in PICTURE if f'"{word}' in deleted.model_dump_json(exclude_none=True)
    }


def test_a_deleted_image_answers_every_event_with_its_deletion() -> None:
    before = after(RESIZED, ANALYZED)
    deleted = decide(before, GONE, AT)
    (deletion,) = decisions(deleted, GONE, AT)
    assert isinstance(deletion, ImageDeleted)
    assert (deletion.source, deletion.owner) == (RESIZED.source, RESIZED.owner)
    for late in (RESIZED, ANALYZED, STEP_FAILED, BY_FORCE):
        assert decisions(decide(deleted, late, AT), late, AT) == [deletion]


JUDGED = {
    "flagged": Moderation(flagged=True, names=("Smoking",)),
    "clean": Moderation(flagged=False),
    "not judged": None,
}


def judged(word: str, policy: Policy) -> Record:
    analyzed = ANALYZED.model_copy(update={"moderation": JUDGED[word]})
    return after(RESIZED, analyzed, policy=policy)


@pytest.mark.parametrize(
    ("word", "policy", "quarantined"),
    [
        ("flagged", Policy.QUARANTINE, True),
        ("not judged", Policy.QUARANTINE, True),
        ("clean", Policy.QUARANTINE, False),
        ("flagged", Policy.FLAG, False),
        ("not judged", Policy.FLAG, False),
    ],
)
def test_with_quarantine_only_clean_pictures_are_published(
    word: str, policy: Policy, quarantined: bool
) -> None:
    record = judged(word, policy)
    completed = outcome(record, 0)
    assert (record.quarantined, completed.quarantined) == (quarantined, quarantined)
    assert completed.renditions == (() if quarantined else RESIZED.renditions)
    assert completed.placeholder == (None if quarantined else RESIZED.placeholder)
    assert completed.details == RESIZED.details
    assert result(record) == completed


@pytest.mark.parametrize("later", Policy)
def test_the_completing_write_decides_about_quarantine(
    later: Policy,
) -> None:
    record = judged("flagged", Policy.QUARANTINE)
    again = after(ANALYZED, RESIZED, record=record, policy=later)
    assert again == record


def test_a_run_that_fails_is_not_quarantined() -> None:
    record = after(RESIZED, REPORT, policy=Policy.QUARANTINE)
    assert (record.current.quarantined, record.quarantined) == (False, False)


def test_a_release_is_one_write_and_does_not_change_the_outcome() -> None:
    before = judged("flagged", Policy.QUARANTINE)
    released = decide(before, RELEASE_REQUESTED, AT, Policy.QUARANTINE)
    assert released.revision == before.revision + 1
    assert outcome(released, 0) == outcome(before, 0)
    assert result(released).renditions == RESIZED.renditions
    assert decide(released, RELEASE_REQUESTED, AT + timedelta(hours=1)) == released


@pytest.mark.parametrize("word", ["open", "failed", "clean", "deleted"])
def test_only_a_quarantined_image_can_be_released(word: str) -> None:
    flagged = judged("flagged", Policy.QUARANTINE)
    record = {
        "open": after(RESIZED),
        "failed": after(REPORT),
        "clean": judged("clean", Policy.QUARANTINE),
        "deleted": after(DeleteRequested(image=CAT, run=0), record=flagged),
    }[word]
    assert decide(record, RELEASE_REQUESTED, AT) == record
    assert not [d for d in decisions(record, RELEASE_REQUESTED, AT) if isinstance(d, ImageReleased)]


def test_a_release_does_not_create_a_record() -> None:
    assert decide(None, RELEASE_REQUESTED, AT) is None


def test_a_release_covers_later_runs() -> None:
    released = after(RELEASE_REQUESTED, record=judged("flagged", Policy.QUARANTINE))
    following = after(ReplayRequested(image=CAT, run=0), record=released)
    second = after(
        of_run(RESIZED, 1), of_run(ANALYZED, 1), record=following, policy=Policy.QUARANTINE
    )
    assert (second.published, second.quarantined, outcome(second, 1).quarantined) == (
        1,
        False,
        False,
    )


def test_a_release_of_a_superseded_run_covers_the_published_one() -> None:
    replayed = after(ReplayRequested(image=CAT, run=0), record=judged("flagged", Policy.QUARANTINE))
    clean = of_run(ANALYZED, 1).model_copy(update={"moderation": JUDGED["clean"]})
    second = after(of_run(RESIZED, 1), clean, record=replayed, policy=Policy.QUARANTINE)
    released = decide(second, RELEASE_REQUESTED, AT)
    assert released.released == Release(run=1, at=AT)
    assert [decision.run for decision in decisions(released, RELEASE_REQUESTED, AT)][:2] == [0, 1]


def test_after_a_deletion_no_release_is_published() -> None:
    released = after(RELEASE_REQUESTED, record=judged("flagged", Policy.QUARANTINE))
    deleted = decide(released, DeleteRequested(image=CAT, run=0), AT)
    assert ImageReleased in {
        type(decision) for decision in decisions(released, RELEASE_REQUESTED, AT)
    }
    assert ImageReleased not in {
        type(decision) for decision in decisions(deleted, RELEASE_REQUESTED, AT)
    }


ANEW = ReplayRequested(image=CAT, run=0, analyze_only=True, analyzer="rekognition")


def test_a_reanalysis_reuses_the_published_run() -> None:
    granted = after(RESIZED, ANALYZED, ANEW)
    reanalysis = Reanalysis(of=0, analyzer="rekognition")
    assert (granted.run, granted.current.reanalysis, granted.published) == (1, reanalysis, 0)
    (replayed,) = [d for d in decisions(granted, ANEW, AT) if isinstance(d, ImageReplayed)]
    assert (replayed.run, replayed.reanalysis, replayed.copy_from) == (1, reanalysis, RESIZED)


def test_after_a_failure_a_reanalysis_still_reuses_the_published_run() -> None:
    failed = after(RESIZED, ANALYZED, ReplayRequested(image=CAT, run=0), of_run(REPORT, 1))
    granted = decide(failed, of_run(ANEW, 1), AT)
    assert (granted.run, granted.current.reanalysis.of) == (2, 0)


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("before", [[RESIZED], [REPORT]])
def test_without_a_published_run_there_is_no_reanalysis(before: Any, force: bool) -> None:
    record = after(*before)
    assert decide(record, ANEW.model_copy(update={"force": force}), AT) == record


def test_a_full_replay_reuses_nothing() -> None:
    request = ReplayRequested(image=CAT, run=0)
    granted = after(RESIZED, ANALYZED, request)
    (replayed, *_) = decisions(granted, request, AT)
    assert (replayed.reanalysis, replayed.copy_from) == (None, None)


def test_a_replay_has_the_largest_face_of_the_last_analysis() -> None:
    request = ReplayRequested(image=CAT, run=0)
    granted = after(RESIZED, ANALYZED, request)
    assert decisions(granted, request, AT)[0].largest_face == ANALYZED.largest_face
    failed = decide(granted, of_run(REPORT, 1), AT)
    again = of_run(request, 1)
    assert decisions(decide(failed, again, AT), again, AT)[0].largest_face == ANALYZED.largest_face


def test_a_replay_without_an_analysis_or_a_face_has_no_largest_face() -> None:
    request = ReplayRequested(image=CAT, run=0)
    assert decisions(after(REPORT, request), request, AT)[0].largest_face is None
    faceless = ANALYZED.model_copy(update={"largest_face": None})
    assert decisions(after(RESIZED, faceless, request), request, AT)[0].largest_face is None


def test_a_repeated_replay_has_the_largest_face_that_was_known_then() -> None:
    """The run that it starts may find another one; the id of the decision is the same."""
    request = ReplayRequested(image=CAT, run=0)
    granted = after(RESIZED, ANALYZED, request)
    other = of_run(ANALYZED, 1).model_copy(update={"largest_face": FocalPoint(x=0, y=0)})
    completed = decide(decide(granted, of_run(RESIZED, 1), AT), other, AT)
    assert completed.published == 1
    (first, *_), (repeated, *_) = (
        decisions(record, request, AT) for record in (granted, completed)
    )
    assert repeated == first


def test_an_outcome_does_not_publish_the_largest_face() -> None:
    completed = after(RESIZED, ANALYZED)
    assert "largest_face" not in outcome(completed, 0).model_dump()


def test_the_outcome_describes_each_version_by_its_own_run() -> None:
    twice = [RESIZED, ANALYZED, ANEW, of_run(RESIZED, 1), of_run(ANALYZED, 1), of_run(ANEW, 1)]
    record = after(*twice, REANALYSIS_RESIZED, REANALYSIS_ANALYZED)
    (first, second) = outcome(record, 2).versions
    assert (first.run, first.document) == (0, f"analyses/{CAT}/2/versions/0.json")
    assert (second.run, second.document) == (1, f"analyses/{CAT}/2/versions/1.json")
    assert (first.analyzer, first.models) == (ANALYZED.analyzer, ANALYZED.models)
    assert (first.thresholds, first.analyzed_at) == (ANALYZED.thresholds, ANALYZED.analyzed_at)


def test_a_version_of_an_unknown_run_is_left_out() -> None:
    stray = ANALYZED.model_copy(
        update={"previous_versions": (PreviousVersion(run=7, document="d"),)}
    )
    assert outcome(after(RESIZED, stray), 0).versions == ()


def anew(word: str, record: Record) -> Record:
    """The record after a re-analysis with this moderation result, with quarantine."""
    judged_anew = REANALYSIS_ANALYZED.model_copy(
        update={
            "run": 1,
            "moderation": JUDGED[word],
            "previous_versions": REANALYSIS_ANALYZED.previous_versions[:1],
        }
    )
    events = (ANEW, of_run(REANALYSIS_RESIZED, 1), judged_anew)
    return after(*events, record=record, policy=Policy.QUARANTINE)


@pytest.mark.parametrize("before", ["clean", "flagged"])
@pytest.mark.parametrize(("word", "quarantined"), [("flagged", True), ("clean", False)])
def test_a_reanalysis_is_quarantined_by_its_own_answers(
    before: str, word: str, quarantined: bool
) -> None:
    record = anew(word, judged(before, Policy.QUARANTINE))
    shown = result(record)
    assert (record.published, shown.quarantined, not shown.renditions) == (
        1,
        quarantined,
        quarantined,
    )
    assert shown == outcome(record, 1)
    assert [version.run for version in shown.versions] == [0]


def test_a_reanalysis_of_a_released_image_stays_released() -> None:
    released = after(RELEASE_REQUESTED, record=judged("flagged", Policy.QUARANTINE))
    record = anew("flagged", released)
    assert (record.published, record.quarantined, outcome(record, 1).quarantined) == (
        1,
        False,
        False,
    )
    assert result(record).renditions == REANALYSIS_RESIZED.renditions


def test_a_released_reanalysis_has_its_versions() -> None:
    record = anew("flagged", judged("clean", Policy.QUARANTINE))
    request = of_run(RELEASE_REQUESTED, 1)
    released = decide(record, request, AT)
    (release,) = [d for d in decisions(released, request, AT) if isinstance(d, ImageReleased)]
    assert (release.run, release.renditions) == (1, REANALYSIS_RESIZED.renditions)
    assert release.versions == outcome(record, 1).versions


def completed_and_failed() -> tuple[Record, Record]:
    """A record whose run 0 completed; and the same once its run 1 has failed, too."""
    before = after(RESIZED, ANALYZED, ReplayRequested(image=CAT, run=0))
    failed = after(REPORT.model_copy(update={"run": 1}), record=before)
    assert before
    assert failed
    return before, failed


def test_the_runs_that_a_change_ended_are_those_that_were_open_before_it() -> None:
    before, failed = completed_and_failed()
    assert ended(before, failed) == [failed.runs[1]]
    assert ended(None, failed) == [failed.runs[0], failed.runs[1]]
    assert ended(None, before) == [before.runs[0]]
    assert ended(failed, failed) == []


def test_a_request_is_answered_with_what_was_decided_within_seven_days() -> None:
    record = after(RESIZED, ANALYZED)
    assert record
    request, at = DeleteRequested(image=CAT, run=0), record.runs[0].ended
    assert at
    week, moment = timedelta(days=7), timedelta(microseconds=1)
    assert decisions(record, request, at + week) == [outcome(record, 0)]
    assert decisions(record, request, at + week + moment) == []
    assert decisions(record, ANALYZED, at + week + moment) == [outcome(record, 0)]
    assert week == REPEAT_WINDOW


def test_a_release_is_repeated_beside_its_own_runs_outcome_and_no_other() -> None:
    flagged = ANALYZED.model_copy(update={"moderation": Moderation(flagged=True)})
    events = (RESIZED, flagged, RELEASE_REQUESTED, ReplayRequested(image=CAT, run=0))
    record = after(*events, policy=Policy.QUARANTINE)
    assert record
    of_run = {run: RESIZED.model_copy(update={"run": run}) for run in (0, 1)}
    kinds = {run: [type(a) for a in decisions(record, e, AT)] for run, e in of_run.items()}
    assert kinds == {0: [ImageCompleted, ImageReleased], 1: []}


def test_a_forced_replay_fails_the_open_run_as_superseded() -> None:
    opened = after(RESIZED)
    assert opened
    later = AT + timedelta(hours=1)
    record = decide(opened, ReplayRequested(image=CAT, run=0, force=True), later)
    assert record
    failure = record.runs[0].failure
    assert failure
    assert (failure.stage, failure.reason, failure.owner) == ("store", "superseded", opened.owner)
    assert failure.detail == "A new run was requested while this one was still open."
    assert record.runs[0].ended == later
