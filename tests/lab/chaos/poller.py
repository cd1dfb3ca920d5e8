"""Poll queues and invoke functions, as Lambda's event sources do, with batches of any size.

MiniStack's event sources pass ten messages at most, even with a larger batch size.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

from infra.clients import Clients
from infra.deploy.outputs import Outputs
from tests.lab.chaos.stages import QueuedService

MOST = 10
"""The most messages that one SQS call receives or deletes."""
PACE = 0.2
"""s between two reads of an empty queue."""


@dataclass(frozen=True)
class Poller:
    """Invokes the functions of these services with messages from their queues.

    It replaces their event sources and honours batch item failures.
    """

    services: tuple[QueuedService, ...]
    outputs: Outputs
    clients: Clients
    _stop: Event = field(default_factory=Event)
    _filling: defaultdict[str, Lock] = field(default_factory=lambda: defaultdict(Lock))
    """By service: one batch is filled at a time, so that few messages make one large batch."""

    @contextmanager
    def feeding(self) -> Iterator[None]:
        """Run as many batches at a time as each service allows, while the block runs."""
        workers = sum(service.concurrency for service in self.services)
        with ThreadPoolExecutor(workers) as pool:
            feeds = [
                pool.submit(self._feed, service)
                for service in self.services
                for _ in range(service.concurrency)
            ]
            try:
                yield
            finally:
                self._stop.set()
            for feed in feeds:
                feed.result()  # raises if a poller failed

    def _feed(self, service: QueuedService) -> None:
        while not self._stop.is_set():
            with self._filling[service.name]:
                batch = self._received(service)
            if batch:
                self._invoke(service, batch)
            else:
                self._stop.wait(PACE)

    def _received(self, service: QueuedService) -> list[dict[str, Any]]:
        batch: list[dict[str, Any]] = []
        while len(batch) < service.batch:
            answer = self._sqs.receive_message(
                QueueUrl=self.outputs.queues[service.name],
                MaxNumberOfMessages=min(MOST, service.batch - len(batch)),
                AttributeNames=["All"],
            )
            if "Messages" not in answer:
                break
            batch += answer["Messages"]
        return batch

    def _invoke(self, service: QueuedService, batch: list[dict[str, Any]]) -> None:
        answer = self.clients.client("lambda").invoke(
            FunctionName=self.outputs.functions[service.name],
            Payload=json.dumps({"Records": [_record(message) for message in batch]}),
        )
        if "FunctionError" in answer:
            return  # all are visible again after their visibility timeout
        failed = {
            failure["itemIdentifier"]
            for failure in json.load(answer["Payload"])["batchItemFailures"]
        }
        completed = [message for message in batch if message["MessageId"] not in failed]
        for start in range(0, len(completed), MOST):
            self._sqs.delete_message_batch(
                QueueUrl=self.outputs.queues[service.name],
                Entries=[
                    {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]}
                    for n, message in enumerate(completed[start : start + MOST])
                ],
            )

    @property
    def _sqs(self) -> Any:
        return self.clients.client("sqs")


def _record(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message as Lambda passes it to a function."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
    }
