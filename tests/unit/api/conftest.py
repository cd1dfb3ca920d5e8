"""The HTTP API over fakes in memory. Requests are proxy events, as API Gateway sends them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from services.api.callers import Access, Caller, identify
from services.api.commands import Commands
from services.api.models import File, PostForm, PutRequest
from services.api.queries import Queries
from services.api.records import Entries
from services.api.routes import HttpApi
from shared.contracts.record import Record
from tests.fakes import MemoryBus, MemoryObjects

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
IMAGE = "00000000-0000-4000-8000-000000000001"
ORIGIN = "https://page.example"
OPERATOR_KEY = "key-of-operators"


@dataclass
class MemoryTables:
    """Records, claims, index entries by partition, and other items, as a test sets them."""

    records: dict[str, Record] = field(default_factory=dict)
    index: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    partitions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    timeline: list[dict[str, Any]] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    queries: int = 0

    def record(self, image: str) -> Record | None:
        return self.records.get(image)

    def events(self, image: str) -> tuple[dict[str, Any], ...]:
        return tuple(self.timeline)

    def claims(self, image: str) -> tuple[dict[str, Any], ...]:
        return tuple(self.ledger)

    def partition(self, name: str) -> tuple[dict[str, Any], ...]:
        return tuple(self.partitions.get(name, ()))

    def entries(self, name: str, span: tuple[str, str], after: str | None, limit: int) -> Entries:
        self.queries += 1
        rows = sorted(self.index.get(name, []), key=lambda row: row["at"], reverse=True)
        rows = [row for row in rows if span[0] <= row["at"] <= span[1]]
        rows = [row for row in rows if after is None or row["at"] < after]
        return Entries(tuple(rows[:limit]), len(rows) > limit)


class PlainSigner:
    """Presigns nothing: its URLs show the key."""

    def form(self, key: str, file: File) -> PostForm:
        owner = {"x-amz-meta-owner": file.owner} if file.owner else {}
        fields = {"key": key, "Content-Type": file.file_type, **owner}
        return PostForm(url="https://s3/", fields=fields)

    def put(self, key: str, file: File) -> PutRequest:
        return PutRequest(url=f"https://s3/{key}", headers={"Content-Type": file.file_type})

    def link(self, key: str) -> str:
        return f"https://s3/{key}?signed"


@dataclass
class Api:
    """The API with its fakes, and a client for it."""

    tables: MemoryTables = field(default_factory=MemoryTables)
    bus: MemoryBus = field(default_factory=MemoryBus)
    processed: MemoryObjects = field(default_factory=MemoryObjects)
    access: Access = Access.OPEN
    context: dict[str, Any] = field(default_factory=dict)
    """The request context that API Gateway would send."""

    def __post_init__(self) -> None:
        signer = PlainSigner()
        queries = Queries(self.tables, self.processed, signer, now=lambda: NOW)
        commands = Commands(
            records=self.tables,
            signer=signer,
            bus=self.bus,
            now=lambda: NOW,
            new_image=lambda: IMAGE,
            upload_expires=300,
            max_bytes=1000,
        )
        self.http = HttpApi(lambda: queries, lambda: commands, self._caller, ORIGIN)

    def _caller(self, event: Mapping[str, Any]) -> Caller:
        return identify(event, self.access, OPERATOR_KEY)

    def request(
        self, method: str, path: str, body: str | None = None, **options: Any
    ) -> tuple[int, dict[str, Any]]:
        """The status and the decoded body. ``query`` and ``headers`` are dictionaries."""
        response = self.respond(method, path, body, **options)
        return response["statusCode"], json.loads(response["body"] or "null")

    def respond(
        self,
        method: str,
        path: str,
        body: str | None = None,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        event = {
            "httpMethod": method,
            "path": path,
            "queryStringParameters": query,
            "multiValueQueryStringParameters": {k: [v] for k, v in (query or {}).items()},
            "headers": headers or {},
            "multiValueHeaders": {k: [v] for k, v in (headers or {}).items()},
            "body": body,
            "isBase64Encoded": False,
            "requestContext": self.context | {"requestId": "r1", "path": f"/test{path}"},
        }
        return self.http.answer(event, None)


@pytest.fixture
def api() -> Api:
    return Api()


IndexEntries = Callable[..., dict[str, Any]]


@pytest.fixture
def entry() -> IndexEntries:
    """Makes search index entries; the n-th is n minutes younger than the first."""

    def make(n: int, **fields: Any) -> dict[str, Any]:
        image = f"00000000-0000-4000-8000-{n:012}"
        return {
            "image": image,
            "at": f"2026-11-21T09:{n:02}:00.000000Z#{image}",
            "run": 0,
            "status": "completed",
            "name": f"{n}.jpg",
            "flagged": False,
            "quarantined": False,
            "labels": [{"name": "Cat", "confidence": 50.0 + n}],
            **fields,
        }

    return make
