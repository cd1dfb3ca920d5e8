"""Retention: after how many days each kind of data expires (`[retention]` of a stage).

By default an image is stored until it is deleted. A stage can let parts of it expire earlier. The
record does not change then: a replay without its original fails (`gone`), and a link to an expired
rendition returns 404.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from infra.config import toml
from shared.ledger import RETENTION

DAY = 86_400
QUEUE = 7  # days that a queue retains a message
DEAD_LETTERS = 14  # days that a dead-letter queue retains a message, the longest SQS allows
LEDGER = RETENTION // DAY

Days = Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class Retention:
    """Days after which S3 or DynamoDB expires data; None: never."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    originals: Days | None = None  # objects of the uploads bucket
    renditions: Days | None = None
    analyses: Days | None = None  # and the reuse index, which points at them
    older_versions: Days = 90  # of originals, once replaced; replays and late duplicates read them
    dead_letters: Days = 90  # the raw messages that rescue stored, to read and replay
    unfinished_uploads: Days = 7  # the parts of an incomplete multipart upload
    tombstones: Days = 180  # the tombstone of a deleted image; and every timeline

    def __post_init__(self) -> None:
        if self.tombstones < self.longest_message_age:
            raise ValueError(
                f"tombstones = {self.tombstones} is less than {self.longest_message_age} days: "
                "until then a late message could recreate a deleted image"
            )
        if self.originals is not None and self.originals < QUEUE:
            raise ValueError(
                f"originals = {self.originals}: an upload may wait for {QUEUE} days on its queue"
            )

    @property
    def longest_message_age(self) -> int:
        """Days until no message of an image can exist any more.

        A dead letter that is replayed on its last day can wait on a queue and on a dead-letter
        queue again, and its claim outlives both.
        """
        return self.dead_letters + QUEUE + DEAD_LETTERS + LEDGER
