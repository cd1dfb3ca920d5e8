"""Every event there is, in the order a healthy upload meets them.

A fact says what a step did. A report (``step.failed``) says that a step gave up. A verdict says how
a run ended, and only ``store`` announces one. Names on the wire end in their version: an optional
field may be added to a version; anything else is a new class beside the old one.
"""

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from shared.contracts.cost import Cost
from shared.contracts.envelope import Event, Value, derive
from shared.errors import Fault


class Source(Value):
    """The original, as it stands in the uploads bucket."""

    bucket: str
    key: str
    version: str | None = None
    """None where the bucket is not versioned; then ``etag`` tells one original from the next."""
    etag: str
    bytes: int
    sha256: str | None = None
    """Hex; known once ``resize`` has read the original."""


class Rendition(Value):
    """A picture made from the original. ``bytes`` is its size; sides are in pixels."""

    name: str
    key: str
    format: str
    width: int
    height: int
    bytes: int


class Capture(Value):
    """When and with what the picture was taken, as far as the file says so."""

    at: str | None = None
    """ISO 8601, local time of the camera; with an offset only if the file has one."""
    camera: str | None = None


class Fingerprint(Value):
    """What the picture looks like, small enough to be compared with many others'.

    It follows from the pixels alone, so what is the same picture looks the same everywhere.
    """

    hash: str = Field(pattern=r"^[0-9a-f]{16}$")
    """A difference hash of 64 bits, as hex: near-duplicates differ in few of them."""


class Embedding(Value):
    """What a network makes of the picture: the more alike two are, the smaller the angle between
    them. Only those of the same model can be compared.
    """

    model: str
    vector: str = Field(pattern=r"^[A-Za-z0-9+/]{342}==$")
    """256 signed bytes as base64. Its length means nothing."""


class Label(Value):
    """Something seen in the picture. Confidence is in percent, as Rekognition gives it."""

    name: str
    confidence: float


class Moderation(Value):
    """Whether the picture needs a person's look before it is shown, and why."""

    flagged: bool
    names: tuple[str, ...] = ()


class Origin(Value):
    """The run whose answers were reused. Nothing is named of an image that is another owner's."""

    image: str | None = None
    run: int | None = None


class Reanalysis(Value):
    """A run that only asks anew: what it shows is taken over from the published run."""

    of: int
    """The run that was published when this one was granted."""
    analyzer: str | None = None
    """Who is asked; None: whoever ``analyze`` is set to ask."""


class PreviousVersion(Value):
    """An analysis document that a later run took over, by the run that asked for it."""

    run: int
    document: str
    """Its key among the later run's own."""


class AnalysisVersion(PreviousVersion):
    """An earlier version of the analysis, with what tells it from the others."""

    analyzer: str
    models: dict[str, str] = Field(default_factory=dict)
    thresholds: dict[str, float] = Field(default_factory=dict)
    analyzed_at: datetime | None = None


class ImageEvent(Event):
    """An event that knows the original: whoever reads it first can start the image's record."""

    source: Source
    owner: str | None = None
    """Who the upload's metadata says it belongs to (``x-amz-meta-owner``), once that was read."""


class Fact(ImageEvent):
    """Something was done. A fact that dies on its way to a step is a failure of that step."""


class ImageUploaded(Fact):
    """An original landed in the uploads bucket. Never published: S3's notice is read as this."""

    type: ClassVar[str] = "image.uploaded.v1"


class ImageResized(Fact):
    """The original was read and its renditions were made."""

    type: ClassVar[str] = "image.resized.v1"

    format: str
    """By content, not by name: ``JPEG``, ``PNG``, ``HEIC`` …"""
    width: int
    height: int
    """As the picture is seen: after its orientation was applied."""
    captured: Capture = Capture()
    gps_removed: bool = False
    renditions: tuple[Rendition, ...]
    analysis: Rendition
    """The one JPEG within Rekognition's limits."""
    fingerprint: Fingerprint | None = None
    """None: from before this was computed."""
    reanalysis: Reanalysis | None = None
    """Of a run that only asks anew: what ``analyze`` takes over, and whom it asks."""


class ImageAnalyzed(Fact):
    """It is known what is in the picture. None means: this detection was switched off."""

    type: ClassVar[str] = "image.analyzed.v1"

    document: str
    """Key of the full answers, in the bucket of processed objects."""
    labels: tuple[Label, ...] | None = None
    faces: int | None = None
    text: tuple[str, ...] | None = None
    moderation: Moderation | None = None
    embedding: Embedding | None = None
    analyzer: str
    models: dict[str, str] = Field(default_factory=dict)
    thresholds: dict[str, float] = Field(default_factory=dict)
    """By detection asked, in percent; and ``max_labels``."""
    analyzed_at: datetime | None = None
    """When the answers were asked for; of reused ones, by their origin."""
    reused_from: Origin | None = None
    """Nothing was paid: the same content had been analysed with the same settings."""
    previous_versions: tuple[PreviousVersion, ...] = ()
    """The versions that the run took over, oldest first."""


class StepFailed(ImageEvent):
    """A step gave up on a run. A report, not a verdict: ``store`` decides what it means."""

    type: ClassVar[str] = "step.failed.v1"

    stage: str
    reason: str
    """A stable code: ``not-an-image``."""
    detail: str
    """The same as a sentence for people."""
    fault: Fault

    def identity(self, source: str, cause: str, n: int) -> str:
        """Said otherwise, it is another report: who is killed after one may fail otherwise next."""
        return derive(source, cause, self.type, n, self.model_dump_json())


class Decision(ImageEvent):
    """How a run ended. One run has one, under one id, however often it is announced."""

    decision: ClassVar[str]
    decided_at: datetime

    def identity(self, source: str, cause: str, n: int) -> str:  # noqa: ARG002 - that is the point: whoever asks, and how often, changes nothing
        return derive(self.image, self.run, self.decision)


class CompletedRun(Decision):
    """What a completed run came to: everything below exists and is recorded."""

    format: str
    width: int
    height: int
    captured: Capture = Capture()
    gps_removed: bool = False
    renditions: tuple[Rendition, ...]
    document: str
    labels: tuple[Label, ...] | None = None
    faces: int | None = None
    text: tuple[str, ...] | None = None
    moderation: Moderation | None = None
    analyzer: str
    versions: tuple[AnalysisVersion, ...] = ()
    """The earlier versions of the analysis that are kept beside ``document``, oldest first."""
    cost: Cost | None = None
    """An estimate of what this run costs. None: nobody told ``store`` the rates."""


class ImageCompleted(CompletedRun):
    """The run completed."""

    type: ClassVar[str] = "image.completed.v1"
    decision: ClassVar[str] = "completed"

    quarantined: bool = False
    """The renditions exist, but are not told of here: quarantine keeps them until a release."""


class ImageReleased(CompletedRun):
    """The renditions that were quarantined are handed out: an operator looked at the picture.

    ``decided_at`` is when; ``run`` is the run that was published then.
    """

    type: ClassVar[str] = "image.released.v1"
    decision: ClassVar[str] = "released"


class ImageFailed(Decision):
    """The run failed: what was made for it is compensated, and the original can be tried again."""

    type: ClassVar[str] = "image.failed.v1"
    decision: ClassVar[str] = "failed"

    stage: str
    reason: str
    detail: str
    fault: Fault


class ImageReplayed(Decision, Fact):
    """A new run was granted, from the original: ``run`` is the new one. ``resize`` begins it."""

    type: ClassVar[str] = "image.replayed.v1"
    decision: ClassVar[str] = "replayed"

    reanalysis: Reanalysis | None = None
    """None: everything is made anew."""
    made: ImageResized | None = None
    """What was made for the run that a re-analysis takes over from."""


class ImageSuperseded(Decision):
    """The run was published until a later one completed; now what was made for it is compensated."""

    type: ClassVar[str] = "image.superseded.v1"
    decision: ClassVar[str] = "superseded"


class ImageDeleted(Decision):
    """The image is gone, with all its runs and its original; nothing brings it back."""

    type: ClassVar[str] = "image.deleted.v1"
    decision: ClassVar[str] = "deleted"


class Request(Event):
    """Somebody asks ``store`` for something. ``run`` is the run that the asker saw as current."""


class ReplayRequested(Request):
    """Please begin a new run in the place of this one.

    Granted if it is the current run and has ended; asked again, the same grant is announced again.
    ``force`` ends a run that is still open first. ``analyze_only`` asks anew about what the
    published run made, so it is granted only where one is published.
    """

    type: ClassVar[str] = "replay.requested.v1"

    force: bool = False
    analyze_only: bool = False
    analyzer: str | None = None
    """With ``analyze_only``: who is asked, by a name that ``analyze`` knows."""


class ReleaseRequested(Request):
    """Please hand out this image: somebody looked at this run of it, which is quarantined.

    Granted if it was, whichever run is published by now: all are made from the same original.
    Asked again, the same release is announced again.
    """

    type: ClassVar[str] = "release.requested.v1"


class DeleteRequested(Request):
    """Please delete the image, whatever its runs are doing."""

    type: ClassVar[str] = "delete.requested.v1"
