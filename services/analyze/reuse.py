"""An index of analyzed content, so that the same content is paid for only once.

An entry is only a hint: the document that it names is checked, and then copied, so that each run
owns its document.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha256

from services.analyze.documents import JSON, own_key, read
from services.analyze.logic import AnalysisRequest
from shared.contracts.analysis import Analysis, Hint
from shared.contracts.images import ImageEvent, ImageResized, Origin, Rendition
from shared.errors import DarkroomError
from shared.objects import Objects
from shared.runs import Runs
from shared.telemetry import log


def entry(content: str, analyzer: str, thresholds: dict[str, float], picture: Rendition) -> str:
    """The key of the entry for this content (its sha256), request and picture."""
    shape = [picture.format, picture.width, picture.height]
    request = json.dumps([analyzer, thresholds, shape], sort_keys=True)
    return f"reuse/{content}/{sha256(request.encode()).hexdigest()}.json"


def copied(document: Analysis, event: ImageResized) -> Analysis:
    """The document as this run's own. It does not name an image of another owner."""
    origin = Origin(image=document.image, run=document.run)
    return document.model_copy(
        update={
            "image": event.image,
            "run": event.run,
            "owner": event.owner,
            "source": event.source,
            "picture": event.analysis,
            "reused_from": origin if document.owner == event.owner else Origin(),
        }
    )


@dataclass(frozen=True)
class Reuse:
    """``on`` enables lookups and new entries. Entries are deleted in any case."""

    processed: Objects
    runs: Runs
    on: bool = True
    models: defaultdict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    """The latest model versions seen in this process, by analyzer and detection."""

    def find(self, event: ImageResized, request: AnalysisRequest) -> Analysis | None:
        """A document that answers this request for this content, if one exists."""
        content = event.source.sha256
        if not self.on or content is None or not request.detect:
            return None
        key = entry(content, request.analyzer, request.applied_thresholds, event.analysis)
        hint = read(Hint, self.processed.find(key))
        document = read(Analysis, self.processed.find(hint.document)) if hint else None
        fits = document is not None and self._fits(document, content, request)
        return document if fits else None

    def _fits(self, document: Analysis, content: str, request: AnalysisRequest) -> bool:
        latest = self.models[request.analyzer]
        return (
            document.source.sha256 == content
            and document.analyzer == request.analyzer
            and document.thresholds == request.applied_thresholds
            and document.answers.keys() == set(request.detect)
            and all(latest.get(name, model) == model for name, model in document.models.items())
        )

    def remember_models(self, document: Analysis) -> None:
        """Remember these model versions. Documents of older ones are not reused."""
        self.models[document.analyzer] |= document.models

    def add_entry(self, event: ImageResized, document: Analysis) -> None:
        """Put an entry for this run's document, which answers the whole request.

        Only once the record holds ``image.resized``: then every event that compensates the run
        names the content, and the entry can be found. The run continues if this fails.
        """
        content = event.source.sha256
        if not self.on or content is None or not document.answers:
            return
        key = entry(content, document.analyzer, document.thresholds, document.picture)
        hint = Hint(image=event.image, run=event.run, document=own_key(event))
        try:
            if self.runs.resized(event.image, event.run):
                self.processed.put(key, hint.model_dump_json().encode(), JSON)
        except DarkroomError as error:
            log.warning("not added to the reuse index", extra={"reason": error.reason})

    def compensate(self, event: ImageEvent) -> None:
        """Delete the entries that point at this run."""
        for key, hint in self._entries(event):
            if hint.run == event.run:
                self.processed.delete(key)

    def purge(self, event: ImageEvent) -> None:
        """Delete the entries that point at any run of this image."""
        for key, _ in self._entries(event):
            self.processed.delete(key)

    def _entries(self, event: ImageEvent) -> list[tuple[str, Hint]]:
        """The entries of this content that point at this image."""
        content = event.source.sha256
        keys = list(self.processed.keys(f"reuse/{content}/")) if content else []
        hints = [(key, read(Hint, self.processed.find(key))) for key in keys]
        return [(key, hint) for key, hint in hints if hint and hint.image == event.image]
