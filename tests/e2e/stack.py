"""A deployed Darkroom for the tests: they upload originals and receive notifications."""

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
"""The longest wait, s. On an idle machine an image takes 2 s."""


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

    def objects(self, image: str) -> list[str]:
        """The keys of the processed bucket that contain ``image``."""
        bucket = self.outputs.buckets["processed"]
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return sorted(key for key in keys if image in key)

    def object(self, key: str) -> Any:
        return self.client("s3").get_object(Bucket=self.outputs.buckets["processed"], Key=key)

    def waiting(self) -> int:
        """Messages on all queues, dead-letter queues included: visible or in flight."""
        urls = [*self.outputs.queues.values(), *self.outputs.dead_letter_queues.values()]
        return sum(self._depth(url) for url in urls)

    def _depth(self, url: str) -> int:
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        answer = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        return sum(int(answer["Attributes"][name]) for name in names)

    def wait_until_idle(self) -> None:
        """Wait until every queue has been empty twice in a row."""
        idle, end = 0, time.monotonic() + DEADLINE
        while idle < 2:
            assert time.monotonic() < end, f"{self.waiting()} messages are still waiting"
            idle = 0 if self.waiting() else idle + 1
            time.sleep(0.3)


@dataclass(frozen=True)
class Listener:
    """A subscriber of the notifications topic."""

    subscription: Subscription
    stack: Stack

    def notifications(self, *keys: str) -> dict[str, dict[str, Any]]:
        """Wait until the stack is idle; return the notification of each original, by its key.

        Fails if a notification is missing at the deadline, or if there is more than one of a key.
        """
        received: list[dict[str, Any]] = []
        end = time.monotonic() + DEADLINE
        while missing := set(keys) - set(map(_key, received)):
            assert time.monotonic() < end, f"no notification of {sorted(missing)}"
            received += self.receive(2)
        self.stack.wait_until_idle()
        received += self.receive(1)
        assert Counter(map(_key, received)) == Counter(keys)
        return {_key(notification): notification for notification in received}

    def notification(self, key: str) -> dict[str, Any]:
        """The only notification, which is of this original."""
        return self.notifications(key)[key]

    def receive(self, seconds: float) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.subscription.receive(seconds)]


def _key(notification: dict[str, Any]) -> str:
    key: str = notification["source"]["key"]
    return key
