"""In-memory adapters of `shared`. Each passes the conformance suite of the real adapter."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import md5
from typing import Any

from shared.bus import Wait
from shared.contracts.envelope import Envelope
from shared.contracts.record import Record, RunStatus, status_without_record
from shared.errors import Fault, PermanentError
from shared.ledger import Claim, ClaimKey, ClaimStatus
from shared.objects import Stored
from shared.records import EVENT, Cursor, RecordPage, Row, TimelineEvent


@dataclass
class MemoryBus:
    """A topic that records what was published."""

    published: list[Envelope] = field(default_factory=list)

    def publish(self, envelopes: Sequence[Envelope]) -> None:
        self.published.extend(envelopes)


@dataclass
class MemoryQueue:
    """A queue that records the messages to retry and the dead-lettered ones."""

    returned: list[Wait] = field(default_factory=list)
    dead_lettered: list[tuple[str, str, str]] = field(default_factory=list)

    def retry_later(self, waits: Sequence[Wait]) -> None:
        self.returned.extend(waits)

    def dead_letter(self, body: str, reason: str, detail: str) -> None:
        self.dead_lettered.append((body, reason, detail))


@dataclass
class _Row:
    owner: str
    until: float
    attempts: int = 0
    completed_at: float | None = None


@dataclass
class MemoryLedger:
    rows: dict[ClaimKey, _Row] = field(default_factory=dict)

    def claim(self, key: ClaimKey, owner: str, now: float, lease: float) -> Claim:
        row = self.rows.setdefault(key, _Row(owner, 0.0))
        if row.completed_at is not None:
            return self._claim(key, ClaimStatus.COMPLETED, row)
        if row.until and row.until >= now and row.owner != owner:
            return self._claim(key, ClaimStatus.IN_PROGRESS, row)
        if row.owner != owner or not row.until:
            row.owner, row.until, row.attempts = owner, now + lease, row.attempts + 1
        return self._claim(key, ClaimStatus.ACQUIRED, row)

    @staticmethod
    def _claim(key: ClaimKey, status: ClaimStatus, row: _Row) -> Claim:
        return Claim(key, status, row.owner, row.until, row.attempts)

    def complete(self, claim: Claim, now: float) -> None:
        row = self.rows[claim.key]
        if row.owner == claim.owner:
            row.completed_at = now

    def release(self, claim: Claim, *, counts_as_attempt: bool) -> None:
        row = self.rows[claim.key]
        if row.owner == claim.owner and row.until == claim.until:
            row.until = 0.0
            row.attempts -= 0 if counts_as_attempt else 1


@dataclass
class MemoryRecords:
    """The records table. Passes the tests of ``shared.records`` and of its writer."""

    records: dict[str, Record] = field(default_factory=dict)
    timeline: dict[tuple[str, str], TimelineEvent] = field(default_factory=dict)
    """The events by image and id."""
    page_size: int = 100

    def read(self, image: str) -> Record | None:
        return self.records.get(image)

    def write(self, record: Record) -> bool:
        before = self.records.get(record.image)
        if before is not None and before.revision != record.revision - 1:
            return False
        self.records[record.image] = record
        return True

    def add_event(self, event: TimelineEvent) -> None:
        self.timeline[event.image, event.event] = event

    def events(self, image: str) -> tuple[Row, ...]:
        return tuple(_row(event) for event in self._events(image))

    def last_event(self, image: str) -> datetime | None:
        return max((event.time for event in self._events(image)), default=None)

    def _events(self, image: str) -> list[TimelineEvent]:
        return [event for (name, _), event in sorted(self.timeline.items()) if name == image]

    def page(self, after: Cursor) -> RecordPage:
        start = int(after.get("number", 0))
        end = start + self.page_size
        records = list(self.records.values())
        cursor = {"number": str(end)} if end < len(records) else {}
        return RecordPage(tuple(records[start:end]), cursor)

    def existing(self, images: Sequence[str]) -> set[str]:
        return {image for image in images if image in self.records}

    def status(self, image: str, run: int) -> RunStatus:
        record = self.records.get(image)
        return record.status(run) if record else status_without_record(run)

    def resized(self, image: str, run: int) -> bool:
        record = self.records.get(image)
        entry = record.runs.get(run) if record else None
        return entry is not None and entry.resized is not None


def _row(event: TimelineEvent) -> Row:
    facts = {"run": event.run, "type": event.type, "source": event.source}
    keys = {"image": event.image, "item": f"{EVENT}{event.event}"}
    return {**keys, **facts, "time": event.time.isoformat()}


@dataclass
class MemoryObjects:
    """A versioned bucket. The versions of a key are ``v1``, ``v2`` …"""

    versions: dict[str, list[Stored | None]] = field(default_factory=dict)

    def get(self, key: str, *, version: str | None = None, etag: str | None = None) -> Stored:
        stored = self._version(key, version) if version else self.find(key)
        if stored is None:
            raise PermanentError("gone", key, fault=Fault.CLIENT)
        if etag and not version and etag != stored.etag:
            raise PermanentError("replaced", key, fault=Fault.CLIENT)
        return stored

    def _version(self, key: str, version: str) -> Stored | None:
        versions = self.versions.get(key, [])
        n = int(version.removeprefix("v"))
        return versions[n - 1] if n <= len(versions) else None

    def find(self, key: str) -> Stored | None:
        return self.versions[key][-1] if key in self.versions else None

    def put(
        self,
        key: str,
        body: bytes,
        content_type: str,
        cache_control: str = "no-cache",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        stored = Stored(body, content_type, metadata or {}, etag_of(body))
        self.versions.setdefault(key, []).append(stored)

    def replace(self, key: str, before: Stored | None, body: bytes, content_type: str) -> bool:
        current = self.find(key)
        if (current and current.etag) != (before and before.etag):
            return False
        self.put(key, body, content_type)
        return True

    def copy(self, source: str, target: str) -> None:
        stored = self.get(source)
        self.versions.setdefault(target, []).append(stored)

    def delete(self, key: str, *, version: str | None = None) -> None:
        if version and self._version(key, version):
            self.versions[key][int(version.removeprefix("v")) - 1] = None
        elif not version and self.find(key):
            self.versions[key].append(None)

    def erase(self, prefix: str) -> None:
        for key, versions in self.versions.items():
            if key.startswith(prefix):
                versions[:] = [None] * len(versions)

    def keys(self, prefix: str) -> Iterator[str]:
        there = [key for key in self.versions if key.startswith(prefix) and self.find(key)]
        yield from sorted(there)


def etag_of(body: bytes) -> str:
    """The eTag that S3 gives an object uploaded in one piece."""
    return md5(body, usedforsecurity=False).hexdigest()


@dataclass
class FixedTime:
    """A Lambda context whose remaining time never changes."""

    seconds: float = 60.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass
class Clock:
    """A clock that moves only by ``advance``. Epoch seconds."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def sqs_batch(
    *bodies: str,
    queue: str = "arn:aws:sqs:us-east-1:000000000000:q",
    sent: float = 0,
    receives: int = 1,
) -> dict[str, Any]:
    """A Lambda event with a batch of SQS messages, whose ids are ``m0``, ``m1`` …"""
    return {
        "Records": [
            {
                "messageId": f"m{n}",
                "receiptHandle": f"r{n}",
                "body": body,
                "attributes": {
                    "SentTimestamp": str(int(sent * 1000)),
                    "ApproximateReceiveCount": str(receives),
                },
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": queue,
            }
            for n, body in enumerate(bodies)
        ]
    }


def s3_notification(*originals: tuple[str, str, bytes], version: str | None = "v1") -> str:
    """An S3 event notification of new objects, each with its bucket, encoded key and body."""
    return json.dumps({"Records": [_s3_record(*original, version) for original in originals]})


def _s3_record(bucket: str, key: str, body: bytes, version: str | None) -> dict[str, Any]:
    fields = {
        "key": key,
        "size": len(body),
        "eTag": etag_of(body),
        "sequencer": "0055AED6DCD90281E5",
    }
    if version:
        fields["versionId"] = version
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-11-21T10:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": bucket}, "object": fields},
    }
