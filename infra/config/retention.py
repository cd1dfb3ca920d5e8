"""How long each kind of data stays: the `[retention]` of a stage, in days.

An image stays until somebody deletes it, unless a stage says otherwise. What is said here bounds
how long the parts of one stay that is not deleted; where a part has expired, its record says so to
nobody: a replay without its original fails (`gone`), a link to a rendition leads nowhere.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from infra.config import toml
from shared.ledger import RETENTION

DAY = 86_400
QUEUE = 7  # days; a message, until somebody handles it
DEAD_LETTERS = 14  # days on their queue, the most SQS offers: people have to look at these
LEDGER = RETENTION // DAY

Days = Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class Retention:
    """Days after which S3 or DynamoDB removes a thing; None is never."""

    __pydantic_config__: ClassVar[ConfigDict] = toml.STRICT

    originals: Days | None = None  # of the uploads bucket
    renditions: Days | None = None
    analyses: Days | None = None  # and the index of analysed content, which points at them
    older_versions: Days = (
        90  # of originals, once replaced; they serve a replay and a late duplicate
    )
    dead_letters: Days = 90  # the raw messages that rescue kept, for people to read and replay
    unfinished_uploads: Days = 7  # the parts of a multipart upload that nobody completed
    tombstones: Days = 180  # what is known of a deleted image: that it was; and every timeline

    def __post_init__(self) -> None:
        if self.tombstones < self.memory:
            raise ValueError(
                f"tombstones = {self.tombstones} is less than {self.memory} days: until then a "
                "message may come that brings a deleted image back"
            )
        if self.originals is not None and self.originals < QUEUE:
            raise ValueError(
                f"originals = {self.originals}: an upload may wait for {QUEUE} days on its queue"
            )

    @property
    def memory(self) -> int:
        """Days until nothing can tell of an image any more: a letter that is replayed on its last
        day waits on a queue once more, and on a dead-letter queue, and its claim outlives both.
        """
        return self.dead_letters + QUEUE + DEAD_LETTERS + LEDGER
