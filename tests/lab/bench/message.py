"""The overhead of one message: CPU time of our own code, and calls to AWS."""

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
from tests.lab.bench.row import Row, at_most, without_goal

AREA = "message"
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

ROUNDS, MESSAGES, CALLS = 9, 500, 50
"""Quiet rounds in the median, messages in a round, and plain calls in a round."""

QUIET, LEAST, MOST = 1.1, 16, 30
"""A round is quiet if the plain calls before and after it took at most ``QUIET`` times the fastest.

Neighbours slow a rented core by up to 1.8 times, for seconds. For each round that counts, at least
``LEAST`` and at most ``MOST`` rounds are measured.
"""

OWN = 0.1
"""The goal, ms CPU: parse, claim, check the run, publish, complete the claim, and log."""

ITEM = {"Item": {"image": {"S": RESIZED.image}, "item": {"S": "record"}}}


def rows(progress: Callable[[str], None], quick: bool) -> Iterator[Row]:
    with patch.dict(os.environ, CREDENTIALS):
        progress("our own code for a message, beside a plain call")
        own, call = _own_and_call(ROUNDS // 3 if quick else ROUNDS)
        yield from _own(own, call)
        progress("the calls of one image")
        yield from _calls(progress)


def _own(own: float, call: float) -> Iterator[Row]:
    facts: Any = {"area": AREA, "case": "our own code, a message", "ours": own, "unit": "ms CPU"}
    yield at_most(1.0, peer=OWN, peer_name="the limit", **facts)
    yield without_goal(
        peer=call, peer_name="one GetItem through boto3, without the network", **facts
    )


def _own_and_call(rounds: int) -> tuple[float, float]:
    """ms CPU of a message and of a plain call: medians of so many quiet rounds, in turns."""
    messages = [_message(n) for n in range(MESSAGES)]
    dynamodb = _stubbed_client()
    owns, calls = list[float](), [_plain_calls(dynamodb, CALLS)]
    quiet: list[tuple[float, float]] = []
    with _logging_to_null():
        while len(owns) < LEAST * rounds or (len(quiet) < rounds and len(owns) < MOST * rounds):
            owns.append(_consumed(messages) - _adapters_alone(MESSAGES))
            calls.append(_plain_calls(dynamodb, CALLS))
            quiet = _quiet(owns, calls)
    own, call = map(median, zip(*quiet, strict=True))
    return own, call


def _quiet(owns: Sequence[float], calls: Sequence[float]) -> list[tuple[float, float]]:
    """The quiet rounds, each with its plain calls; at least one round is quiet."""
    rounds = list(zip(owns, map(max, pairwise(calls)), strict=True))
    least = min(call for _, call in rounds)
    return [(own, call) for own, call in rounds if call <= QUIET * least]


def _consumed(messages: list[dict[str, Any]]) -> float:
    """ms CPU for each message: the real consumer with in-memory adapters."""
    bus = MemoryBus()
    service = Service(
        name="analyze",
        routes={ImageResized: Step(_analyze, compensate=lambda _: None)},
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


def _adapters_alone(messages: int) -> float:
    """ms CPU of the in-memory adapters alone, whose work AWS does in production."""
    bus, ledger, runs = MemoryBus(), MemoryLedger(), MemoryRecords()
    keys = [ClaimKey(RESIZED.image, str(n)) for n in range(messages)]
    began = time.process_time()
    for key in keys:
        claim = ledger.claim(key, "owner", 1.0, 40.0)
        runs.status(key.image, 0)
        bus.publish([])
        ledger.complete(claim, 2.0)
    return (time.process_time() - began) / messages * 1000


def _analyze(_event: ImageResized, _context: Any) -> Iterator[Event]:
    yield ANALYZED


def _message(n: int) -> dict[str, Any]:
    """A message as Lambda passes it, with its own image."""
    image = str(uuid5(NAMESPACE_URL, str(n)))
    event = RESIZED.model_copy(update={"image": image})
    return sqs_batch(Envelope.first(event, "darkroom/resize", AT).to_json())


def _plain_calls(dynamodb: Any, calls: int) -> float:
    began = time.process_time()
    for _ in range(calls):
        dynamodb.get_item(TableName="records", Key=ITEM["Item"], ConsistentRead=True)
    return (time.process_time() - began) / calls * 1000


def _stubbed_client() -> Any:
    """A client that builds and signs requests, with a stubbed response instead of the network."""
    client = boto3.client("dynamodb", region_name=REGION)
    body = json.dumps(ITEM).encode()

    def answer(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, 200, {"Content-Length": str(len(body))}, _Raw(body))

    client.meta.events.register("before-send.dynamodb.GetItem", answer)
    return client


class _Raw:
    """A body with urllib3's ``stream``."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        yield self._body


@contextmanager
def _logging_to_null() -> Iterator[None]:
    """Log as in a function, to the null device."""
    handlers, level = telemetry.log.handlers[:], telemetry.log.level
    with Path(os.devnull).open("w") as null, patch.object(sys, "stdout", null):
        telemetry.start("analyze")
        try:
            yield
        finally:
            telemetry.log.handlers[:], telemetry.log.propagate = handlers, True
            telemetry.log.setLevel(level)


def _calls(say: Callable[[str], None]) -> Iterator[Row]:
    with mock_aws(), _logging_to_null():
        hops = Pipeline(lambda name: boto3.client(name, region_name=REGION)).send(1)
    total = sum(hop.calls.total() for hop in hops)
    for hop in hops:
        calls = ", ".join(f"{name} {times}" for name, times in hop.calls.items())
        say(f"{hop.service}: {calls}")
        yield without_goal(
            area=AREA,
            case=f"{hop.service} handles {hop.event}",
            ours=hop.calls.total(),
            peer=total,
            peer_name="all calls of the image",
            unit="calls",
        )
