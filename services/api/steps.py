"""What ``api`` does on each request: hands out an upload, shows what is there, or asks ``store``.

It writes nothing: whatever changes an image is ``store``'s to decide. Each answer is to a caller:
of images that are none of theirs nothing is said, not even that there are any.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from services.api import logic
from services.api.callers import Caller
from services.api.logic import Filters
from services.api.models import (
    Asked,
    Detail,
    Elsewhere,
    File,
    HopView,
    LabelCount,
    Labels,
    Link,
    Original,
    RenditionLink,
    Results,
    Similar,
    SimilarImages,
    Summary,
    Upload,
    Uploads,
)
from services.api.problems import Problem
from services.api.records import Records
from services.api.uploads import Signer
from shared.bus import Bus
from shared.contracts.images import (
    DeleteRequested,
    Label,
    ReleaseRequested,
    Rendition,
    ReplayRequested,
)
from shared.contracts.record import Record, Run
from shared.contracts.search_index import (
    COUNT,
    Features,
    Shown,
    by_embedding,
    by_hash,
    by_owner,
    count_partitions,
)
from shared.hops import hops
from shared.objects import Objects
from shared.requests import Refusal, ask, why_not_released, why_not_replayed
from shared.similarity import Match, embedding_bands, features_of, hash_bands, ranked

SOURCE = "darkroom/api"
QUERIES = 8
"""Of the index for one page: a filter that nothing meets must cost no more than one that is met."""
READ_AT_ONCE = 100
"""Entries of some 600 bytes: a Query of them is below the 1 MB that one answers."""
CANDIDATES = 50
"""Of each list of likeness, newest first."""
LARGEST_ANSWER = 5_000_000
"""Bytes. Lambda answers with 6 MB at most, and JSON within JSON takes more than it says."""

REFUSED = {
    Refusal.FULL: "Its record holds no more runs: upload the original again.",
    Refusal.WORKING: "It is still at work; with force its run is given up for a new one.",
    Refusal.UNPUBLISHED: "No run of it is published, so there is nothing to analyse again.",
    Refusal.NOT_QUARANTINED: "It is not quarantined.",
}


@dataclass(frozen=True)
class Steps:
    """Every answer there is; what cannot be answered is a Problem."""

    records: Records
    processed: Objects
    signer: Signer
    bus: Bus
    now: Callable[[], datetime]
    new_image: Callable[[], str]
    upload_expires: int
    max_bytes: int

    def upload(self, caller: Caller, files: Iterable[File]) -> Uploads:
        return Uploads(uploads=tuple(self._upload(_owned(caller, file)) for file in files))

    def _upload(self, file: File) -> Upload:
        if file.fileSize > self.max_bytes:
            detail = f"{file.fileName} has more than {self.max_bytes:,} bytes."
            raise Problem(400, "too-large", detail)
        image = self.new_image()
        key = f"uploads/{image}/{logic.safe(file.fileName)}"
        return Upload.model_validate(
            {
                "image": image,
                "key": key,
                "expires": self.now() + timedelta(seconds=self.upload_expires),
                "post": self.signer.form(key, file),
                "put": self.signer.put(key, file),
            }
        )

    def results(self, caller: Caller, filters: Filters, limit: int, cursor: str | None) -> Results:
        """One page. Filters that the list does not answer are looked for in what is read of it."""
        filters = _among_own(caller, filters)
        after = logic.place_in_list(cursor, filters.digest) if cursor else None
        kept: list[Mapping[str, Any]] = []
        for _ in range(QUERIES):
            entries = self.records.entries(filters.list, filters.span, after, READ_AT_ONCE)
            for n, entry in enumerate(entries.rows, start=1):
                after = entry["at"]
                kept += [entry] if filters.wants(entry) else []
                if len(kept) == limit and (entries.more or n < len(entries.rows)):
                    return self._page(kept, filters, after)
            if not entries.more:
                return self._page(kept, filters, None)
        return self._page(kept, filters, after)

    def _page(
        self, kept: Iterable[Mapping[str, Any]], filters: Filters, after: str | None
    ) -> Results:
        cursor = logic.cursor(filters.digest, after) if after else None
        return Results(items=tuple(map(self._listed, kept)), cursor=cursor)

    def result(self, caller: Caller, image: str) -> Detail:
        record = self._record(caller, image)
        found = hops(self.records.events(image), self.records.claims(image), self.now().timestamp())
        return self._detail(record, tuple(map(logic.shown_hop, found)))

    def analysis(self, caller: Caller, image: str) -> bytes | Elsewhere:
        """The analysis document as it is kept."""
        record = self._record(caller, image)
        analyzed = record.runs[logic.shown(record)].analyzed
        if record.published is None or analyzed is None:
            raise Problem(404, "not-analysed", "No run of this image has completed.")
        document = self.processed.find(analyzed.document)
        if document is None:
            raise Problem(404, "not-analysed", "Its analysis is just being replaced: ask again.")
        if len(document.body) > LARGEST_ANSWER:
            return Elsewhere(url=self.signer.link(analyzed.document))
        return document.body

    def labels(self, caller: Caller, limit: int, cursor: str | None) -> Labels:
        """Most images first. There are as many labels as words, however many images there are.

        Who does not see all is told of the labels of their own newest 800 images.
        """
        before = logic.place_in_counts(cursor, "labels") if cursor else 0
        counts = self._counts() if caller.sees_all else self._counts_of(str(caller.name))
        known = sorted((-number, name) for name, number in counts.items() if number > 0)
        shown = [LabelCount(name=name, images=-n) for n, name in known[before : before + limit]]
        after = before + limit
        more = logic.cursor("labels", str(after)) if after < len(known) else None
        return Labels(labels=tuple(shown), cursor=more)

    def _counts(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for partition in count_partitions():
            for row in self.records.partition(partition):
                counts[row["item"].removeprefix(COUNT)] += int(row["images"])
        return counts

    def _counts_of(self, owner: str) -> Counter[str]:
        counts: Counter[str] = Counter()
        after = None
        for _ in range(QUERIES):
            entries = self.records.entries(by_owner(owner), ("0", "~"), after, READ_AT_ONCE)
            for entry in entries.rows:
                after = entry["at"]
                counts.update({label["name"] for label in logic.labels_of(entry)})
            if not entries.more:
                break
        return counts

    def similar(self, caller: Caller, image: str, limit: int) -> SimilarImages:
        """Near-duplicates first, then look-alikes: these only where pictures were embedded."""
        record = self._record(caller, image)
        features = features_of(record.runs[logic.shown(record)])
        seen = (row for row in self._candidates(features) if caller.sees(row.get("owner")))
        entries = {row["image"]: row for row in seen if row["image"] != image}
        others = {name: Features.model_validate(row) for name, row in entries.items()}
        best = ranked(features, others)[:limit]
        return SimilarImages(items=tuple(self._match(entries[one.image], one) for one in best))

    def _match(self, entry: Mapping[str, Any], match: Match) -> Similar:
        shown = dict(self._listed(entry))
        return Similar(**shown, kind=match.kind, score=match.score)

    def _candidates(self, features: Features) -> Iterator[Mapping[str, Any]]:
        """Those that are compared by more come last, and so take the place of the same image."""
        lists = []
        if features.fingerprint:
            lists += [by_hash(n, band) for n, band in enumerate(hash_bands(features.fingerprint))]
        if features.embedding:
            lists += [
                by_embedding(n, band) for n, band in enumerate(embedding_bands(features.embedding))
            ]
        for name in lists:
            yield from self.records.entries(name, ("0", "~"), None, CANDIDATES).rows

    def replay(self, caller: Caller, image: str, *, force: bool, analyze_only: bool) -> Asked:
        record = self._record(caller, image)
        self._refuse(why_not_replayed(record, force=force, analyze_only=analyze_only))
        request = ReplayRequested(
            image=image, run=record.run, force=force, analyze_only=analyze_only
        )
        ask(self.bus, request, SOURCE, self.now())
        return Asked(image=image, run=record.run + 1)

    def release(self, caller: Caller, image: str) -> Asked:
        """An operator's to ask: quarantine is what an owner must not be able to end."""
        record = self._record(caller, image)
        if not caller.sees_all:
            raise Problem(403, "operators-only", "An operator has to look at it first.")
        self._refuse(why_not_released(record))
        seen = logic.shown(record)
        ask(self.bus, ReleaseRequested(image=image, run=seen), SOURCE, self.now())
        return Asked(image=image, run=seen)

    def delete(self, caller: Caller, image: str) -> Asked:
        record = self._record(caller, image)
        ask(self.bus, DeleteRequested(image=image, run=record.run), SOURCE, self.now())
        return Asked(image=image, run=record.run)

    @staticmethod
    def _refuse(refusal: Refusal | None) -> None:
        if refusal:
            raise Problem(409, refusal.value, REFUSED[refusal])

    def _record(self, caller: Caller, image: str) -> Record:
        """Another's image is as unknown as one that is not there, deleted or not."""
        record = self.records.record(image)
        return self._known(record if record and caller.sees(record.owner) else None, image)

    @staticmethod
    def _known(record: Record | None, image: str) -> Record:
        if record is None:
            detail = f"Nothing is known of {image}: not uploaded, or not heard of yet."
            raise Problem(404, "unknown-image", detail)
        if record.deleted:
            at = record.deleted.isoformat(timespec="seconds")
            raise Problem(410, Refusal.DELETED.value, f"{image} was deleted at {at}.")
        return record

    def _listed(self, entry: Mapping[str, Any]) -> Summary:
        """An entry of a list as it is shown."""
        picture = entry.get("thumbnail")
        return Summary.model_validate(
            {
                **dict.fromkeys(Summary.model_fields),
                "labels": (),
                **entry,
                "at": entry["at"].partition("#")[0],
                "thumbnail": {**picture, "url": self.signer.link(picture["key"])}
                if picture
                else None,
            }
        )

    def _detail(self, record: Record, timeline: tuple[HopView, ...]) -> Detail:
        number = logic.shown(record)
        run = record.runs[number]
        resized, analyzed = run.resized, run.analyzed
        handed_out = resized.renditions if resized and self._shows(record) else ()
        moderation = analyzed.moderation if analyzed else None
        return Detail(
            image=record.image,
            run=number,
            status=logic.status_of(record),
            at=run.ended or run.started,
            name=logic.last_part(record.source.key),
            owner=record.owner,
            format=resized.format if resized else None,
            width=resized.width if resized else None,
            height=resized.height if resized else None,
            labels=self._labels(run),
            faces=analyzed.faces if analyzed else None,
            flagged=bool(moderation and moderation.flagged),
            quarantined=record.quarantined,
            thumbnail=self._thumbnail(handed_out),
            failure=logic.failure_of(run),
            source=Original.model_validate(record.source.model_dump()),
            captured=resized.captured if resized else None,
            gps_removed=resized.gps_removed if resized else None,
            renditions=tuple(map(self._rendition, handed_out)),
            text=analyzed.text if analyzed else None,
            moderation=moderation,
            analyzer=analyzed.analyzer if analyzed else None,
            cost=run.cost,
            runs=logic.runs_of(record),
            timeline=timeline,
            compensated=logic.compensated(record),
            published=record.published,
            etag=f'"{record.revision}"',
        )

    @staticmethod
    def _shows(record: Record) -> bool:
        """Whether the renditions are there to be seen: made, not compensated, and not quarantined."""
        return logic.status_of(record) is Shown.COMPLETED and not record.quarantined

    @staticmethod
    def _labels(run: Run) -> tuple[Label, ...]:
        """All of them, in the order in which a list shows the first."""
        found = (run.analyzed and run.analyzed.labels) or ()
        return tuple(sorted(found, key=lambda one: (one.confidence, one.name), reverse=True))

    def _thumbnail(self, renditions: Iterable[Rendition]) -> Link | None:
        smallest = min(renditions, key=lambda one: one.width * one.height, default=None)
        if smallest is None:
            return None
        return Link(
            url=self.signer.link(smallest.key), width=smallest.width, height=smallest.height
        )

    def _rendition(self, made: Rendition) -> RenditionLink:
        return RenditionLink.model_validate(
            {**made.model_dump(), "url": self.signer.link(made.key)}
        )


def _owned(caller: Caller, file: File) -> File:
    """The file as its owner's: the caller's, unless one who sees all names another."""
    if file.owner in (None, caller.name):
        return file.model_copy(update={"owner": caller.name})
    if not caller.sees_all:
        raise Problem(403, "not-yours", "Only an operator uploads in another's name.")
    return file


def _among_own(caller: Caller, filters: Filters) -> Filters:
    """The same question, of what the caller sees."""
    if caller.sees_all:
        return filters
    if filters.owner not in (None, caller.name):
        raise Problem(403, "not-yours", "Only an operator lists another's images.")
    return replace(filters, owner=caller.name)
