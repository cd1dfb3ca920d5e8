"""What Lambda does between a queue and a function, for batches as large as they are asked for.

MiniStack's own event sources hand over ten messages at most, whatever the batch size says.
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
from tests.lab.chaos.stages import Fed

MOST = 10
"""Messages that SQS hands over, or takes back, at once."""
PACE = 0.2
"""s between two looks at an empty queue."""


@dataclass(frozen=True)
class Poller:
    """Feeds the functions of these services from their queues, in the place of the event sources
    that stand there; reports of single failed messages are heeded.
    """

    services: tuple[Fed, ...]
    outputs: Outputs
    clients: Clients
    _stop: Event = field(default_factory=Event)
    _filling: defaultdict[str, Lock] = field(default_factory=lambda: defaultdict(Lock))
    """Of each service: one batch is filled at a time, so that few messages make one large batch."""

    @contextmanager
    def feeding(self) -> Iterator[None]:
        """As many batches at a time as each service allows, for as long as the block runs."""
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
                feed.result()  # a poller that broke is an error of this program

    def _feed(self, service: Fed) -> None:
        while not self._stop.is_set():
            with self._filling[service.name]:
                batch = self._received(service)
            if batch:
                self._handed_over(service, batch)
            else:
                self._stop.wait(PACE)

    def _received(self, service: Fed) -> list[dict[str, Any]]:
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

    def _handed_over(self, service: Fed, batch: list[dict[str, Any]]) -> None:
        answer = self.clients.client("lambda").invoke(
            FunctionName=self.outputs.functions[service.name],
            Payload=json.dumps({"Records": [_record(message) for message in batch]}),
        )
        if "FunctionError" in answer:
            return  # all of them come again after their visibility timeout
        failed = {
            one["itemIdentifier"] for one in json.load(answer["Payload"])["batchItemFailures"]
        }
        done = [message for message in batch if message["MessageId"] not in failed]
        for start in range(0, len(done), MOST):
            self._sqs.delete_message_batch(
                QueueUrl=self.outputs.queues[service.name],
                Entries=[
                    {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]}
                    for n, message in enumerate(done[start : start + MOST])
                ],
            )

    @property
    def _sqs(self) -> Any:
        return self.clients.client("sqs")


def _record(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message as Lambda words it."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
    }
