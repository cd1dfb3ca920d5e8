"""Whether an image takes as long among ten thousand as among ten: to store, a page, a search.

Two tables stand side by side in one MiniStack, a small one and a grown one, and are asked in turns.
What counts is our own CPU and our calls: how long an emulator looks is its own affair, and DynamoDB
finds an item in the same time whatever else there is.
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
from tests.lab.bench.row import Row, at_most, known
from tests.unit.api.conftest import PlainSigner

SMALL = 10
GROWN, GROWN_QUICK = 10_000, 1_000
ROUNDS, ROUNDS_QUICK = 60, 25
WARM_UP = 3
SHARE = 1.25
"""Of CPU time: two medians of the same work differ by a tenth on a busy machine."""
AT_ONCE = 25
"""Items that DynamoDB takes in one batch."""
PAGE = 24
LABELS = "Cat", "Dog", "Boat", "Beach", "Person", "Tree", "Car", "Sky"

Facts = tuple[ImageResized, ImageAnalyzed]


def rows(progress: Callable[[str], None], quick: bool) -> Iterator[Row]:
    """Calls and CPU of each, in the grown table beside the small one."""
    grown, rounds = (GROWN_QUICK, ROUNDS_QUICK) if quick else (GROWN, ROUNDS)
    with tempfile.TemporaryDirectory() as home:
        emulator = MiniStack(Path(home), ports.free(), auth=False)
        with emulator:
            small, large = (Shop(emulator.endpoint, size) for size in (SMALL, grown))
            for shop in (small, large):
                progress(f"filling a table with {shop.size:,} records")
                shop.fill()
            for what in ("page", "search", "store"):  # the last one adds to its tables
                progress(f"{what}: {rounds} rounds among {SMALL} and among {grown:,} records")
                yield from _compared(what, small, large, rounds)


def _compared(what: str, small: "Shop", large: "Shop", rounds: int) -> Iterator[Row]:
    """One after the other, in turns, so that both have the same neighbours on the machine."""
    for number in range(WARM_UP + rounds):
        for shop in (small, large) if number % 2 else (large, small):
            shop.time(what, number, counts=number >= WARM_UP)
    ours, peer = large.figures[what], small.figures[what]
    said: dict[str, Any] = {"area": "growth", "peer_name": f"among {SMALL}"}
    case = f"{what} among {large.size:,}"
    calls = {"ours": median(ours.calls), "peer": median(peer.calls), "unit": "calls"}
    yield at_most(1.0, case=f"{case}: AWS calls", **calls, **said)
    cpu = {"ours": 1000 * median(ours.cpu), "peer": 1000 * median(peer.cpu), "unit": "ms"}
    if what == "store":
        yield at_most(SHARE, case=f"{case}: CPU", **cpu, **said)
        return
    # A page of ten is not full, and among ten there is less that might look alike: by what is read.
    yield known(case=f"{case}: CPU", **cpu, **said)
    each = {
        name: cpu[name] / median(found.read) for name, found in (("ours", ours), ("peer", peer))
    }
    yield at_most(SHARE, case=f"{case}: CPU for each entry read", **each, unit="ms", **said)


@dataclass
class Figures:
    """By round: calls, seconds of CPU, and entries of lists that were read."""

    calls: list[int] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    read: list[int] = field(default_factory=list)


class Shop:
    """``store`` and ``api`` over a table of their own, with ``size`` records in it."""

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
        self._dynamodb.meta.events.register("after-call.dynamodb.Query", self._note)

    def _count(self, **_: Any) -> None:
        self._calls += 1

    def _note(self, parsed: dict[str, Any], **_: Any) -> None:
        self._read += len(parsed.get("Items", ()))

    def time(self, what: str, number: int, *, counts: bool) -> None:
        """One image or one request; into the figures if it ``counts``."""
        ask = getattr(self, what)
        told = facts(self.size + number)
        self._calls = self._read = 0
        began = process_time()
        ask(told)
        used = process_time() - began
        if counts:
            figures = self.figures[what]
            figures.calls.append(self._calls)
            figures.cpu.append(used)
            figures.read.append(self._read)

    def store(self, told: Facts) -> None:
        """All that ``store`` does for one image, from its first fact to its verdict."""
        for seconds, fact in enumerate(told):
            at = AT + timedelta(seconds=seconds)
            envelope = Envelope.first(fact, "darkroom/bench", at)
            list(self._store.decide(fact, StepContext(envelope, at, lambda: None)))

    def page(self, _: Facts) -> None:
        self._queries.images(ANYONE, Filters(label=LABELS[0]), PAGE, None)

    def search(self, _: Facts) -> None:
        self._queries.similar(ANYONE, image(0), PAGE)

    def fill(self) -> None:
        """Put the records, with their entries in the lists that are read here: those in others
        would be nine tenths of all that is written.
        """
        read = {by_label(LABELS[0])}
        read |= {by_hash(n, band) for n, band in enumerate(hash_bands(fingerprint(0)))}
        read |= {by_embedding(n, band) for n, band in enumerate(embedding_bands(embedding(0)))}
        found = (item for number in range(self.size) for item in items(number, self._table))
        wanted = [one for one in found if "list" not in one or one["list"]["S"] in read]
        put_all(self._dynamodb, self._table, wanted)


def items(number: int, table: str) -> Iterator[dict[str, Any]]:
    """What ``store`` leaves of one image, but for its timeline and its place in the counts."""
    record = None
    for fact in facts(number):
        record = decide(record, fact, AT + timedelta(milliseconds=number))
    assert record
    yield attributes({**plain(record), "item": RECORD})
    for action in DynamoSearchIndex(None, table)._actions(change(None, index_entries(record))):
        if "Put" in action:
            yield action["Put"]["Item"]


def put_all(client: Any, table: str, found: Sequence[dict[str, Any]]) -> None:
    """Put the items straight into the table."""
    for begin in range(0, len(found), AT_ONCE):
        puts = [{"PutRequest": {"Item": item}} for item in found[begin : begin + AT_ONCE]]
        client.batch_write_item(RequestItems={table: puts})


def facts(number: int) -> Facts:
    """What ``resize`` and ``analyze`` say of one image."""
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
    """As a picture of its own has it; the first ones are the same picture."""
    return Fingerprint(hash=_seed(number)[:8].hex())


def embedding(number: int) -> Embedding:
    """Of the same pictures."""
    return Embedding(model="some", vector=b64encode(_seed(number)).decode())


def _seed(number: int) -> bytes:
    return shake_128(f"picture {max(0, number - SMALL // 2)}".encode()).digest(256)


def _turned(number: int) -> tuple[str, ...]:
    """The labels, each image's beginning with another one; the first is on every other's."""
    context = number % len(LABELS)
    return (LABELS[0], *LABELS[context:], *LABELS[:context])[: len(LABELS)]


def _client(of: str, endpoint: str) -> Any:
    return boto3.client(
        of,
        endpoint_url=endpoint,
        region_name=LOCAL_REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
