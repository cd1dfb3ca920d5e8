"""Messages sent again, straight onto the queues, some while the first is still at work."""

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
from tests.lab.chaos.witness import Witness

LONGEST_DELAY = 20
"""s after which the second message comes, at most."""
PACE = 0.5
"""s between two looks at what was announced."""


@dataclass
class Repeater:
    """Sends ``rate`` of all messages again: S3's notifications, and what the topic delivered."""

    outputs: Outputs
    sqs: Any
    rate: float
    seed: int
    sent: int = 0
    """Messages sent again so far."""
    _stop: Event = field(default_factory=Event)

    def uploads(self, uploads: Iterable[Upload]) -> None:
        """Tell of some of these once more, as S3 does now and then."""
        chance, bucket = Random(f"{self.seed}/uploads"), self.outputs.buckets["uploads"]
        for one in uploads:
            if chance.random() < self.rate:
                told = s3_notification((bucket, one.key, one.body), version=one.version)
                self._send(told, UPLOADED, chance)

    @contextmanager
    def announcements(self, witness: Witness) -> Iterator[None]:
        """Repeat some of what is announced, for as long as the block runs."""
        thread = Thread(target=self._repeat, args=(witness,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(60)

    def _repeat(self, witness: Witness) -> None:
        chance, seen = Random(f"{self.seed}/announced"), 0
        while not self._stop.wait(PACE):
            fresh = witness.published[seen:]
            seen += len(fresh)
            for body in fresh:
                if chance.random() < self.rate:
                    self._send(body, json.loads(body)["type"], chance)

    def _send(self, body: str, kind: str, chance: Random) -> None:
        for queue in self._queues(kind):
            self.sqs.send_message(
                QueueUrl=queue, MessageBody=body, DelaySeconds=chance.randint(0, LONGEST_DELAY)
            )
            self.sent += 1

    def _queues(self, kind: str) -> list[str]:
        queues = self.outputs.queues  # an optional service may have none here
        answer = (one.name for one in definitions() if kind in one.consumes)
        return [queues[name] for name in answer if name in queues]
