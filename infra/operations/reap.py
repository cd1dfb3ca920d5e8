"""Finding what nobody will ever finish: runs that fell silent, and uploads nobody heard of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from infra.operations.images import Images
from shared.contracts.images import Source, StepFailed
from shared.contracts.record import Record, RunStatus
from shared.contracts.uploads import image_of
from shared.errors import Fault

Say = Callable[[str], None]


@dataclass(frozen=True)
class Reaper:
    """``silence`` is longer than any queue, any back-off and any outage should take."""

    images: Images
    silence: timedelta

    def reap(self, say: Say, *, dry_run: bool) -> int:
        """Report every silent run and every lost upload to ``store``; how many there are."""
        reports = [*map(self._stuck, self._silent()), *self._lost()]
        for report in reports:
            say(f"{report.reason}: {report.image} run {report.run}  {report.source.key}")
            if not dry_run:
                self.images.say(report)
        return len(reports)

    def _silent(self) -> Iterator[Record]:
        for record in self.images.records():
            open_run = record.status(record.run) is RunStatus.OPEN
            if open_run and self.images.heard_of(record) < self._limit:
                yield record

    def _stuck(self, record: Record) -> StepFailed:
        stage = "analyze" if record.current.resized else "resize"
        hours = self.silence / timedelta(hours=1)
        return StepFailed(
            image=record.image,
            run=record.run,
            source=record.source,
            owner=record.owner,
            stage=stage,
            reason="stuck",
            detail=f"Nothing was heard of this run for {hours:g} hours.",
            fault=Fault.US,
        )

    def _lost(self) -> Iterator[StepFailed]:
        """Uploads without a record: S3's notification is the only thread they hang by."""
        bucket = self.images.outputs.buckets["uploads"]
        s3 = self.images.clients.client("s3")
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for found in page.get("Versions", []):
                image = image_of(bucket, found["Key"], found["VersionId"])
                old = found["LastModified"] < self._limit
                if image and old and self.images.find(image) is None:
                    yield _lost(image, bucket, found)

    @property
    def _limit(self) -> datetime:
        return self.images.clock() - self.silence


def _lost(image: str, bucket: str, found: dict[str, str]) -> StepFailed:
    source = Source(
        bucket=bucket,
        key=found["Key"],
        version=found["VersionId"],
        etag=found["ETag"].strip('"'),
        bytes=int(found["Size"]),
    )
    return StepFailed(
        image=image,
        run=0,
        source=source,
        stage="resize",
        reason="lost",
        detail="The upload is there, but no service ever heard of it.",
        fault=Fault.WORLD,
    )
