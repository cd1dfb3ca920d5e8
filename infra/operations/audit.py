"""Find orphans: objects in S3 that no record accounts for."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from infra.operations.images import Images
from shared.contracts.analysis import Hint
from shared.contracts.record import Record, RunStatus

KINDS = ("renditions", "analyses", "results")
MAY_HAVE_OBJECTS = (RunStatus.OPEN, RunStatus.COMPLETED)


@dataclass(frozen=True)
class Audit:
    """Compares the processed bucket with the records.

    Each object belongs to a run (``<kind>/<image>/<run>/…``), is the published result of an image,
    or is an entry of the index of analysed content, which refers to one run.
    """

    images: Images

    def orphans(self) -> Iterator[str]:
        """Keys of objects whose run is unknown, or neither open nor completed."""
        for kind in KINDS:
            records: dict[str, Record | None] = {}
            for key in self._keys(f"{kind}/"):
                image = key.split("/")[1].removesuffix(".json")
                if image not in records:
                    records = {image: self.images.find(image)}  # S3 lists keys sorted by image
                if not _accounted_for(key, records[image]):
                    yield key
        for key in self._keys("reuse/"):
            hint = self._hint(key)
            record = self.images.find(hint.image) if hint else None
            if hint is None or record is None or record.status(hint.run) not in MAY_HAVE_OBJECTS:
                yield key

    def _hint(self, key: str) -> Hint | None:
        """The index entry; None if the object is not a valid entry."""
        bucket = self.images.outputs.buckets["processed"]
        answer = self.images.clients.client("s3").get_object(Bucket=bucket, Key=key)
        try:
            return Hint.model_validate_json(answer["Body"].read())
        except ValidationError:
            return None

    def _keys(self, prefix: str) -> Iterator[str]:
        pages = self.images.clients.client("s3").get_paginator("list_objects_v2")
        bucket = self.images.outputs.buckets["processed"]
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            yield from (item["Key"] for item in page.get("Contents", []))


def _accounted_for(key: str, record: Record | None) -> bool:
    if record is None:
        return False
    if key.startswith("results/"):
        return record.published is not None
    return record.status(int(key.split("/")[2])) in MAY_HAVE_OBJECTS
