"""Every event, in the order in which a successful upload meets them.

A fact is what a step did. A report (``step.failed``) says that a step gave up. A decision is
``store``'s, and nobody else publishes one; a decision that ends a run or the image is an outcome.
The type on the wire ends in a version. A version may gain optional fields; any other change is a
new class beside the old one.
"""

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from shared.contracts.cost import Cost
from shared.contracts.envelope import Event, Value, derive
from shared.errors import Fault


class Source(Value):
    """The original in the uploads bucket."""

    bucket: str
    key: str
    version: str | None = None
    """None in a bucket without versioning; there ``etag`` distinguishes the originals of a key."""
    etag: str
    bytes: int
    sha256: str | None = None
    """Hex; set once ``resize`` has read the original."""


class Rendition(Value):
    """A picture derived from the original. ``bytes`` is its size; sides are in pixels."""

    name: str
    key: str
    format: str
    width: int
    height: int
    bytes: int


class Capture(Value):
    """When and with which camera the picture was taken, by the file's EXIF data."""

    at: str | None = None
    """ISO 8601, the camera's local time; with an offset only if the file has one."""
    camera: str | None = None


class PictureDetails(Value):
    """What the original's file has beside its pixels, and what is wrong with it."""

    hdr: bool = False
    """Its colours exceed what a standard display shows; the renditions are tone-mapped to sRGB."""
    gain_map: bool = False
    """It has a gain map for HDR displays. The renditions show the standard picture without it."""
    animated: bool = False
    frames: int = 1
    duration: float | None = None
    """Seconds of one pass through all frames; None if it is not animated."""
    warnings: tuple[str, ...] = ()
    """Codes of defects that no visible pixel suffers from: ``missing-end-marker``."""


class Placeholder(Value):
    """What a page shows while a rendition loads."""

    thumb_hash: str = Field(pattern=r"^[A-Za-z0-9+/]{6,40}={0,2}$")
    """A blurred picture as a ThumbHash of about 25 bytes, as base64."""
    average_colour: str = Field(pattern=r"^#[0-9a-f]{6}$")
    """The mean of all pixels on white."""


class FocalPoint(Value):
    """The point that a cropped rendition shows, in the upright picture.

    Both values are ratios of its sides: 0, 0 is the top left corner and 1, 1 the bottom right.
    """

    x: float = Field(ge=0, le=1)
    y: float = Field(ge=0, le=1)


class Fingerprint(Value):
    """A perceptual hash of the picture. Equal pixels have equal hashes."""

    hash: str = Field(pattern=r"^[0-9a-f]{16}$")
    """A difference hash of 64 bits, as hex. Near-duplicates differ in few bits."""


class Embedding(Value):
    """A neural network's embedding of the picture. A smaller angle means more similar pictures.

    Only embeddings of the same model can be compared.
    """

    model: str
    vector: str = Field(pattern=r"^[A-Za-z0-9+/]{342}==$")
    """256 signed bytes as base64. The length of the vector has no meaning."""


class Label(Value):
    """A label of the picture. Confidence is in percent, as in Rekognition."""

    name: str
    confidence: float


class Moderation(Value):
    """Whether moderation flagged the picture, and for what."""

    flagged: bool
    names: tuple[str, ...] = ()


class Origin(Value):
    """The run whose detections were reused. Empty for an image of another owner."""

    image: str | None = None
    run: int | None = None


class Reanalysis(Value):
    """A run that repeats the analysis only: its renditions are copies of the published run's."""

    of: int
    """The run that was published when this one began."""
    analyzer: str | None = None
    """The analyzer to use; None: the one in ``analyze``'s settings."""


class PreviousVersion(Value):
    """An analysis document that a later run copied; ``run`` is the one that made it."""

    run: int
    document: str
    """The key of the later run's copy."""


class AnalysisVersion(PreviousVersion):
    """A previous version of the analysis."""

    analyzer: str
    models: dict[str, str] = Field(default_factory=dict)
    thresholds: dict[str, float] = Field(default_factory=dict)
    analyzed_at: datetime | None = None


class ImageEvent(Event):
    """An event that names the original, so that ``store`` can create the record from it."""

    source: Source
    owner: str | None = None
    """The upload's metadata ``x-amz-meta-owner``, once ``resize`` has read it."""


class Fact(ImageEvent):
    """A step has done something. A fact that a service dead-letters is a failure of that service's
    step.
    """


class ImageUploaded(Fact):
    """An original was uploaded. Never published: S3's notification is read as this event."""

    type: ClassVar[str] = "image.uploaded.v1"


class ImageResized(Fact):
    """The original was read, and its renditions were created."""

    type: ClassVar[str] = "image.resized.v1"

    format: str
    """Detected from the content, not the name: ``JPEG``, ``PNG``, ``HEIC`` …"""
    width: int
    height: int
    """Width and height are those after the EXIF orientation was applied."""
    captured: Capture = Capture()
    gps_removed: bool = False
    details: PictureDetails = PictureDetails()
    renditions: tuple[Rendition, ...]
    analysis: Rendition
    """A JPEG within Rekognition's limits."""
    fingerprint: Fingerprint | None = None
    """None in events of versions that did not compute it."""
    placeholder: Placeholder | None = None
    reanalysis: Reanalysis | None = None
    """Set for a run that repeats the analysis only."""


class ImageAnalyzed(Fact):
    """The picture was analyzed. None means that this detection is switched off."""

    type: ClassVar[str] = "image.analyzed.v1"

    document: str
    """The key of the analysis document, in the processed bucket."""
    labels: tuple[Label, ...] | None = None
    faces: int | None = None
    largest_face: FocalPoint | None = None
    """The centre of the largest face; None without one, and in events of older versions."""
    text: tuple[str, ...] | None = None
    moderation: Moderation | None = None
    embedding: Embedding | None = None
    analyzer: str
    models: dict[str, str] = Field(default_factory=dict)
    thresholds: dict[str, float] = Field(default_factory=dict)
    """By detection, in percent; and ``max_labels``."""
    analyzed_at: datetime | None = None
    """When the detections ran; for reused ones, when they ran originally."""
    reused_from: Origin | None = None
    """Set if nothing was paid: the same content had been analyzed with the same settings."""
    previous_versions: tuple[PreviousVersion, ...] = ()
    """The versions that the run copied, oldest first."""


class StepFailed(ImageEvent):
    """A step gave up on a run. This is a report, not an outcome: ``store`` decides."""

    type: ClassVar[str] = "step.failed.v1"

    stage: str
    reason: str
    """A stable code: ``not-an-image``."""
    detail: str
    """The reason as a sentence for people."""
    fault: Fault

    def identity(self, source: str, cause: str, n: int) -> str:
        """A report with other fields has another id: a step that is killed after it published may
        fail differently the next time.
        """
        return derive(source, cause, self.type, n, self.model_dump_json())


class Decision(ImageEvent):
    """What ``store`` decided about a run. It has one id, however often it is published."""

    decision: ClassVar[str]
    decided_at: datetime

    def identity(self, source: str, cause: str, n: int) -> str:  # noqa: ARG002 - the cause makes no difference
        return derive(self.image, self.run, self.decision)


class Outcome(Decision):
    """A decision that ends a run (completed, failed) or the image (deleted)."""


class CompletedRun(Decision):
    """The results of a completed run: they exist, and they are on record."""

    format: str
    width: int
    height: int
    captured: Capture = Capture()
    gps_removed: bool = False
    details: PictureDetails = PictureDetails()
    placeholder: Placeholder | None = None
    renditions: tuple[Rendition, ...]
    document: str
    labels: tuple[Label, ...] | None = None
    faces: int | None = None
    text: tuple[str, ...] | None = None
    moderation: Moderation | None = None
    analyzer: str
    versions: tuple[AnalysisVersion, ...] = ()
    """The previous versions of the analysis beside ``document``, oldest first."""
    cost: Cost | None = None
    """An estimate of what this run cost. None if ``store`` has no rates."""


class ImageCompleted(CompletedRun, Outcome):
    """The run completed."""

    type: ClassVar[str] = "image.completed.v1"
    decision: ClassVar[str] = "completed"

    quarantined: bool = False
    """The renditions exist, but are left out of this event until an operator releases them."""


class ImageReleased(CompletedRun):
    """An operator released a quarantined image; ``run`` is the run that was published then."""

    type: ClassVar[str] = "image.released.v1"
    decision: ClassVar[str] = "released"


class ImageFailed(Outcome):
    """The run failed. Services compensate it; the original stays and can be replayed."""

    type: ClassVar[str] = "image.failed.v1"
    decision: ClassVar[str] = "failed"

    stage: str
    reason: str
    detail: str
    fault: Fault


class ImageReplayed(Decision, Fact):
    """A new run was granted; ``run`` is the new one. ``resize`` starts it from the original."""

    type: ClassVar[str] = "image.replayed.v1"
    decision: ClassVar[str] = "replayed"

    reanalysis: Reanalysis | None = None
    """None: everything is created anew."""
    copy_from: ImageResized | None = None
    """For a re-analysis: the renditions of the run that it copies from."""
    largest_face: FocalPoint | None = None
    """As the last run before this one that was analyzed found it."""


class ImageSuperseded(Decision):
    """A later run has replaced this one as the published run. Services compensate this one."""

    type: ClassVar[str] = "image.superseded.v1"
    decision: ClassVar[str] = "superseded"


class ImageDeleted(Outcome):
    """The image is deleted, with all its runs and its original. This is final."""

    type: ClassVar[str] = "image.deleted.v1"
    decision: ClassVar[str] = "deleted"


class Request(Event):
    """A request to ``store``. ``run`` is the run that was current for the caller."""


class ReplayRequested(Request):
    """Start a new run in place of this one.

    Granted if this is the current run and has ended. A repeated request publishes the same grant
    again. ``force`` first ends a run that is still open. ``analyze_only`` repeats the analysis of
    the published run, so it needs one.
    """

    type: ClassVar[str] = "replay.requested.v1"

    force: bool = False
    analyze_only: bool = False
    analyzer: str | None = None
    """With ``analyze_only``: the name of the analyzer to use."""


class ReleaseRequested(Request):
    """Release this image: an operator has reviewed this quarantined run of it.

    Granted for the run that is currently published, since all runs have the same original. A
    repeated request publishes the same release again.
    """

    type: ClassVar[str] = "release.requested.v1"


class DeleteRequested(Request):
    """Delete the image, also while a run is open."""

    type: ClassVar[str] = "delete.requested.v1"
