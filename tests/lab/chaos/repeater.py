"""Send messages again, directly to the queues, some while the first is still being handled."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from threading import Event, Thread
from typing import Any

from infra.config.definitions import UPLOADED, definitions
from infra.deploy.outputs import Outputs
from tests.fakes import s3_notification
from tests.lab.chaos.load import Upload
from tests.lab.chaos.recorder import Recorder

LONGEST_DELAY = 20
"""The longest delay of the second message, s."""
PACE = 0.5
"""s between two reads of the published events."""


@dataclass
class Repeater:
    """Repeats ``rate`` (0-1) of all S3 notifications and events."""

    outputs: Outputs
    sqs: Any
    rate: float
    seed: int
    sent: int = 0
    """Messages sent again until now."""
    _stop: Event = field(default_factory=Event)

    def uploads(self, uploads: Iterable[Upload]) -> None:
        """Repeat the S3 notifications of some uploads, as S3 itself sometimes does."""
        chance, bucket = Random(f"{self.seed}/uploads"), self.outputs.buckets["uploads"]
        for upload in uploads:
            if chance.random() < self.rate:
                message = s3_notification((bucket, upload.key, upload.body), version=upload.version)
                self._send(message, UPLOADED, chance)

    @contextmanager
    def repeating_events(self, recorder: Recorder) -> Iterator[None]:
        """Repeat some of the published events while the block runs."""
        thread = Thread(target=self._repeat, args=(recorder,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(60)

    def _repeat(self, recorder: Recorder) -> None:
        chance, seen = Random(f"{self.seed}/announced"), 0
        while not self._stop.wait(PACE):
            new = recorder.events[seen:]
            seen += len(new)
            for body in new:
                if chance.random() < self.rate:
                    self._send(body, json.loads(body)["type"], chance)

    def _send(self, body: str, kind: str, chance: Random) -> None:
        for queue in self._queues(kind):
            self.sqs.send_message(
                QueueUrl=queue, MessageBody=body, DelaySeconds=chance.randint(0, LONGEST_DELAY)
            )
            self.sent += 1

    def _queues(self, kind: str) -> list[str]:
        queues = self.outputs.queues  # an optional service may not be deployed
        consumers = (service.name for service in definitions() if kind in service.consumes)
        return [queues[name] for name in consumers if name in queues]
