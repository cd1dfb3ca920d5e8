"""How an image's record changes, and what it says. Pure: records and events in, records out.

Only this decides how a run ended, and only the first end counts: a fact or a report about a run
that has ended changes nothing, and is answered with what is on record.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum

from services.store.estimate import estimate
from shared.contracts.cost import Cost, Rates
from shared.contracts.envelope import Event
from shared.contracts.images import (
    AnalysisVersion,
    Decision,
    DeleteRequested,
    Fact,
    ImageAnalyzed,
    ImageCompleted,
    ImageDeleted,
    ImageEvent,
    ImageFailed,
    ImageReleased,
    ImageReplayed,
    ImageResized,
    ImageSuperseded,
    Reanalysis,
    ReleaseRequested,
    ReplayRequested,
    Request,
    StepFailed,
)
from shared.contracts.record import Record, Release, Run, RunStatus
from shared.errors import Fault

INTERNAL = {
    *("type", "image", "run", "source", "owner"),
    *(
        "analysis",
        "reanalysis",
        "models",
        "thresholds",
        "analyzed_at",
        "reused_from",
        "previous_versions",
    ),
    *("fingerprint", "embedding"),
}
"""What a verdict does not copy from the facts: it has its own, or nobody has a use for it."""

LATELY = timedelta(days=7)
"""As long as a queue keeps a request. The ledger remembers longer, so what is announced again this
late is told to nobody twice.
"""


class Policy(StrEnum):
    """What becomes of a picture that is flagged."""

    FLAG = "flag"
    """It is told that it is flagged, and its renditions are handed out like any other's."""
    QUARANTINE = "quarantine"
    """Its renditions are quarantined until an operator has looked at it and released it."""


def decide(
    record: Record | None,
    event: Event,
    at: datetime,
    policy: Policy = Policy.FLAG,
    rates: Rates | None = None,
) -> Record | None:
    """The record after this event; the same one if it changes nothing.

    None stays None where there is nothing to decide: a request about an image, or an event about
    a later run, that no record knows. Runs begin in the record.
    """
    after = _decided(record, event, at, policy, rates)
    if after is None or after == record:
        return record
    return after.model_copy(update={"revision": (record.revision if record else 0) + 1})


def _decided(
    record: Record | None, event: Event, at: datetime, policy: Policy, rates: Rates | None
) -> Record | None:
    match event:
        case ReplayRequested():
            return record and _replay(record, event, at)
        case ReleaseRequested():
            return record and _release(record, event, at)
        case DeleteRequested():
            return record and _delete(record, at)
        case ImageEvent():
            return _learn(record, event, at, policy, rates)
        case _:
            raise TypeError(f"{event.type} is nothing to decide on")


def _learn(
    record: Record | None, event: ImageEvent, at: datetime, policy: Policy, rates: Rates | None
) -> Record | None:
    if record is None:
        record = _begin(event, at)
    if record is None or record.status(event.run) is not RunStatus.OPEN:
        return record
    learned = _advance(record.runs[event.run], event, at)
    if learned == record.runs[event.run]:
        return record
    judged = {"quarantined": _waits(learned, record, policy), "cost": _cost(learned, rates)}
    runs = {**record.runs, event.run: learned.model_copy(update=judged)}
    return _publish(record.model_copy(update={"runs": runs}), event)


def _begin(event: ImageEvent, at: datetime) -> Record | None:
    if event.run != 0:
        return None
    return Record(
        image=event.image, runs={0: Run(started=at)}, source=event.source, owner=event.owner
    )


def _advance(run: Run, event: ImageEvent, at: datetime) -> Run:
    match event:
        case StepFailed():
            change = {"failure": event, "status": RunStatus.FAILED, "ended": at}
        case ImageResized():
            change = _complete(run.analyzed, at) | {"resized": run.resized or event}
        case ImageAnalyzed():
            change = _complete(run.resized, at) | {"analyzed": run.analyzed or event}
        case _:
            raise TypeError(f"{event.type} is nothing to decide on")
    return run.model_copy(update=change)


def _complete(other: Fact | None, at: datetime) -> dict[str, object]:
    """A run is complete with both facts, in whichever order they came."""
    return {"status": RunStatus.COMPLETED, "ended": at} if other else {}


def _waits(run: Run, record: Record, policy: Policy) -> bool:
    """Whether a run that completes has to wait for an operator's look before it is handed out.

    Decided once, in the write that completes it, so that its verdict keeps its words. What nobody
    judged waits too: to switch the detection off must be no way out of quarantine.
    """
    if policy is Policy.FLAG or run.status is not RunStatus.COMPLETED or record.released:
        return False
    judged = run.analyzed.moderation if run.analyzed else None
    return judged is None or judged.flagged


def _cost(run: Run, rates: Rates | None) -> Cost | None:
    """Estimated once, in the write that completes the run, so that its verdict keeps its words."""
    if rates is None or run.status is not RunStatus.COMPLETED:
        return None
    assert run.resized, "a run completes with both facts"
    assert run.analyzed, "a run completes with both facts"
    return estimate(run.resized, run.analyzed, rates)


def _publish(record: Record, event: ImageEvent) -> Record:
    """A run that completes is handed out, in the same write that withdraws the one before it."""
    change: dict[str, object] = {
        "owner": record.owner or event.owner,
        "source": event.source if event.source.sha256 else record.source,
    }
    completed = record.runs[event.run].status is RunStatus.COMPLETED
    if completed and record.published != event.run:
        before = () if record.published is None else (record.published,)
        change |= {"published": event.run, "superseded": (*record.superseded, *before)}
    return record.model_copy(update=change)


def _replay(record: Record, request: ReplayRequested, at: datetime) -> Record:
    """Grant a new run in the place of the one that the request names, and of no other."""
    if record.deleted or record.run != request.run or record.full:
        return record
    if request.analyze_only and record.published is None:
        return record
    runs = dict(record.runs)
    if record.current.status is RunStatus.OPEN:
        if not request.force:
            return record
        runs[record.run] = _give_way(record, at)
    following = record.run + 1
    runs[following] = Run(started=at, reanalysis=_reanalysis(record, request))
    return record.model_copy(update={"run": following, "runs": runs})


def _reanalysis(record: Record, request: ReplayRequested) -> Reanalysis | None:
    """It takes over from the published run, which stays until the new one completes."""
    if not request.analyze_only or record.published is None:
        return None
    return Reanalysis(of=record.published, analyzer=request.analyzer)


def _give_way(record: Record, at: datetime) -> Run:
    failure = StepFailed(
        image=record.image,
        run=record.run,
        source=record.source,
        owner=record.owner,
        stage="store",
        reason="superseded",
        detail="A new run was asked for while this one was still at work.",
        fault=Fault.CLIENT,
    )
    return _advance(record.current, failure, at)


def _release(record: Record, request: ReleaseRequested, at: datetime) -> Record:
    """Hand out the picture if the run that was looked at was quarantined.

    It is the same picture if a later run is published by now, so that one is handed out.
    """
    seen = record.runs.get(request.run)
    if record.published is None or record.released or not (seen and seen.quarantined):
        return record
    return record.model_copy(update={"released": Release(run=record.published, at=at)})


def _delete(record: Record, at: datetime) -> Record:
    """Leave a tombstone: nothing of what was seen in the picture, nor of its renditions.

    Only that there were such runs, and what the deletion has to be told with however often it is
    told: where the original was, and whose.
    """
    if record.deleted:
        return record
    said = _common(record, record.run, at, known_by=record.run)
    runs = {
        number: Run(status=run.status, started=run.started, ended=run.ended)
        for number, run in record.runs.items()
    }
    return Record.model_validate(
        {
            "image": record.image,
            "run": record.run,
            "runs": runs,
            "deleted": at,
            "source": said["source"],
            "owner": said["owner"],
            "revision": record.revision,
        }
    )


def ended(before: Record | None, after: Record) -> list[Run]:
    """The runs that this change has ended."""
    known = before.runs if before else {}
    return [
        run for n, run in after.runs.items() if run.ended and not (n in known and known[n].ended)
    ]


def answers(record: Record, event: Event, at: datetime) -> list[Decision]:
    """All that is on record about what this event asks or tells, in words that never change.

    Whatever the event, its run's end is said again, and every run that has to be compensated is named
    again: an announcement that was lost, or work that came too late, is made good by the next one.
    Of a deleted image only that is said, and it covers every run.
    A request may come months later, when nobody remembers what was told, so it repeats only
    what was decided lately: its own grant or end, whose announcement may have been lost.
    """
    said = (
        [_deleted(record, record.deleted)]
        if record.deleted
        else [
            _granted(record, event) if isinstance(event, ReplayRequested) else None,
            verdict(record, event.run),
            _released(record, event),
            *(_superseded(record, run) for run in record.superseded),
        ]
    )
    since = at - LATELY if isinstance(event, Request) else None
    return [one for one in said if one and (since is None or one.decided_at >= since)]


def verdict(record: Record, run: int) -> Decision | None:
    """How this run ended; None while it is open or unknown, and for good once it is deleted."""
    known = record.runs.get(run)
    if known is None or known.ended is None or record.deleted:
        return None
    if known.status is RunStatus.COMPLETED:
        return _stored(record, run, quarantined=known.quarantined)
    assert known.failure, "a run fails by a report"
    common = _common(record, run, known.ended, known_by=run)
    return ImageFailed.model_validate(common | known.failure.model_dump(exclude=set(common)))


def result(record: Record) -> ImageCompleted | None:
    """The published run's verdict as it has to be shown now; None where none is published.

    It differs from what was announced once a release hands out what was quarantined.
    """
    if record.published is None:
        return None
    return _stored(record, record.published, quarantined=record.quarantined)


def _stored(record: Record, run: int, *, quarantined: bool) -> ImageCompleted:
    """Whoever reads of a run that is quarantined does not learn where its renditions are."""
    ended = record.runs[run].ended
    assert ended, "a completed run has ended"
    kept = {"quarantined": True, "renditions": ()} if quarantined else {}
    return ImageCompleted.model_validate(_made(record, run, ended) | kept)


def _released(record: Record, event: Event) -> Decision | None:
    """Said to who asks for it, and beside the verdict of the run that was released.

    A later run's facts may come when nobody remembers any more that it was told.
    """
    release = record.released
    if release is None:
        return None
    if not isinstance(event, ReleaseRequested) and event.run != release.run:
        return None
    return ImageReleased.model_validate(_made(record, release.run, release.at))


def _made(record: Record, run: int, at: datetime) -> dict[str, object]:
    """All that is said of a run that completed."""
    resized, analyzed = record.runs[run].resized, record.runs[run].analyzed
    assert resized, "a run completes with both facts"
    assert analyzed, "a run completes with both facts"
    said = _common(record, run, at, known_by=run) | _said(resized) | _said(analyzed)
    versions = tuple(_versions(record, analyzed))
    return said | {"versions": versions, "cost": record.runs[run].cost}


def _versions(record: Record, analyzed: ImageAnalyzed) -> Iterator[AnalysisVersion]:
    """The versions taken over, described by the runs that asked for them: ended, so for good."""
    for previous_versions in analyzed.previous_versions:
        asker = record.runs.get(previous_versions.run)
        if asker and asker.analyzed:
            described = asker.analyzed.model_dump(include=set(AnalysisVersion.model_fields))
            yield AnalysisVersion.model_validate(described | previous_versions.model_dump())


def _said(fact: Fact) -> dict[str, object]:
    return {name: value for name, value in fact if name not in INTERNAL}


def _granted(record: Record, request: ReplayRequested) -> Decision | None:
    """The run that was granted for this request, now or when it was made before."""
    following = request.run + 1
    if record.run != following:
        return None
    granted = record.runs[following]
    again = granted.reanalysis
    taken = {"reanalysis": again, "made": again and record.runs[again.of].resized}
    return ImageReplayed.model_validate(
        _common(record, following, granted.started, known_by=request.run) | taken
    )


def _superseded(record: Record, run: int) -> Decision:
    later = [n for n, other in record.runs.items() if n > run and other.resized and other.analyzed]
    ended = record.runs[min(later)].ended
    assert ended, "a run is withdrawn by one that completed"
    return ImageSuperseded.model_validate(_common(record, run, ended, known_by=run))


def _deleted(record: Record, at: datetime) -> Decision:
    """In the words that the tombstone has kept."""
    return ImageDeleted(
        image=record.image, run=record.run, source=record.source, owner=record.owner, decided_at=at
    )


def _common(record: Record, run: int, ended: datetime, *, known_by: int) -> dict[str, object]:
    """What every verdict says. Of the original, what was found out up to the run ``known_by``.

    The record may have learned more since, from a later run; a verdict that said so when it is
    announced again would say two things under one id.
    """
    runs = [record.runs[n] for n in sorted(record.runs) if n <= known_by]
    heard = [said for one in runs for said in (one.resized, one.analyzed, one.failure) if said]
    read = [event.source for event in heard if event.source.sha256]
    return {
        "image": record.image,
        "run": run,
        "source": read[-1] if read else record.source.model_copy(update={"sha256": None}),
        "owner": next((event.owner for event in heard if event.owner), None),
        "decided_at": ended,
    }
