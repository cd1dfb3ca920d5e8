"""A deployed Darkroom to test against: uploads go in, notifications come out."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from infra.clients import Clients
from infra.deploy.outputs import Outputs
from infra.local.subscription import Subscription, subscribed

DEADLINE = 180.0
"""s. Decides only when to stop waiting: on an idle machine an image takes two."""


@dataclass(frozen=True)
class Stack:
    """One emulator with the local stage deployed to it."""

    outputs: Outputs
    clients: Clients

    def client(self, service: str) -> Any:
        return self.clients.client(service)

    def upload(self, key: str, body: bytes, **metadata: str) -> None:
        self.client("s3").put_object(
            Bucket=self.outputs.buckets["uploads"], Key=key, Body=body, Metadata=metadata
        )

    @contextmanager
    def listening(self) -> Iterator["Listener"]:
        with subscribed(self.outputs, self.clients) as subscription:
            yield Listener(subscription, self)

    def made(self, image: str) -> list[str]:
        """Every object there is of this image, besides its original."""
        bucket = self.outputs.buckets["processed"]
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
        keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
        return sorted(key for key in keys if image in key)

    def object(self, key: str) -> Any:
        return self.client("s3").get_object(Bucket=self.outputs.buckets["processed"], Key=key)

    def waiting(self) -> int:
        """Messages on any queue, visible or in somebody's hands; dead letters too."""
        urls = [*self.outputs.queues.values(), *self.outputs.dead_letter_queues.values()]
        return sum(self._depth(url) for url in urls)

    def _depth(self, url: str) -> int:
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        answer = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        return sum(int(answer["Attributes"][name]) for name in names)

    def wait_until_idle(self) -> None:
        """Wait until every queue has been empty twice in a row."""
        quiet, end = 0, time.monotonic() + DEADLINE
        while quiet < 2:
            assert time.monotonic() < end, f"{self.waiting()} messages still wait"
            quiet = 0 if self.waiting() else quiet + 1
            time.sleep(0.3)


@dataclass(frozen=True)
class Listener:
    """What a subscriber of the notifications topic hears."""

    subscription: Subscription
    stack: Stack

    def hear(self, *keys: str) -> dict[str, dict[str, Any]]:
        """The one notification about each of these originals, once nothing moves any more.

        Fails if one is missing when the deadline comes, or if any is told twice.
        """
        heard: list[dict[str, Any]] = []
        end = time.monotonic() + DEADLINE
        while {told["source"]["key"] for told in heard} < set(keys):
            missing = set(keys) - {told["source"]["key"] for told in heard}
            assert time.monotonic() < end, f"never told: {sorted(missing)}"
            heard += self._receive(2)
        self.stack.wait_until_idle()
        heard += self._receive(1)
        assert Counter(told["source"]["key"] for told in heard) == Counter(keys)
        return {told["source"]["key"]: told for told in heard}

    def _receive(self, seconds: float) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.subscription.receive(seconds)]
