"""What ``reap`` does when the clock wakes it: goes through records and uploads, page by page."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.reap.bookmark import Bookmark
from services.reap.logic import (
    BEGINNING,
    Finding,
    Page,
    Part,
    Position,
    Upload,
    lost,
    stuck,
    waits_since,
)
from services.reap.records import Records
from services.reap.uploads import Uploads
from shared import telemetry
from shared.bus import Bus
from shared.contracts.envelope import Envelope, derive
from shared.contracts.images import StepFailed
from shared.contracts.record import Record
from shared.delivery import report_on
from shared.metrics import REAPED
from shared.telemetry import log

SOURCE = "darkroom/reap"


@dataclass(frozen=True)
class Swept:
    """What was found on one page, and where to go on after it; None after the last page."""

    found: tuple[StepFailed, ...]
    following: Position | None


@dataclass(frozen=True)
class Steps:
    """Runs and uploads that nobody will finish: found, and reported to ``store``.

    A report that says the same has the same id, whoever makes it and however often, and ``store``
    answers a repeat with what is on record.
    """

    records: Records
    uploads: Uploads
    bus: Bus
    now: Callable[[], datetime]
    silence: timedelta

    def reap(self, bookmark: Bookmark, in_time: Callable[[], bool]) -> dict[str, int]:
        """Go on from the bookmark, to the end or until time is short; how many of each reason.

        The next call goes on from there, after the end from the beginning. What is found is
        reported before the bookmark moves on, so who is killed in between reports it again.
        """
        reasons: Counter[str] = Counter()
        for swept in self.sweep(bookmark.read()):
            self.report(swept.found)
            bookmark.keep(swept.following or BEGINNING)
            reasons.update(report.reason for report in swept.found)
            if not in_time():
                log.info("time is short: the rest is for the next time")
                break
        for reason, times in reasons.items():
            telemetry.count("found forgotten", REAPED, times, reason=reason)
        return dict(reasons)

    def sweep(self, start: Position = BEGINNING) -> Iterator[Swept]:
        """Page after page from there to the end, reporting nothing."""
        position: Position | None = start
        while position:
            swept = self._page(position)
            yield swept
            position = swept.following

    def report(self, found: Sequence[StepFailed]) -> None:
        """Announce these. No event caused them, so what they say stands for their cause."""
        for report in found:
            cause = derive(report.model_dump_json())
            self.bus.publish([Envelope.first(report, SOURCE, self.now(), cause)])
            facts = {"reason": report.reason, "run": report.run}
            log.warning("reaped", extra={"correlation_id": report.image, **facts})

    def _page(self, at: Position) -> Swept:
        if at.part is Part.RECORDS:
            records = self.records.page(at.after)
            return Swept(_reports(self._stuck(records)), _next(at, records, Part.UPLOADS))
        uploads = self.uploads.page(at.after)
        return Swept(_reports(self._lost(uploads)), _next(at, uploads, None))

    def _stuck(self, page: Page[Record]) -> Iterator[Finding]:
        limit = self.now() - self.silence
        for record in page.entries:
            if waits_since(record, limit):
                heard = self.records.heard(record.image)
                if heard is None or heard <= limit:
                    yield stuck(record, self.silence)

    def _lost(self, page: Page[Upload]) -> Iterator[Finding]:
        limit = self.now() - self.silence
        old = {upload.image: upload for upload in page.entries if upload.at <= limit}
        images = [image for image in old if image]
        known = self.records.known(images)
        for image in images:
            if image not in known:
                yield lost(image, old[image].source)


def _reports(findings: Iterator[Finding]) -> tuple[StepFailed, ...]:
    return tuple(report_on(found.event, found.stage, found.gave_up) for found in findings)


def _next(at: Position, page: Page[Record] | Page[Upload], then: Part | None) -> Position | None:
    if page.following:
        return Position(part=at.part, after=dict(page.following))
    return Position(part=then) if then else None
