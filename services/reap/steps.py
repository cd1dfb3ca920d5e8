"""What ``reap`` does on schedule: sweep records and uploads, page by page."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from services.reap.bookmark import Bookmark
from services.reap.logic import (
    BEGINNING,
    Finding,
    Part,
    Position,
    Upload,
    is_waiting,
    lost,
    stuck,
)
from services.reap.uploads import Uploads
from shared import telemetry
from shared.bus import Bus
from shared.contracts.envelope import Envelope, derive
from shared.contracts.images import StepFailed
from shared.contracts.record import Record
from shared.delivery import report_on
from shared.metrics import REAPED
from shared.records import Cursor, RecordPage
from shared.telemetry import log

SOURCE = "darkroom/reap"


class SweptRecords(Protocol):
    """The reads of ``shared.records`` that a sweep needs. All are eventually consistent."""

    def page(self, after: Cursor) -> RecordPage: ...

    def last_event(self, image: str) -> datetime | None: ...

    def existing(self, images: Sequence[str]) -> Collection[str]: ...


@dataclass(frozen=True)
class SweptPage:
    """The reports of one page, and the position after it; None after the last page."""

    reports: tuple[StepFailed, ...]
    position: Position | None


@dataclass(frozen=True)
class Steps:
    """Finds stuck runs and missed uploads, and reports them to ``store``.

    A repeated report has the same id, and ``store`` answers it with what is on record.
    """

    records: SweptRecords
    uploads: Uploads
    bus: Bus
    now: Callable[[], datetime]
    silence: timedelta

    def reap(self, bookmark: Bookmark, in_time: Callable[[], bool]) -> dict[str, int]:
        """Sweep from the bookmark to the end, or until time is short.

        Returns the number of reports by reason. The next call continues at the bookmark, and after
        the end at the beginning. Each page is reported before the bookmark moves: if
        the function dies in between, the page is reported again.
        """
        reasons: Counter[str] = Counter()
        for page in self.sweep(bookmark.read()):
            self.report(page.reports)
            bookmark.write(page.position or BEGINNING)
            reasons.update(report.reason for report in page.reports)
            if not in_time():
                log.info("out of time; the next invocation continues from here")
                break
        for reason, number in reasons.items():
            telemetry.count("stuck runs and missed uploads", REAPED, number, reason=reason)
        return dict(reasons)

    def sweep(self, start: Position = BEGINNING) -> Iterator[SweptPage]:
        """Every page from there to the end. It reports nothing."""
        position: Position | None = start
        while position:
            page = self._sweep_page(position)
            yield page
            position = page.position

    def report(self, reports: Sequence[StepFailed]) -> None:
        """Publish the reports. No event caused them, so their ids derive from their content."""
        for report in reports:
            cause = derive(report.model_dump_json())
            self.bus.publish([Envelope.first(report, SOURCE, self.now(), cause)])
            facts = {"reason": report.reason, "run": report.run}
            log.warning("reaped", extra={"correlation_id": report.image, **facts})

    def _sweep_page(self, at: Position) -> SweptPage:
        if at.part is Part.RECORDS:
            records = self.records.page(at.after)
            findings = self._stuck(records.records)
            return SweptPage(_reports(findings), _next(at.part, records.cursor, Part.UPLOADS))
        uploads = self.uploads.page(at.after)
        return SweptPage(_reports(self._lost(uploads.uploads)), _next(at.part, uploads.cursor))

    def _stuck(self, records: Sequence[Record]) -> Iterator[Finding]:
        limit = self.now() - self.silence
        for record in records:
            if is_waiting(record, limit):
                last = self.records.last_event(record.image)
                if last is None or last <= limit:
                    yield stuck(record, self.silence)

    def _lost(self, uploads: Sequence[Upload]) -> Iterator[Finding]:
        limit = self.now() - self.silence
        old = {upload.image: upload for upload in uploads if upload.at <= limit}
        images = [image for image in old if image]
        existing = self.records.existing(images)
        for image in images:
            if image not in existing:
                yield lost(image, old[image].source)


def _reports(findings: Iterator[Finding]) -> tuple[StepFailed, ...]:
    return tuple(report_on(finding.event, finding.stage, finding.gave_up) for finding in findings)


def _next(part: Part, cursor: Mapping[str, str], then: Part | None = None) -> Position | None:
    if cursor:
        return Position(part=part, after=dict(cursor))
    return Position(part=then) if then else None
