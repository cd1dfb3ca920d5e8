"""Records, search index entries and hops as the API's responses show them. Pure.

``link`` presigns a URL for the key of a processed object.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from services.api.file_names import base_name
from services.api.filters import Row
from services.api.models import (
    CompensatedRun,
    FailureDetail,
    HopView,
    ImageDetail,
    ImageSummary,
    Original,
    PictureDetails,
    PictureLink,
    Placeholder,
    RenditionLink,
    RunView,
    SimilarImage,
)
from shared.contracts.images import Label, Rendition
from shared.contracts.record import Record, Run, RunStatus
from shared.contracts.search_index import SHOWN, Shown
from shared.hops import TimelineHop
from shared.similarity import Match

Link = Callable[[str], str]


def image_summary(entry: Row, link: Link) -> ImageSummary:
    """An entry of the search index."""
    thumbnail = entry.get("thumbnail")
    return ImageSummary.model_validate(
        {
            **dict.fromkeys(ImageSummary.model_fields),
            "labels": (),
            **entry,
            "at": entry["at"].partition("#")[0],
            "thumbnail": {**thumbnail, "url": link(thumbnail["key"])} if thumbnail else None,
        }
    )


def similar_image(entry: Row, match: Match, link: Link) -> SimilarImage:
    """An entry of the search index with its similarity."""
    return SimilarImage(**dict(image_summary(entry, link)), kind=match.kind, score=match.score)


def image_detail(record: Record, timeline: Iterable[TimelineHop], link: Link) -> ImageDetail:
    """A record, with links to the renditions if they are published."""
    number = shown_run(record)
    run = record.runs[number]
    resized, analyzed = run.resized, run.analyzed
    renditions = resized.renditions if resized and _has_pictures(record) else ()
    moderation = analyzed.moderation if analyzed else None
    return ImageDetail(
        image=record.image,
        run=number,
        status=shown_status(record),
        at=run.ended or run.started,
        name=base_name(record.source.key),
        owner=record.owner,
        format=resized.format if resized else None,
        width=resized.width if resized else None,
        height=resized.height if resized else None,
        labels=_labels(run),
        faces=analyzed.faces if analyzed else None,
        flagged=bool(moderation and moderation.flagged),
        quarantined=record.quarantined,
        thumbnail=_thumbnail(renditions, link),
        placeholder=_placeholder(record, run),
        failure=_failure(run),
        source=Original.model_validate(record.source.model_dump()),
        captured=resized.captured if resized else None,
        gps_removed=resized.gps_removed if resized else None,
        details=PictureDetails(**dict(resized.details)) if resized else None,
        renditions=tuple(_rendition(rendition, link) for rendition in renditions),
        text=analyzed.text if analyzed else None,
        moderation=moderation,
        analyzer=analyzed.analyzer if analyzed else None,
        cost=run.cost,
        runs=_runs(record),
        timeline=tuple(map(_hop, timeline)),
        compensated=compensated_runs(record),
        published=record.published,
        etag=f'"{record.revision}"',
    )


def shown_run(record: Record) -> int:
    """The run that describes the image: the published one, or else the current one."""
    return record.run if record.published is None else record.published


def shown_status(record: Record) -> Shown:
    """The status of that run."""
    return SHOWN[record.runs[shown_run(record)].status]


def compensated_runs(record: Record) -> tuple[CompensatedRun, ...]:
    """The failed and superseded runs for which, by the record, something had been created."""
    compensated = (RunStatus.FAILED, RunStatus.SUPERSEDED)
    return tuple(
        CompensatedRun(
            run=number,
            renditions=tuple(rendition.name for rendition in run.resized.renditions)
            if run.resized
            else (),
            analysis=run.analyzed is not None,
        )
        for number, run in sorted(record.runs.items())
        if record.status(number) in compensated and (run.resized or run.analyzed)
    )


def _has_pictures(record: Record) -> bool:
    """Whether the renditions exist and are not quarantined."""
    return shown_status(record) is Shown.COMPLETED and not record.quarantined


def _labels(run: Run) -> tuple[Label, ...]:
    """All labels, most certain first, as in the search index."""
    labels = (run.analyzed and run.analyzed.labels) or ()
    return tuple(sorted(labels, key=lambda label: (label.confidence, label.name), reverse=True))


def _thumbnail(renditions: Iterable[Rendition], link: Link) -> PictureLink | None:
    smallest = min(renditions, key=lambda picture: picture.width * picture.height, default=None)
    if smallest is None:
        return None
    return PictureLink(url=link(smallest.key), width=smallest.width, height=smallest.height)


def _placeholder(record: Record, run: Run) -> Placeholder | None:
    """It is blurred, but shows the picture: it is hidden with the renditions."""
    if not (run.resized and run.resized.placeholder and _has_pictures(record)):
        return None
    return Placeholder(**dict(run.resized.placeholder))


def _rendition(rendition: Rendition, link: Link) -> RenditionLink:
    return RenditionLink.model_validate({**rendition.model_dump(), "url": link(rendition.key)})


def _failure(run: Run) -> FailureDetail | None:
    report = run.failure
    if report is None:
        return None
    return FailureDetail(
        stage=report.stage, reason=report.reason, detail=report.detail, fault=report.fault.value
    )


def _runs(record: Record) -> tuple[RunView, ...]:
    return tuple(
        RunView(
            run=number, status=record.status(number).value, started=run.started, ended=run.ended
        )
        for number, run in sorted(record.runs.items())
    )


def _hop(hop: TimelineHop) -> HopView:
    return HopView(
        service=hop.service,
        type=hop.type,
        event=hop.event,
        run=hop.run,
        at=_utc(hop.began),
        waited_ms=_milliseconds(hop.waited),
        worked_ms=_milliseconds(hop.worked),
        completed=None if hop.completed is None else _utc(hop.completed),
        attempts=hop.attempts,
        state=hop.state,
    )


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(1000 * seconds)


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
