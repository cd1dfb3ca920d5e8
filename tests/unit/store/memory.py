"""What ``store`` lists images in, in memory: the real adapter's own tests hold for it."""

from collections import Counter
from dataclasses import dataclass, field

from services.store.index_entries import Change, IndexState
from shared.contracts.search_index import Entry, Summary, count_partition

Place = tuple[str, str]
"""A list, and an image in it."""


@dataclass
class MemorySearchIndex:
    """Entries by list and image, each with its ``at`` and the summary; counts by partition."""

    listed: dict[str, IndexState] = field(default_factory=dict)
    entries: dict[Place, tuple[str, Summary | None, Entry]] = field(default_factory=dict)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def read(self, image: str) -> IndexState | None:
        return self.listed.get(image)

    def write(self, change: Change) -> bool:
        image = change.listed.image
        before = self.listed.get(image)
        if change.replaces != (before.revision if before else None):
            return False
        self.listed[image] = change.listed
        for entry in change.put:
            self.entries[entry.list, image] = (change.at, change.summary, entry)
        for name in change.leave:
            del self.entries[name, image]
        for label, difference in change.counts.items():
            self.counts[count_partition(image), label] += difference
        return True

    def of(self, image: str) -> dict[str, tuple[str, Summary | None, Entry]]:
        """The image's entries, by list."""
        return {name: said for (name, listed), said in self.entries.items() if listed == image}
