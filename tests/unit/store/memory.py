"""The search index in memory. It passes the tests of ``DynamoSearchIndex``."""

from collections import Counter
from dataclasses import dataclass, field

from services.store.index_entries import Change, IndexState
from shared.contracts.search_index import ImageSummary, IndexEntry, count_partition

EntryKey = tuple[str, str]
"""A partition and an image."""


@dataclass
class MemorySearchIndex:
    """Each entry with its ``at`` and the summary; label counts by shard."""

    states: dict[str, IndexState] = field(default_factory=dict)
    entries: dict[EntryKey, tuple[str, ImageSummary | None, IndexEntry]] = field(
        default_factory=dict
    )
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def read(self, image: str) -> IndexState | None:
        return self.states.get(image)

    def write(self, change: Change) -> bool:
        image = change.state.image
        before = self.states.get(image)
        if change.replaces != (before.revision if before else None):
            return False
        self.states[image] = change.state
        for entry in change.put:
            self.entries[entry.partition, image] = (change.at, change.summary, entry)
        for partition in change.delete:
            del self.entries[partition, image]
        for label, difference in change.counts.items():
            self.counts[count_partition(image), label] += difference
        return True

    def of(self, image: str) -> dict[str, tuple[str, ImageSummary | None, IndexEntry]]:
        """The image's entries, by partition."""
        return {
            partition: entry for (partition, name), entry in self.entries.items() if name == image
        }
