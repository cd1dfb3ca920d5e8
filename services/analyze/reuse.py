"""The same content, asked the same way, is paid for once: an index of what was answered already.

The index only hints. What it points at is looked at before it is believed, and copied, so that
each run has a document of its own, to keep and to throw away.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha256

from services.analyze.documents import JSON, own_key, read
from services.analyze.logic import Question
from shared.contracts.analysis import Analysis, Hint
from shared.contracts.images import ImageEvent, ImageResized, Origin, Rendition
from shared.errors import DarkroomError
from shared.objects import Objects
from shared.runs import Runs
from shared.telemetry import log


def entry(content: str, analyzer: str, thresholds: dict[str, float], picture: Rendition) -> str:
    """The key of the entry for this content (its sha256), asked so, about a picture like this."""
    seen = [picture.format, picture.width, picture.height]
    question = json.dumps([analyzer, thresholds, seen], sort_keys=True)
    return f"reuse/{content}/{sha256(question.encode()).hexdigest()}.json"


def copied(document: Analysis, event: ImageResized) -> Analysis:
    """Another run's answers as this run's own. Another owner's image is not named."""
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
    """``on``: whether anything is looked up and entered; what is there is forgotten either way."""

    processed: Objects
    runs: Runs
    on: bool = True
    models: defaultdict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    """The latest models that answered here, by analyzer and detection."""

    def find(self, event: ImageResized, question: Question) -> Analysis | None:
        """The answers to this very question about this content, if they are still there."""
        content = event.source.sha256
        if not self.on or content is None or not question.detect:
            return None
        key = entry(content, question.analyzer, question.told, event.analysis)
        hint = read(Hint, self.processed.find(key))
        document = read(Analysis, self.processed.find(hint.document)) if hint else None
        fits = document is not None and self._fits(document, content, question)
        return document if fits else None

    def _fits(self, document: Analysis, content: str, question: Question) -> bool:
        latest = self.models[question.analyzer]
        return (
            document.source.sha256 == content
            and document.analyzer == question.analyzer
            and document.thresholds == question.told
            and document.answers.keys() == set(question.detect)
            and all(latest.get(name, model) == model for name, model in document.models.items())
        )

    def learn(self, document: Analysis) -> None:
        """These models have just answered: older ones are outdated."""
        self.models[document.analyzer] |= document.models

    def point(self, event: ImageResized, document: Analysis) -> None:
        """Let the index point at this run's document, which answers all that was asked.

        Only once the record knows that the run was resized: every verdict that compensates the run
        then names the content, and so the entry is found. An entry is not worth an image: if it
        cannot be made, the run goes on without it.
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
            log.warning("not entered in the index", extra={"reason": error.reason})

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
        found = [(key, read(Hint, self.processed.find(key))) for key in keys]
        return [(key, hint) for key, hint in found if hint and hint.image == event.image]
