"""Whether storing an image, listing a page and a similarity search slow down as the table grows.

One MiniStack has a small and a large table, which are used in turns. The figures are the CPU time
of this project's code and its AWS calls. The emulator's time does not count: DynamoDB reads an item
in the same time, however large the table is.
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
from services.api.records import DynamoTables
from services.store.index_entries import change, index_entries
from services.store.items import plain
from services.store.logic import decide
from services.store.records import DynamoRecordsWriter
from services.store.search_index import DynamoSearchIndex
from services.store.steps import Steps as StoreSteps
from shared.attributes import attributes
from shared.contracts.envelope import Envelope
from shared.contracts.images import Embedding, Fingerprint, ImageAnalyzed, ImageResized, Label
from shared.contracts.search_index import by_embedding, by_hash, by_label
from shared.delivery import StepContext
from shared.objects import S3Objects
from shared.records import RECORD
from shared.similarity import embedding_bands, hash_bands
from tests.contract.conftest import make_table
from tests.contract.samples import ANALYZED, AT, RESIZED
from tests.lab.bench.row import Row, at_most, without_goal
from tests.unit.api.conftest import PlainSigner

SMALL = 10
GROWN, GROWN_QUICK = 10_000, 1_000
ROUNDS, ROUNDS_QUICK = 60, 25
WARM_UP = 3
SHARE = 1.25
"""Ratio of CPU times. Two medians of the same work differ by a tenth on a busy machine."""
AT_ONCE = 25
"""Items in one BatchWriteItem request."""
PAGE = 24
LABELS = "Cat", "Dog", "Boat", "Beach", "Person", "Tree", "Car", "Sky"

Facts = tuple[ImageResized, ImageAnalyzed]


def rows(progress: Callable[[str], None], quick: bool) -> Iterator[Row]:
    """Calls and CPU time of each operation, in the large table and in the small one."""
    grown, rounds = (GROWN_QUICK, ROUNDS_QUICK) if quick else (GROWN, ROUNDS)
    with tempfile.TemporaryDirectory() as home:
        emulator = MiniStack(Path(home), ports.free(), auth=False)
        with emulator:
            small, large = (Stage(emulator.endpoint, size) for size in (SMALL, grown))
            for stage in (small, large):
                progress(f"filling a table with {stage.size:,} records")
                stage.fill()
            for operation in ("page", "search", "store"):  # the last one adds records
                progress(f"{operation}: {rounds} rounds among {SMALL} and among {grown:,} records")
                yield from _compared(operation, small, large, rounds)


def _compared(operation: str, small: "Stage", large: "Stage", rounds: int) -> Iterator[Row]:
    """Measure both in turns, so that other load on the machine affects both alike."""
    for number in range(WARM_UP + rounds):
        for stage in (small, large) if number % 2 else (large, small):
            stage.time(operation, number, counts=number >= WARM_UP)
    ours, peer = large.figures[operation], small.figures[operation]
    common: dict[str, Any] = {"area": "growth", "peer_name": f"among {SMALL}"}
    case = f"{operation} among {large.size:,}"
    calls = {"ours": median(ours.calls), "peer": median(peer.calls), "unit": "calls"}
    yield at_most(1.0, case=f"{case}: AWS calls", **calls, **common)
    cpu = {"ours": 1000 * median(ours.cpu), "peer": 1000 * median(peer.cpu), "unit": "ms"}
    if operation == "store":
        yield at_most(SHARE, case=f"{case}: CPU", **cpu, **common)
        return
    # Ten records do not fill a page, and have fewer similar images: compare the CPU time per entry.
    yield without_goal(case=f"{case}: CPU", **cpu, **common)
    per_entry = {
        name: cpu[name] / median(figures.read) for name, figures in (("ours", ours), ("peer", peer))
    }
    yield at_most(SHARE, case=f"{case}: CPU for each entry read", **per_entry, unit="ms", **common)


@dataclass
class Figures:
    """For each round: AWS calls, seconds of CPU time, and index entries read."""

    calls: list[int] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    read: list[int] = field(default_factory=list)


class Stage:
    """``store`` and ``api`` with a table of their own that has ``size`` records."""

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
        self._store = StoreSteps(DynamoRecordsWriter(*table), processed, DynamoSearchIndex(*table))
        reads = DynamoTables(self._dynamodb, self._table, ledger)
        self._queries = Queries(reads, processed, PlainSigner(), now=lambda: AT)
        for client in (s3, self._dynamodb):
            client.meta.events.register("before-call", self._count)
        self._dynamodb.meta.events.register("after-call.dynamodb.Query", self._count_items)

    def _count(self, **_: Any) -> None:
        self._calls += 1

    def _count_items(self, parsed: dict[str, Any], **_: Any) -> None:
        self._read += len(parsed.get("Items", ()))

    def time(self, operation: str, number: int, *, counts: bool) -> None:
        """Run the operation once; add it to the figures if it ``counts``."""
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
        """Handle both facts of one image with ``store``, up to its outcome."""
        for seconds, fact in enumerate(image_facts):
            at = AT + timedelta(seconds=seconds)
            envelope = Envelope.first(fact, "darkroom/bench", at)
            list(self._store.decide(fact, StepContext(envelope, at, lambda: None)))

    def page(self, _: Facts) -> None:
        self._queries.images(ANYONE, Filters(label=LABELS[0]), PAGE, None)

    def search(self, _: Facts) -> None:
        self._queries.similar(ANYONE, image(0), PAGE)

    def fill(self) -> None:
        """Put the records, and their entries in the index partitions that are read here.

        The other partitions would be nine tenths of all writes.
        """
        read = {by_label(LABELS[0])}
        read |= {by_hash(n, band) for n, band in enumerate(hash_bands(fingerprint(0)))}
        read |= {by_embedding(n, band) for n, band in enumerate(embedding_bands(embedding(0)))}
        needed = [
            item
            for number in range(self.size)
            for item in items(number, self._table)
            if "partition" not in item or item["partition"]["S"] in read
        ]
        put_all(self._dynamodb, self._table, needed)


def items(number: int, table: str) -> Iterator[dict[str, Any]]:
    """The items that ``store`` writes for one image, without its timeline and label counts."""
    record = None
    for fact in facts(number):
        record = decide(record, fact, AT + timedelta(milliseconds=number))
    assert record
    yield attributes({**plain(record), "item": RECORD})
    for action in DynamoSearchIndex(None, table)._actions(change(None, index_entries(record))):
        if "Put" in action:
            yield action["Put"]["Item"]


def put_all(client: Any, table: str, new: Sequence[dict[str, Any]]) -> None:
    """Put the items into the table in batches."""
    for begin in range(0, len(new), AT_ONCE):
        puts = [{"PutRequest": {"Item": item}} for item in new[begin : begin + AT_ONCE]]
        client.batch_write_item(RequestItems={table: puts})


def facts(number: int) -> Facts:
    """The facts that ``resize`` and ``analyze`` publish about one image."""
    labels = tuple(
        Label(name=name, confidence=99.0 - n) for n, name in enumerate(_turned(number)[:4])
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
    """A fingerprint of its own for each image, except that the first ones are the same picture."""
    return Fingerprint(hash=_seed(number)[:8].hex())


def embedding(number: int) -> Embedding:
    """An embedding of the same picture."""
    return Embedding(model="some", vector=b64encode(_seed(number)).decode())


def _seed(number: int) -> bytes:
    return shake_128(f"picture {max(0, number - SMALL // 2)}".encode()).digest(256)


def _turned(number: int) -> tuple[str, ...]:
    """The labels in rotated order. The first label comes first for all images."""
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
