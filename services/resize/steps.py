"""What ``resize`` does when something lands, and how it unmakes it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from services.resize import logic
from services.resize.pictures.refusals import Refusal, refuse
from shared import telemetry
from shared.consumer import Turn
from shared.contracts.envelope import Event
from shared.contracts.images import (
    ImageDeleted,
    ImageEvent,
    ImageReplayed,
    ImageResized,
    ImageUploaded,
    Likeness,
    Rendition,
    Taken,
)
from shared.contracts.uploads import given
from shared.errors import known
from shared.metrics import EFFECTS
from shared.objects import FOREVER, Objects, Stored, delete_all

LONGEST_OWNER = 256
"""Characters; it becomes a message attribute, and people filter on it."""


def prefix(event: ImageEvent) -> str:
    """Where everything stands that was made for this run, and nothing else does."""
    return f"renditions/{event.image}/{event.run}/"


@dataclass(frozen=True)
class Steps:
    """Renditions of originals: made, and unmade."""

    uploads: Objects
    processed: Objects
    specs: Sequence[logic.Spec]
    limits: logic.Limits
    develop: Callable[[bytes, Sequence[logic.Spec], logic.Limits], logic.Developed] = logic.develop

    def resize(self, event: ImageUploaded | ImageReplayed, turn: Turn) -> Iterator[Event]:
        """Say what renditions there are: copies of the published run's where all that is wanted is
        a re-analysis, or else made from the original.
        """
        if not isinstance(event, ImageReplayed) or event.made is None:
            yield self._made(event, turn)
            return
        taken = self._taken_over(event, event.made, turn) or self._made(event, turn)
        yield taken.model_copy(update={"reanalysis": event.reanalysis})

    def _taken_over(
        self, event: ImageReplayed, made: ImageResized, turn: Turn
    ) -> ImageResized | None:
        """What was made for another run, copied; None where some of it is gone."""
        there = set(self.processed.keys(prefix(made)))
        if not {one.key for one in (*made.renditions, made.analysis)} <= there:
            return None
        turn.confirm()
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

    def _made(self, event: ImageUploaded | ImageReplayed, turn: Turn) -> ImageResized:
        """Check the original and make its renditions; nothing is kept of one that is refused."""
        original = self._read(event)
        owner = original.metadata.get("owner", "")[:LONGEST_OWNER] or None
        with known(owner=owner):
            picture = self.develop(original.body, self.specs, self.limits)
        turn.confirm()
        made = {r.name: self._keep(event, r) for r in (*picture.renditions, picture.analysis)}
        telemetry.count("made the renditions", EFFECTS)
        telemetry.wants(1)
        return ImageResized(
            image=event.image,
            run=event.run,
            source=event.source.model_copy(update={"sha256": sha256(original.body).hexdigest()}),
            owner=owner,
            format=picture.format,
            width=picture.width,
            height=picture.height,
            taken=Taken(at=picture.taken.at, camera=picture.taken.camera),
            gps_removed=picture.gps_removed,
            renditions=tuple(made[r.name] for r in picture.renditions),
            analysis=made[picture.analysis.name],
            likeness=Likeness(hash=picture.likeness.hash),
        )

    def forget(self, event: ImageEvent) -> None:
        """Unmake the run's renditions, however many of them there are."""
        delete_all(self.processed, prefix(event))

    def forget_all(self, event: ImageDeleted) -> None:
        """Unmake the renditions of every run, and delete the original; and the raw messages about
        it that rescue has kept.
        """
        delete_all(self.processed, f"renditions/{event.image}/")
        delete_all(self.processed, f"dead-letters/{event.image}/")
        if event.source.key.startswith(given(event.image)):
            self.uploads.erase(given(event.image))  # later versions are of the same image, too
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
