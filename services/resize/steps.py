"""What ``resize`` does with an upload or a replay, and its compensation."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256

from services.resize import logic
from services.resize.focal import read_focal
from services.resize.pictures.refusals import Refusal, refuse
from services.resize.pictures.values import FocalPoint
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
    PictureDetails,
    Placeholder,
    Rendition,
)
from shared.contracts.uploads import issued_prefix
from shared.delivery import StepContext
from shared.errors import error_context
from shared.metrics import EFFECTS
from shared.objects import IMMUTABLE, Objects, Stored, delete_all

LONGEST_OWNER = 256
"""Characters; it becomes a message attribute, and people filter on it."""


def prefix(event: ImageEvent) -> str:
    """The prefix of all objects of this run, and of nothing else."""
    return f"renditions/{event.image}/{event.run}/"


@dataclass(frozen=True)
class Steps:
    """Creates renditions of originals, and compensates them."""

    uploads: Objects
    processed: Objects
    specs: Sequence[logic.Spec]
    limits: logic.Limits
    develop: Callable[..., logic.Developed] = logic.develop

    def resize(self, event: ImageUploaded | ImageReplayed, context: StepContext) -> Iterator[Event]:
        """Create the renditions and publish ``image.resized``.

        A re-analysis copies the published run's renditions if they still exist.
        """
        if not isinstance(event, ImageReplayed) or event.copy_from is None:
            yield self._create(event, context)
            return
        resized = self._copy_renditions(event, event.copy_from, context) or self._create(
            event, context
        )
        yield resized.model_copy(update={"reanalysis": event.reanalysis})

    def _copy_renditions(
        self, event: ImageReplayed, published: ImageResized, context: StepContext
    ) -> ImageResized | None:
        """Copy the renditions of another run; None if one is missing."""
        existing = set(self.processed.keys(prefix(published)))
        if (
            not {rendition.key for rendition in (*published.renditions, published.analysis)}
            <= existing
        ):
            return None
        context.ensure_lease()
        return published.model_copy(
            update={
                "run": event.run,
                "source": event.source,
                "owner": event.owner,
                "renditions": tuple(self._copy(event, published, r) for r in published.renditions),
                "analysis": self._copy(event, published, published.analysis),
            }
        )

    def _copy(self, event: ImageEvent, published: ImageResized, rendition: Rendition) -> Rendition:
        key = prefix(event) + rendition.key.removeprefix(prefix(published))
        self.processed.copy(rendition.key, key)
        return rendition.model_copy(update={"key": key})

    def _create(self, event: ImageUploaded | ImageReplayed, context: StepContext) -> ImageResized:
        """Check the original and create its renditions. A refused original leaves no objects."""
        original = self._read(event)
        owner = original.metadata.get("owner", "")[:LONGEST_OWNER] or None
        focal = read_focal(original.metadata.get("focal")) or _largest_face(event)
        with error_context(owner=owner):
            picture = self.develop(original.body, self.specs, self.limits, focal=focal)
        context.ensure_lease()
        stored = {r.name: self._put(event, r) for r in (*picture.renditions, picture.analysis)}
        telemetry.count("renditions created", EFFECTS)
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
            details=PictureDetails(**asdict(picture.details)),
            renditions=tuple(stored[r.name] for r in picture.renditions),
            analysis=stored[picture.analysis.name],
            fingerprint=Fingerprint(hash=picture.fingerprint.hash),
            placeholder=Placeholder(**asdict(picture.placeholder)) if picture.placeholder else None,
        )

    def compensate(self, event: ImageEvent) -> None:
        """Delete every rendition of this run."""
        delete_all(self.processed, prefix(event))

    def purge(self, event: ImageDeleted) -> None:
        """Delete the renditions of every run, the original, and stored dead letters about it."""
        delete_all(self.processed, f"renditions/{event.image}/")
        delete_all(self.processed, f"dead-letters/{event.image}/")
        if event.source.key.startswith(issued_prefix(event.image)):
            # Later versions of the key belong to the same image.
            self.uploads.erase(issued_prefix(event.image))
        else:
            self.uploads.delete(event.source.key, version=event.source.version)

    def _read(self, event: ImageEvent) -> Stored:
        source = event.source
        if source.bytes > self.limits.bytes:
            raise refuse(Refusal.TOO_MANY_BYTES, bytes=source.bytes, limit=self.limits.bytes)
        return self.uploads.get(source.key, version=source.version, etag=source.etag)

    def _put(self, event: ImageEvent, rendition: logic.Rendition) -> Rendition:
        key = f"{prefix(event)}{rendition.name}.{rendition.format.lower()}"
        self.processed.put(key, rendition.body, rendition.content_type, IMMUTABLE)
        return Rendition(
            name=rendition.name,
            key=key,
            format=rendition.format,
            width=rendition.width,
            height=rendition.height,
            bytes=len(rendition.body),
        )


def _largest_face(event: ImageUploaded | ImageReplayed) -> FocalPoint | None:
    """The centre of the largest face, which only an earlier run can have found."""
    face = event.largest_face if isinstance(event, ImageReplayed) else None
    return FocalPoint(face.x, face.y) if face else None
