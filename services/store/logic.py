"""How events change a record, and which decisions follow from it. Pure.

Only this module decides how a run ends, and only the first end counts. A later fact or report
changes nothing; the response repeats the recorded decisions.
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
    FocalPoint,
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

NOT_IN_OUTCOME = {
    *("type", "image", "run", "source", "owner", "fingerprint", "embedding"),
    *("analysis", "reanalysis", "models", "thresholds"),
    *("analyzed_at", "reused_from", "previous_versions", "largest_face"),
}
"""Fields of the facts that an outcome does not copy: it has its own, or no consumer needs them."""

REPEAT_WINDOW = timedelta(days=7)
"""The retention of a queue, so the latest that a request is redelivered. The ledger keeps claims
longer, so a repeat within this time is not delivered twice.
"""


class Policy(StrEnum):
    """What happens to flagged pictures."""

    FLAG = "flag"
    """Events say that the picture is flagged; its renditions are published."""
    QUARANTINE = "quarantine"
    """Its renditions are quarantined until an operator releases them."""


def decide(
    record: Record | None,
    event: Event,
    at: datetime,
    policy: Policy = Policy.FLAG,
    rates: Rates | None = None,
) -> Record | None:
    """The record after this event; the same object if nothing changes.

    None if there is still no record: a request, or an event of a later run, does not create one.
    """
    after = _apply(record, event, at, policy, rates)
    if after is None or after == record:
        return record
    return after.model_copy(update={"revision": (record.revision if record else 0) + 1})


def _apply(
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
            return _apply_to_run(record, event, at, policy, rates)
        case _:
            raise TypeError(f"{type(event).__name__} changes no record")


def _apply_to_run(
    record: Record | None, event: ImageEvent, at: datetime, policy: Policy, rates: Rates | None
) -> Record | None:
    if record is None:
        record = _create(event, at)
    if record is None or record.status(event.run) is not RunStatus.OPEN:
        return record
    run = _advance(record.runs[event.run], event, at)
    if run == record.runs[event.run]:
        return record
    update = {"quarantined": _quarantine(run, record, policy), "cost": _cost(run, rates)}
    runs = {**record.runs, event.run: run.model_copy(update=update)}
    return _publish(record.model_copy(update={"runs": runs}), event)


def _create(event: ImageEvent, at: datetime) -> Record | None:
    if event.run != 0:
        return None
    return Record(image=event.image, runs={0: Run(started=at)}, source=event.source)


def _advance(run: Run, event: ImageEvent, at: datetime) -> Run:
    match event:
        case StepFailed():
            change = {"failure": event, "status": RunStatus.FAILED, "ended": at}
        case ImageResized():
            change = _complete(run.analyzed, at) | {"resized": run.resized or event}
        case ImageAnalyzed():
            change = _complete(run.resized, at) | {"analyzed": run.analyzed or event}
        case _:
            raise TypeError(f"{type(event).__name__} changes no record")
    return run.model_copy(update=change)


def _complete(other: Fact | None, at: datetime) -> dict[str, object]:
    """A run is complete with both facts, in either order."""
    return {"status": RunStatus.COMPLETED, "ended": at} if other else {}


def _quarantine(run: Run, record: Record, policy: Policy) -> bool:
    """Whether a completing run waits for an operator's release before it is published.

    The write that completes the run decides this once, so that its outcome never changes. A picture
    without a moderation result waits too: switching moderation off must not bypass the quarantine.
    """
    if policy is Policy.FLAG or run.status is not RunStatus.COMPLETED or record.released:
        return False
    assert run.analyzed, "a run completes with both facts"
    moderation = run.analyzed.moderation
    return moderation is None or moderation.flagged


def _cost(run: Run, rates: Rates | None) -> Cost | None:
    """The estimate. The completing write makes it once, so that the outcome never changes."""
    if rates is None or run.status is not RunStatus.COMPLETED:
        return None
    assert run.resized, "a run completes with both facts"
    assert run.analyzed, "a run completes with both facts"
    return estimate(run.resized, run.analyzed, rates)


def _publish(record: Record, event: ImageEvent) -> Record:
    """Publish a completed run. The same write supersedes the run that was published before."""
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
    """Start a new run that replaces the run which the request names, and no other."""
    if record.deleted or record.run != request.run or record.full:
        return record
    if request.analyze_only and record.published is None:
        return record
    runs = dict(record.runs)
    if record.current.status is RunStatus.OPEN:
        if not request.force:
            return record
        runs[record.run] = _supersede_open(record, at)
    next_run = record.run + 1
    runs[next_run] = Run(started=at, reanalysis=_reanalysis(record, request))
    return record.model_copy(update={"run": next_run, "runs": runs})


def _reanalysis(record: Record, request: ReplayRequested) -> Reanalysis | None:
    """It reuses the published run, which stays published until the new one completes."""
    if not request.analyze_only or record.published is None:
        return None
    return Reanalysis(of=record.published, analyzer=request.analyzer)


def _supersede_open(record: Record, at: datetime) -> Run:
    """The current run, failed in favour of a forced replay."""
    failure = StepFailed(
        image=record.image,
        run=record.run,
        source=record.source,
        owner=record.owner,
        stage="store",
        reason="superseded",
        detail="A new run was requested while this one was still open.",
        fault=Fault.CLIENT,
    )
    return _advance(record.current, failure, at)


def _release(record: Record, request: ReleaseRequested, at: datetime) -> Record:
    """Release the published run if the run that the operator reviewed was quarantined.

    A run published since then shows the same picture, so the release covers it.
    """
    reviewed = record.runs.get(request.run)
    if record.published is None or record.released or not (reviewed and reviewed.quarantined):
        return record
    return record.model_copy(update={"released": Release(run=record.published, at=at)})


def _delete(record: Record, at: datetime) -> Record:
    """Replace the record with a tombstone, without facts about the picture or its renditions.

    It keeps the runs' status and times, and what every repeat of ``image.deleted`` needs: source
    and owner.
    """
    if record.deleted:
        return record
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
            **_origin(record, up_to=record.run),
        }
    )


def ended(before: Record | None, after: Record) -> list[Run]:
    """The runs that this change has ended."""
    ended_before = {n for n, run in before.runs.items() if run.ended} if before else set()
    return [run for n, run in after.runs.items() if run.ended and n not in ended_before]


def decisions(record: Record, event: Event, at: datetime) -> list[Decision]:
    """The decisions on record that answer this event, always with the same content and id.

    Every event repeats its run's outcome and all superseded runs. So the next event replaces a
    publication that was lost, and compensates work that came too late. For a deleted image it is
    ``image.deleted`` alone, which covers every run.

    A request may come months later, after the ledger forgot the first delivery. So it repeats only
    decisions within ``REPEAT_WINDOW``, whose publication may have been lost.
    """
    on_record = (
        [_deleted(record, record.deleted)]
        if record.deleted
        else [
            _replayed(record, event) if isinstance(event, ReplayRequested) else None,
            outcome(record, event.run),
            _released(record, event),
            *(_superseded(record, run) for run in record.superseded),
        ]
    )
    since = at - REPEAT_WINDOW if isinstance(event, Request) else None
    return [
        decision
        for decision in on_record
        if decision and (since is None or decision.decided_at >= since)
    ]


def outcome(record: Record, number: int) -> Decision | None:
    """How this run ended; None if it is open or unknown, or the image is deleted."""
    run = record.runs.get(number)
    if run is None or run.ended is None or record.deleted:
        return None
    if run.status is RunStatus.COMPLETED:
        return _completed(record, number, quarantined=run.quarantined)
    assert run.failure, "a run fails by a report"
    common = _common(record, number, run.ended, up_to=number)
    return ImageFailed.model_validate(common | run.failure.model_dump(exclude=set(common)))


def result(record: Record) -> ImageCompleted | None:
    """The published run as the result document shows it; None if no run is published.

    After a release it differs from the published outcome: it holds the renditions.
    """
    if record.published is None:
        return None
    return _completed(record, record.published, quarantined=record.quarantined)


def _completed(record: Record, run: int, *, quarantined: bool) -> ImageCompleted:
    """A quarantined outcome reveals neither where the renditions are nor what they show."""
    ended = record.runs[run].ended
    assert ended, "a completed run has ended"
    hidden = {"quarantined": True, "renditions": (), "placeholder": None} if quarantined else {}
    return ImageCompleted.model_validate(_completed_fields(record, run, ended) | hidden)


def _released(record: Record, event: Event) -> Decision | None:
    """Answers a release request, and events of the run that was released.

    It does not answer events of later runs: they may come after the ledger forgot the delivery.
    """
    release = record.released
    if release is None:
        return None
    if not isinstance(event, ReleaseRequested) and event.run != release.run:
        return None
    return ImageReleased.model_validate(_completed_fields(record, release.run, release.at))


def _completed_fields(record: Record, run: int, at: datetime) -> dict[str, object]:
    """What an event about a completed run contains."""
    resized, analyzed = record.runs[run].resized, record.runs[run].analyzed
    assert resized, "a run completes with both facts"
    assert analyzed, "a run completes with both facts"
    facts = _public_fields(resized) | _public_fields(analyzed)
    versions = tuple(_versions(record, analyzed))
    common = _common(record, run, at, up_to=run)
    return common | facts | {"versions": versions, "cost": record.runs[run].cost}


def _versions(record: Record, analyzed: ImageAnalyzed) -> Iterator[AnalysisVersion]:
    """The previous versions, described by their own runs. Those have ended, so nothing changes."""
    for version in analyzed.previous_versions:
        run = record.runs.get(version.run)
        if run and run.analyzed:
            yield AnalysisVersion.model_validate(run.analyzed.model_dump() | version.model_dump())


def _public_fields(fact: Fact) -> dict[str, object]:
    return {name: value for name, value in fact if name not in NOT_IN_OUTCOME}


def _replayed(record: Record, request: ReplayRequested) -> Decision | None:
    """The run that this request started, now or when it was handled before."""
    next_run = request.run + 1
    if record.run != next_run:
        return None
    run = record.runs[next_run]
    reanalysis = run.reanalysis
    reused = {
        "reanalysis": reanalysis,
        "copy_from": reanalysis and record.runs[reanalysis.of].resized,
    }
    common = _common(record, next_run, run.started, up_to=request.run)
    face = _largest_face(record, up_to=request.run)
    return ImageReplayed.model_validate(common | reused | {"largest_face": face})


def _largest_face(record: Record, *, up_to: int) -> FocalPoint | None:
    """What the last of these runs with an analysis found. They have ended, so nothing changes."""
    analyses = [run.analyzed for n, run in sorted(record.runs.items()) if n <= up_to]
    return next((a.largest_face for a in reversed(analyses) if a), None)


def _superseded(record: Record, run: int) -> Decision:
    later = [n for n, other in record.runs.items() if n > run and other.resized and other.analyzed]
    ended = record.runs[min(later)].ended
    assert ended, "only a completed run supersedes another"
    return ImageSuperseded.model_validate(_common(record, run, ended, up_to=run))


def _deleted(record: Record, at: datetime) -> Decision:
    return ImageDeleted(
        image=record.image, run=record.run, source=record.source, owner=record.owner, decided_at=at
    )


def _common(record: Record, run: int, at: datetime, *, up_to: int) -> dict[str, object]:
    """The fields that every decision has."""
    return {"image": record.image, "run": run, "decided_at": at, **_origin(record, up_to=up_to)}


def _origin(record: Record, *, up_to: int) -> dict[str, object]:
    """Source and owner, as the runs up to ``up_to`` know them.

    A later run may add to the record. A repeated decision must not include that, because its id
    stays the same.
    """
    runs = [record.runs[n] for n in sorted(record.runs) if n <= up_to]
    events = [event for r in runs for event in (r.resized, r.analyzed, r.failure) if event]
    sources = [event.source for event in events if event.source.sha256]
    return {
        "source": sources[-1] if sources else record.source.model_copy(update={"sha256": None}),
        "owner": next((event.owner for event in events if event.owner), None),
    }
