"""Compare ten thousand records with ten: storing an image, reading a page, and a search.

A small and a large table in one MiniStack are measured in turns, by our own CPU time and calls. The
emulator's time does not count: DynamoDB's latency does not depend on the size of the table.
"""

import tempfile
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import shake_128
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any
from uuid import UUID

import boto3

from infra import ports
from infra.clients import LOCAL_REGION
from infra.local.ministack import MiniStack
from services.api.callers import ANYONE
from services.api.filters import Filters
from services.api.queries import Queries
from services.api.records import DynamoRecords as Read
from services.store.index_entries import change, listing
from services.store.items import plain
from services.store.logic import decide
from services.store.records import DynamoRecords
from services.store.search_index import DynamoSearchIndex
from services.store.steps import Steps as StoreSteps
from shared.attributes import attributes
from shared.contracts.envelope import Envelope
from shared.contracts.images import Embedding, Fingerprint, ImageAnalyzed, ImageResized, Label
from shared.contracts.record import RECORD
from shared.contracts.search_index import by_embedding, by_hash, by_label
from shared.delivery import StepContext
from shared.objects import S3Objects
from shared.similarity import embedding_bands, hash_bands
from tests.contract.conftest import make_table
from tests.contract.samples import ANALYZED, AT, RESIZED
from tests.lab.bench.row import Row, at_most, without_goal
from tests.unit.api.conftest import PlainSigner

SMALL = 10
LARGE, LARGE_QUICK = 10_000, 1_000
ROUNDS, ROUNDS_QUICK = 60, 25
WARM_UP = 3
SHARE = 1.25
"""The goal for CPU time: medians of the same work differ by a tenth on a busy machine."""
BATCH = 25
"""The most items of one BatchWriteItem."""
PAGE = 24
LABELS = "Cat", "Dog", "Boat", "Beach", "Person", "Tree", "Car", "Sky"

Facts = tuple[ImageResized, ImageAnalyzed]


def rows(progress: Callable[[str], None], quick: bool) -> Iterator[Row]:
    """Calls and CPU time of each operation, with the large table beside the small one."""
    size, rounds = (LARGE_QUICK, ROUNDS_QUICK) if quick else (LARGE, ROUNDS)
    with tempfile.TemporaryDirectory() as home:
        emulator = MiniStack(Path(home), ports.free(), auth=False)
        with emulator:
            small, large = (Deployment(emulator.endpoint, size) for size in (SMALL, size))
            for deployment in (small, large):
                progress(f"filling a table with {deployment.size:,} records")
                deployment.fill()
            for operation in ("page", "search", "store"):  # ``store`` last: it adds records
                progress(f"{operation}: {rounds} rounds among {SMALL} and among {size:,} records")
                yield from _compared(operation, small, large, rounds)


def _compared(
    operation: str, small: "Deployment", large: "Deployment", rounds: int
) -> Iterator[Row]:
    """Measure both in turns, so that other load affects them alike."""
    for number in range(WARM_UP + rounds):
        for deployment in (small, large) if number % 2 else (large, small):
            deployment.time(operation, number, counts=number >= WARM_UP)
    ours, peer = large.figures[operation], small.figures[operation]
    shared: dict[str, Any] = {"area": "growth", "peer_name": f"among {SMALL}"}
    case = f"{operation} among {large.size:,}"
    calls = {"ours": median(ours.calls), "peer": median(peer.calls), "unit": "calls"}
    yield at_most(1.0, case=f"{case}: AWS calls", **calls, **shared)
    cpu = {"ours": 1000 * median(ours.cpu), "peer": 1000 * median(peer.cpu), "unit": "ms"}
    if operation == "store":
        yield at_most(SHARE, case=f"{case}: CPU", **cpu, **shared)
        return
    # Among ten records, a page is not full and a search has fewer candidates: compare per entry.
    yield without_goal(case=f"{case}: CPU", **cpu, **shared)
    per_entry = {name: cpu[name] / median(f.read) for name, f in (("ours", ours), ("peer", peer))}
    yield at_most(SHARE, case=f"{case}: CPU per entry read", **per_entry, unit="ms", **shared)


@dataclass
class Figures:
    """By round: calls, CPU seconds, and index entries read."""

    calls: list[int] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    read: list[int] = field(default_factory=list)


class Deployment:
    """``store`` and ``api`` over a separate table with ``size`` records."""

    def __init__(self, endpoint: str, size: int) -> None:
        self.size = size
        self.figures: defaultdict[str, Figures] = defaultdict(Figures)
        self._calls = self._read = 0
        s3, self._dynamodb = (_client(of, endpoint) for of in ("s3", "dynamodb"))
        self._table = make_table(self._dynamodb, f"records-{size}", "item")
        ledger = make_table(self._dynamodb, f"ledger-{size}", "claim")
        bucket = f"processed-{size}"
        s3.create_bucket(Bucket=bucket)
        table = self._dynamodb, self._table
        processed = S3Objects(s3, bucket)
        self._store = StoreSteps(DynamoRecords(*table), processed, DynamoSearchIndex(*table))
        reads = Read(self._dynamodb, self._table, ledger)
        self._queries = Queries(reads, processed, PlainSigner(), now=lambda: AT)
        for client in (s3, self._dynamodb):
            client.meta.events.register("before-call", self._count)
        self._dynamodb.meta.events.register("after-call.dynamodb.Query", self._note)

    def _count(self, **_: Any) -> None:
        self._calls += 1

    def _note(self, parsed: dict[str, Any], **_: Any) -> None:
        self._read += len(parsed.get("Items", ()))

    def time(self, operation: str, number: int, *, counts: bool) -> None:
        """Run one operation; record its figures if it ``counts``."""
        run = getattr(self, operation)
        image_facts = facts(self.size + number)
        self._calls = self._read = 0
        began = process_time()
        run(image_facts)
        used = process_time() - began
        if counts:
            figures = self.figures[operation]
            figures.calls.append(self._calls)
            figures.cpu.append(used)
            figures.read.append(self._read)

    def store(self, image_facts: Facts) -> None:
        """Handle both facts of one image, up to its outcome."""
        for seconds, fact in enumerate(image_facts):
            at = AT + timedelta(seconds=seconds)
            envelope = Envelope.first(fact, "darkroom/bench", at)
            list(self._store.decide(fact, StepContext(envelope, at, lambda: None)))

    def page(self, _: Facts) -> None:
        self._queries.images(ANYONE, Filters(label=LABELS[0]), PAGE, None)

    def search(self, _: Facts) -> None:
        self._queries.similar(ANYONE, image(0), PAGE)

    def fill(self) -> None:
        """Put the records, with their entries in the lists that are read here.

        Entries in other lists would be nine tenths of all writes.
        """
        read = {by_label(LABELS[0])}
        read |= {by_hash(n, band) for n, band in enumerate(hash_bands(fingerprint(0)))}
        read |= {by_embedding(n, band) for n, band in enumerate(embedding_bands(embedding(0)))}
        all_items = (item for number in range(self.size) for item in items(number, self._table))
        needed = [i for i in all_items if "list" not in i or i["list"]["S"] in read]
        put_all(self._dynamodb, self._table, needed)


def items(number: int, table: str) -> Iterator[dict[str, Any]]:
    """The items that ``store`` writes for one image, without timeline and label counts."""
    record = None
    for fact in facts(number):
        record = decide(record, fact, AT + timedelta(milliseconds=number))
    assert record
    yield attributes({**plain(record), "item": RECORD})
    for action in DynamoSearchIndex(None, table)._actions(change(None, listing(record))):
        if "Put" in action:
            yield action["Put"]["Item"]


def put_all(client: Any, table: str, new: Sequence[dict[str, Any]]) -> None:
    """Write the items directly to the table."""
    for begin in range(0, len(new), BATCH):
        puts = [{"PutRequest": {"Item": item}} for item in new[begin : begin + BATCH]]
        client.batch_write_item(RequestItems={table: puts})


def facts(number: int) -> Facts:
    """The facts of ``resize`` and ``analyze`` for one image."""
    labels = tuple(
        Label(name=name, confidence=99.0 - n) for n, name in enumerate(_rotated_labels(number)[:4])
    )
    resized = RESIZED.model_copy(
        update={"image": image(number), "fingerprint": fingerprint(number)}
    )
    seen = {"labels": labels, "embedding": embedding(number)}
    analyzed = ANALYZED.model_copy(update={"image": image(number), **seen})
    return resized, analyzed


def image(number: int) -> str:
    return str(UUID(bytes=shake_128(f"image {number}".encode()).digest(16), version=5))


def fingerprint(number: int) -> Fingerprint:
    """A fingerprint; the first images share one, as if they were the same picture."""
    return Fingerprint(hash=_seed(number)[:8].hex())


def embedding(number: int) -> Embedding:
    """An embedding, shared by the same images as the fingerprint."""
    return Embedding(model="some", vector=b64encode(_seed(number)).decode())


def _seed(number: int) -> bytes:
    return shake_128(f"picture {max(0, number - SMALL // 2)}".encode()).digest(256)


def _rotated_labels(number: int) -> tuple[str, ...]:
    """The labels in an order that depends on the image; the first label is on all images."""
    start = number % len(LABELS)
    return (LABELS[0], *LABELS[start:], *LABELS[:start])[: len(LABELS)]


def _client(of: str, endpoint: str) -> Any:
    return boto3.client(
        of,
        endpoint_url=endpoint,
        region_name=LOCAL_REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
