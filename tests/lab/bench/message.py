"""What one message takes beside the work it asks for: our own code, and calls to AWS."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch
from uuid import NAMESPACE_URL, uuid5

import boto3
from botocore.awsrequest import AWSResponse
from moto import mock_aws

from shared import telemetry
from shared.consumer import consume
from shared.contracts.envelope import Envelope, Event
from shared.contracts.images import ImageResized
from shared.delivery import Limits, Service, Step
from shared.ledger import ClaimKey
from tests.contract.samples import ANALYZED, AT, RESIZED
from tests.fakes import (
    FixedTime,
    MemoryBus,
    MemoryLedger,
    MemoryQueue,
    MemoryRecords,
    sqs_batch,
)
from tests.lab.bench.pipeline import Pipeline
from tests.lab.bench.row import Row, at_most, known

AREA = "message"
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

ROUNDS, MESSAGES, CALLS = 9, 500, 50
"""Medians of so many quiet rounds, each over so many messages and so many bare calls."""

QUIET, LEAST, MOST = 1.1, 16, 30
"""A round is quiet if the bare calls before and after it took at most this times the least that
any round's did: most of what a rented core does depends on its neighbours, who slow it by up to 1.8
times, for seconds. So many rounds are tried, at least and at most, for each that counts.
"""

OWN = 0.1
"""ms of CPU that reading, claiming, checking, announcing, settling and logging may take."""

ITEM = {"Item": {"image": {"S": RESIZED.image}, "item": {"S": "record"}}}


def rows(progress: Callable[[str], None], quick: bool) -> Iterator[Row]:
    with patch.dict(os.environ, CREDENTIALS):
        progress("our own code for a message, beside a bare call")
        own, call = _own_and_a_call(ROUNDS // 3 if quick else ROUNDS)
        yield from _own(own, call)
        progress("the calls of one image")
        yield from _calls(progress)


def _own(own: float, call: float) -> Iterator[Row]:
    facts: Any = {"area": AREA, "case": "our own code, a message", "ours": own, "unit": "ms CPU"}
    yield at_most(1.0, peer=OWN, peer_name="the most that it may take", **facts)
    yield known(peer=call, peer_name="one GetItem through boto3, without the network", **facts)


def _own_and_a_call(rounds: int) -> tuple[float, float]:
    """ms of CPU of each, taken in turns: medians of so many rounds that nobody disturbed."""
    messages = [_message(n) for n in range(MESSAGES)]
    dynamodb = _answered()
    owns, calls = list[float](), [_bare_calls(dynamodb, CALLS)]
    quiet: list[tuple[float, float]] = []
    with _logging_to_nowhere():
        while len(owns) < LEAST * rounds or (len(quiet) < rounds and len(owns) < MOST * rounds):
            owns.append(_consumed(messages) - _parts_alone(MESSAGES))
            calls.append(_bare_calls(dynamodb, CALLS))
            quiet = _quiet(owns, calls)
    own, call = map(median, zip(*quiet, strict=True))
    return own, call


def _quiet(owns: Sequence[float], calls: Sequence[float]) -> list[tuple[float, float]]:
    """The rounds that nobody disturbed, each with the bare calls beside it; there is one."""
    rounds = list(zip(owns, map(max, pairwise(calls)), strict=True))
    least = min(call for _, call in rounds)
    return [(own, call) for own, call in rounds if call <= QUIET * least]


def _consumed(messages: list[dict[str, Any]]) -> float:
    """ms of CPU for each of these, by the real consumer over parts in memory."""
    bus = MemoryBus()
    service = Service(
        name="analyze",
        routes={ImageResized: Step(_says_something, compensate=lambda _: None)},
        bus=bus,
        queue=MemoryQueue(),
        ledger=MemoryLedger(),
        runs=MemoryRecords(),
        limits=Limits(timeout=30, worst_case=5, max_attempts=5),
    )
    began = time.process_time()
    for batch in messages:
        consume(service, batch, FixedTime())
    taken = time.process_time() - began
    assert len(bus.published) == len(messages)
    return taken / len(messages) * 1000


def _parts_alone(messages: int) -> float:
    """ms of CPU for what the parts in memory do of it, which AWS does in their place."""
    bus, ledger, runs = MemoryBus(), MemoryLedger(), MemoryRecords()
    keys = [ClaimKey(RESIZED.image, str(n)) for n in range(messages)]
    began = time.process_time()
    for key in keys:
        claim = ledger.claim(key, "owner", 1.0, 40.0)
        runs.status(key.image, 0)
        bus.publish([])
        ledger.complete(claim, 2.0)
    return (time.process_time() - began) / messages * 1000


def _says_something(_event: ImageResized, _turn: Any) -> Iterator[Event]:
    yield ANALYZED


def _message(n: int) -> dict[str, Any]:
    """A message as Lambda hands it over, about an image of its own."""
    image = str(uuid5(NAMESPACE_URL, str(n)))
    event = RESIZED.model_copy(update={"image": image})
    return sqs_batch(Envelope.first(event, "darkroom/resize", AT).to_json())


def _bare_calls(dynamodb: Any, calls: int) -> float:
    began = time.process_time()
    for _ in range(calls):
        dynamodb.get_item(TableName="records", Key=ITEM["Item"], ConsistentRead=True)
    return (time.process_time() - began) / calls * 1000


def _answered() -> Any:
    """A client whose requests are built and signed, and answered before they are sent."""
    client = boto3.client("dynamodb", region_name=REGION)
    body = json.dumps(ITEM).encode()

    def answer(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, 200, {"Content-Length": str(len(body))}, _Raw(body))

    client.meta.events.register("before-send.dynamodb.GetItem", answer)
    return client


class _Raw:
    """A body as urllib3 streams it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body


@contextmanager
def _logging_to_nowhere() -> Iterator[None]:
    """Every line is written as it is in a function, where nobody reads it."""
    handlers, level = telemetry.log.handlers[:], telemetry.log.level
    with Path(os.devnull).open("w") as nowhere, patch.object(sys, "stdout", nowhere):
        telemetry.start("analyze")
        try:
            yield
        finally:
            telemetry.log.handlers[:], telemetry.log.propagate = handlers, True
            telemetry.log.setLevel(level)


def _calls(say: Callable[[str], None]) -> Iterator[Row]:
    with mock_aws(), _logging_to_nowhere():
        hops = Pipeline(lambda name: boto3.client(name, region_name=REGION)).send(1)
    all_of_them = sum(hop.calls.total() for hop in hops)
    for hop in hops:
        named = ", ".join(f"{name} {times}" for name, times in hop.calls.items())
        say(f"{hop.service}: {named}")
        yield known(
            area=AREA,
            case=f"{hop.service} answers {hop.answers}",
            ours=hop.calls.total(),
            peer=all_of_them,
            peer_name="all calls of the image",
            unit="calls",
        )
