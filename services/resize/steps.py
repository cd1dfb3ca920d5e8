"""What ``resize`` does when something lands, and how it compensates it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from services.resize import logic
from services.resize.pictures.refusals import Refusal, refuse
from shared import telemetry
from shared.contracts.envelope import Event
from shared.contracts.images import (
    Capture,
    Fingerprint,
    ImageDeleted,
    ImageEvent,
    ImageReplayed,
    ImageResized,
    ImageUploaded,
    Rendition,
)
from shared.contracts.uploads import issued_prefix
from shared.delivery import StepContext
from shared.errors import error_context
from shared.metrics import EFFECTS
from shared.objects import FOREVER, Objects, Stored, delete_all

LONGEST_OWNER = 256
"""Characters; it becomes a message attribute, and people filter on it."""


def prefix(event: ImageEvent) -> str:
    """Where everything stands that was made for this run, and nothing else does."""
    return f"renditions/{event.image}/{event.run}/"


@dataclass(frozen=True)
class Steps:
    """Renditions of originals: made, and compensated."""

    uploads: Objects
    processed: Objects
    specs: Sequence[logic.Spec]
    limits: logic.Limits
    develop: Callable[[bytes, Sequence[logic.Spec], logic.Limits], logic.Developed] = logic.develop

    def resize(self, event: ImageUploaded | ImageReplayed, context: StepContext) -> Iterator[Event]:
        """Say what renditions there are: copies of the published run's where all that is wanted is
        a re-analysis, or else made from the original.
        """
        if not isinstance(event, ImageReplayed) or event.made is None:
            yield self._made(event, context)
            return
        captured = self._taken_over(event, event.made, context) or self._made(event, context)
        yield captured.model_copy(update={"reanalysis": event.reanalysis})

    def _taken_over(
        self, event: ImageReplayed, made: ImageResized, context: StepContext
    ) -> ImageResized | None:
        """What was made for another run, copied; None where some of it is gone."""
        there = set(self.processed.keys(prefix(made)))
        if not {one.key for one in (*made.renditions, made.analysis)} <= there:
            return None
        context.ensure_lease()
        return made.model_copy(
            update={
                "run": event.run,
                "source": event.source,
                "owner": event.owner,
                "renditions": tuple(self._copy(event, made, one) for one in made.renditions),
                "analysis": self._copy(event, made, made.analysis),
            }
        )

    def _copy(self, event: ImageEvent, made: ImageResized, one: Rendition) -> Rendition:
        key = prefix(event) + one.key.removeprefix(prefix(made))
        self.processed.copy(one.key, key)
        return one.model_copy(update={"key": key})

    def _made(self, event: ImageUploaded | ImageReplayed, context: StepContext) -> ImageResized:
        """Check the original and make its renditions; nothing is kept of one that is refused."""
        original = self._read(event)
        owner = original.metadata.get("owner", "")[:LONGEST_OWNER] or None
        with error_context(owner=owner):
            picture = self.develop(original.body, self.specs, self.limits)
        context.ensure_lease()
        made = {r.name: self._keep(event, r) for r in (*picture.renditions, picture.analysis)}
        telemetry.count("made the renditions", EFFECTS)
        telemetry.expect_effects(1)
        return ImageResized(
            image=event.image,
            run=event.run,
            source=event.source.model_copy(update={"sha256": sha256(original.body).hexdigest()}),
            owner=owner,
            format=picture.format,
            width=picture.width,
            height=picture.height,
            captured=Capture(at=picture.captured.at, camera=picture.captured.camera),
            gps_removed=picture.gps_removed,
            renditions=tuple(made[r.name] for r in picture.renditions),
            analysis=made[picture.analysis.name],
            fingerprint=Fingerprint(hash=picture.fingerprint.hash),
        )

    def compensate(self, event: ImageEvent) -> None:
        """Unmake the run's renditions, however many of them there are."""
        delete_all(self.processed, prefix(event))

    def purge(self, event: ImageDeleted) -> None:
        """Unmake the renditions of every run, and delete the original; and the raw messages about
        it that rescue has kept.
        """
        delete_all(self.processed, f"renditions/{event.image}/")
        delete_all(self.processed, f"dead-letters/{event.image}/")
        if event.source.key.startswith(issued_prefix(event.image)):
            self.uploads.erase(
                issued_prefix(event.image)
            )  # later versions are of the same image, too
        else:
            self.uploads.delete(event.source.key, version=event.source.version)

    def _read(self, event: ImageEvent) -> Stored:
        source = event.source
        if source.bytes > self.limits.bytes:
            raise refuse(Refusal.TOO_MANY_BYTES, bytes=source.bytes, limit=self.limits.bytes)
        return self.uploads.get(source.key, version=source.version, etag=source.etag)

    def _keep(self, event: ImageEvent, made: logic.Rendition) -> Rendition:
        key = f"{prefix(event)}{made.name}.{made.format.lower()}"
        self.processed.put(key, made.body, made.content_type, FOREVER)
        return Rendition(
            name=made.name,
            key=key,
            format=made.format,
            width=made.width,
            height=made.height,
            bytes=len(made.body),
        )
