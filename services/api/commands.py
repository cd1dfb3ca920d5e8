"""Requests that change something: presigned uploads, and requests that are published to ``store``.

This service writes nothing itself. ``store`` decides every change of an image.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.api.callers import Caller
from services.api.file_names import safe_name
from services.api.models import Accepted, File, Upload, Uploads
from services.api.permissions import owned, visible_record
from services.api.problems import Problem
from services.api.records import Tables
from services.api.uploads import Signer
from services.api.views import shown_run
from shared.bus import Bus
from shared.contracts.images import DeleteRequested, ReleaseRequested, ReplayRequested, Request
from shared.requests import Refusal, publish_request, why_not_released, why_not_replayed

SOURCE = "darkroom/api"

EXPLANATIONS = {
    Refusal.FULL: "Its record has no space for another run. Upload the original again.",
    Refusal.PROCESSING: "It is still processing. With force, a new run replaces the current one.",
    Refusal.UNPUBLISHED: "No run of it is published, so there is nothing to analyze again.",
    Refusal.NOT_QUARANTINED: "It is not quarantined.",
}


@dataclass(frozen=True)
class Commands:
    """A refused command raises a Problem."""

    records: Tables
    signer: Signer
    bus: Bus
    now: Callable[[], datetime]
    new_image: Callable[[], str]
    upload_expires: int
    """s until a presigned upload expires."""
    max_bytes: int
    """Bytes of one upload."""

    def upload(self, caller: Caller, files: Iterable[File]) -> Uploads:
        """Presign the upload of each file; each becomes an image of its own."""
        return Uploads(uploads=tuple(self._upload(owned(file, caller)) for file in files))

    def _upload(self, file: File) -> Upload:
        if file.file_size > self.max_bytes:
            detail = f"{file.file_name} has more than {self.max_bytes:,} bytes."
            raise Problem(400, "file-too-large", detail)
        image = self.new_image()
        key = f"uploads/{image}/{safe_name(file.file_name)}"
        return Upload.model_validate(
            {
                "image": image,
                "key": key,
                "expires": self.now() + timedelta(seconds=self.upload_expires),
                "post": self.signer.form(key, file),
                "put": self.signer.put(key, file),
            }
        )

    def replay(self, caller: Caller, image: str, *, force: bool, analyze_only: bool) -> Accepted:
        """Request a new run."""
        record = visible_record(self.records, caller, image)
        _refuse(why_not_replayed(record, force=force, analyze_only=analyze_only))
        self._publish(
            ReplayRequested(image=image, run=record.run, force=force, analyze_only=analyze_only)
        )
        return Accepted(image=image, run=record.run + 1)

    def release(self, caller: Caller, image: str) -> Accepted:
        """Request the end of the quarantine. Operators only: an owner must not end it."""
        record = visible_record(self.records, caller, image)
        if not caller.sees_all:
            raise Problem(403, "operators-only", "Only an operator ends a quarantine.")
        _refuse(why_not_released(record))
        run = shown_run(record)
        self._publish(ReleaseRequested(image=image, run=run))
        return Accepted(image=image, run=run)

    def delete(self, caller: Caller, image: str) -> Accepted:
        """Request the deletion of the image with all its runs."""
        record = visible_record(self.records, caller, image)
        self._publish(DeleteRequested(image=image, run=record.run))
        return Accepted(image=image, run=record.run)

    def _publish(self, request: Request) -> None:
        publish_request(self.bus, request, SOURCE, self.now())


def _refuse(refusal: Refusal | None) -> None:
    """Problem (409) with the refusal's code, if there is one."""
    if refusal:
        raise Problem(409, refusal.value, EXPLANATIONS[refusal])
