"""Read-only requests: lists of images and labels, one image, its analysis and similar images.

Every query answers for a caller. It reveals nothing of an image that the caller may not see.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from services.api import cursors, views
from services.api.callers import Caller
from services.api.filters import Filters, Row, labels_of
from services.api.models import (
    DocumentLink,
    ImageDetail,
    ImagePage,
    LabelCount,
    LabelPage,
    SimilarImages,
)
from services.api.permissions import visible_only, visible_record
from services.api.problems import Problem
from services.api.records import Tables
from services.api.uploads import Signer
from shared.contracts.search_index import (
    COUNT,
    Features,
    by_embedding,
    by_hash,
    by_owner,
    count_partitions,
)
from shared.hops import hops
from shared.objects import Objects
from shared.similarity import embedding_bands, features_of, hash_bands, ranked

MAX_QUERIES = 8
"""Queries of the index for one page. It limits the cost of a filter that matches nothing."""
BATCH = 100
"""Entries of one Query, of some 600 bytes each. A Query returns at most 1 MB."""
CANDIDATES = 50
"""Entries read of each partition of similar images, newest first."""
MAX_DOCUMENT = 5_000_000
"""Bytes. Lambda's responses have at most 6 MB, and escaping makes JSON within JSON longer."""
EVERYTHING = ("0", "~")
"""The span of all range keys."""


@dataclass(frozen=True)
class Queries:
    """A query that cannot be answered raises a Problem."""

    records: Tables
    processed: Objects
    signer: Signer
    now: Callable[[], datetime]

    def images(self, caller: Caller, filters: Filters, limit: int, cursor: str | None) -> ImagePage:
        """One page of the images that match, newest first.

        The entries of one index partition are read; those that other filters exclude are skipped.
        """
        filters = visible_only(filters, caller)
        after = cursors.decode_range_key(cursor, filters.digest) if cursor else None
        matching: list[Row] = []
        for _ in range(MAX_QUERIES):
            entries = self.records.entries(filters.partition, filters.span, after, BATCH)
            for n, entry in enumerate(entries.rows, start=1):
                after = entry["at"]
                matching += [entry] if filters.matches(entry) else []
                if len(matching) == limit and (entries.more or n < len(entries.rows)):
                    return self._page(matching, filters, after)
            if not entries.more:
                return self._page(matching, filters, None)
        return self._page(matching, filters, after)

    def _page(self, entries: list[Row], filters: Filters, after: str | None) -> ImagePage:
        items = tuple(views.image_summary(entry, self.signer.link) for entry in entries)
        return ImagePage(
            items=items, cursor=cursors.encode(filters.digest, after) if after else None
        )

    def image(self, caller: Caller, image: str) -> ImageDetail:
        """Everything on record about one image."""
        record = visible_record(self.records, caller, image)
        events, claims = self.records.events(image), self.records.claims(image)
        timeline = hops(events, claims, self.now().timestamp())
        return views.image_detail(record, timeline, self.signer.link)

    def analysis(self, caller: Caller, image: str) -> bytes | DocumentLink:
        """The stored analysis document, or a link to one too large for a response."""
        record = visible_record(self.records, caller, image)
        analyzed = record.runs[views.shown_run(record)].analyzed
        if record.published is None or analyzed is None:
            raise Problem(404, "not-analyzed", "No run of this image has completed.")
        document = self.processed.find(analyzed.document)
        if document is None:
            raise Problem(404, "not-analyzed", "Its analysis is being replaced. Try again.")
        if len(document.body) > MAX_DOCUMENT:
            return DocumentLink(url=self.signer.link(analyzed.document))
        return document.body

    def labels(self, caller: Caller, limit: int, cursor: str | None) -> LabelPage:
        """The labels with the number of their images, highest first.

        The number of labels is limited by the vocabulary, not by the number of images. For a caller
        who does not see all, their newest 800 images are counted.
        """
        offset = cursors.decode_offset(cursor, "labels") if cursor else 0
        counts = self._all_counts() if caller.sees_all else self._counts_of(str(caller.name))
        ordered = sorted((-count, name) for name, count in counts.items() if count > 0)
        page = tuple(
            LabelCount(name=name, images=-count) for count, name in ordered[offset : offset + limit]
        )
        after = offset + limit
        more = after < len(ordered)
        return LabelPage(labels=page, cursor=cursors.encode("labels", str(after)) if more else None)

    def _all_counts(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for partition in count_partitions():
            for row in self.records.partition(partition):
                counts[row["item"].removeprefix(COUNT)] += int(row["images"])
        return counts

    def _counts_of(self, owner: str) -> Counter[str]:
        counts: Counter[str] = Counter()
        after = None
        for _ in range(MAX_QUERIES):
            entries = self.records.entries(by_owner(owner), EVERYTHING, after, BATCH)
            for entry in entries.rows:
                after = entry["at"]
                counts.update({label["name"] for label in labels_of(entry)})
            if not entries.more:
                break
        return counts

    def similar(self, caller: Caller, image: str, limit: int) -> SimilarImages:
        """Near-duplicates first, then similar images; these only where embeddings are computed."""
        record = visible_record(self.records, caller, image)
        features = features_of(record.runs[views.shown_run(record)])
        candidates = (row for row in self._candidates(features) if caller.sees(row.get("owner")))
        entries = {row["image"]: row for row in candidates if row["image"] != image}
        others = {name: Features.model_validate(row) for name, row in entries.items()}
        items = tuple(
            views.similar_image(entries[match.image], match, self.signer.link)
            for match in ranked(features, others)[:limit]
        )
        return SimilarImages(items=items)

    def _candidates(self, features: Features) -> Iterator[Row]:
        """Entries of the index partitions that this image is in.

        An image in both kinds of partition has its fuller entry, with the embedding, last.
        """
        partitions = []
        if features.fingerprint:
            partitions += [
                by_hash(n, band) for n, band in enumerate(hash_bands(features.fingerprint))
            ]
        if features.embedding:
            partitions += [
                by_embedding(n, band) for n, band in enumerate(embedding_bands(features.embedding))
            ]
        for name in partitions:
            yield from self.records.entries(name, EVERYTHING, None, CANDIDATES).rows
