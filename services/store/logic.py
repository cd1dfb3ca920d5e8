"""How an image's record changes, and what it says. Pure: records and events in, records out.

Only this decides how a run ended, and only the first end counts: a fact or a report about a run
that has ended changes nothing, and is answered with what is on record.
"""

from datetime import datetime

from shared.contracts.images import (
    Fact,
    ImageAnalyzed,
    ImageEvent,
    ImageFailed,
    ImageResized,
    ImageStored,
    StepFailed,
    Verdict,
)
from shared.contracts.record import Record, Run, RunStatus

INTERNAL = {"type", "image", "run", "source", "owner", "analysis", "models", "thresholds"}
"""What a verdict does not copy from the facts: it has its own, or nobody has a use for it."""


def decide(record: Record | None, event: ImageEvent, at: datetime) -> Record | None:
    """The record after this event; the same one if it changes nothing.

    None stays None only for an event about a later run of an image that has no record: runs begin
    in the record, so there is nothing to decide.
    """
    if record is None:
        record = _begin(event, at)
    if record is None or record.status(event.run) is not RunStatus.OPEN:
        return record
    return _with_run(record, event, _advance(record.runs[event.run], event, at))


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
            change = _complete(event, run.analyzed, at) | {"resized": run.resized or event}
        case ImageAnalyzed():
            change = _complete(event, run.resized, at) | {"analyzed": run.analyzed or event}
        case _:
            raise TypeError(f"{event.type} is nothing to decide on")
    return run.model_copy(update=change)


def _complete(_: Fact, other: Fact | None, at: datetime) -> dict[str, object]:
    """A run is complete with both facts, in whichever order they came."""
    return {"status": RunStatus.COMPLETED, "ended": at} if other else {}


def _with_run(record: Record, event: ImageEvent, run: Run) -> Record:
    if run == record.runs[event.run]:
        return record
    return record.model_copy(
        update={
            "runs": {**record.runs, event.run: run},
            "revision": record.revision + 1,
            "published": event.run if run.status is RunStatus.COMPLETED else record.published,
            "owner": record.owner or event.owner,
            "source": event.source if event.source.sha256 else record.source,
        }
    )


def verdict(record: Record, run: int) -> Verdict | None:
    """What is on record about how this run ended; None while it is open or unknown."""
    known = record.runs.get(run)
    if known is None or known.ended is None:
        return None
    common = {
        "image": record.image,
        "run": run,
        "source": record.source,
        "owner": record.owner,
        "ended": known.ended,
    }
    if known.status is RunStatus.FAILED:
        assert known.failure, "a run fails by a report"
        return ImageFailed.model_validate(common | known.failure.model_dump(exclude=set(common)))
    assert known.resized, "a run completes with both facts"
    assert known.analyzed, "a run completes with both facts"
    facts = known.resized.model_dump(exclude=INTERNAL) | known.analyzed.model_dump(exclude=INTERNAL)
    return ImageStored.model_validate(common | facts)
