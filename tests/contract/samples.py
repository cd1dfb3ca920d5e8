"""A realistic, complete sample of every event, notification and document, with fixed ids and times.

`python -m tests.contract.samples` writes the golden files from the samples. Run it after a contract
gained an optional field or a new version. Any other change of a golden file breaks readers.
A golden file may also be written by hand, without a sample here.
"""

import json
from array import array
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.contracts.analysis import Analysis
from shared.contracts.cost import Cost
from shared.contracts.envelope import Envelope
from shared.contracts.images import (
    AnalysisVersion,
    Capture,
    DeleteRequested,
    Embedding,
    Fingerprint,
    FocalPoint,
    ImageAnalyzed,
    ImageCompleted,
    ImageDeleted,
    ImageFailed,
    ImageReleased,
    ImageReplayed,
    ImageResized,
    ImageSuperseded,
    ImageUploaded,
    Label,
    Moderation,
    Origin,
    PictureDetails,
    Placeholder,
    PreviousVersion,
    Reanalysis,
    ReleaseRequested,
    Rendition,
    ReplayRequested,
    Source,
    StepFailed,
)
from shared.contracts.notification import Notification
from shared.errors import Fault

GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)

CAT = "3f0c7a52-6f0e-5d3b-9c41-0a8f2b6d7e11"
TEXT = "b7d1e9c4-21aa-5f60-8e07-5c3d94f1a022"
TWIN = "6e0b9a13-7c52-5a48-b6f1-d2c94e8a7f05"
"""Another upload of CAT's content, by the same owner."""

SOURCE = Source(
    bucket="darkroom-uploads",
    key="holiday photos/cat & küche.jpg",
    version="AaH8RoKJNQLD65ayL55s_rOymXHoa6_P",
    etag="9dd4e461268c8034f5c8564e155c67a6",
    bytes=2_345_678,
    sha256="2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
)
TEXT_SOURCE = SOURCE.model_copy(update={"key": "notes.txt.jpg", "bytes": 19})


def rendition(name: str, width: int, height: int, size: int) -> Rendition:
    key = f"renditions/{CAT}/0/{name}.jpeg"
    return Rendition(name=name, key=key, format="JPEG", width=width, height=height, bytes=size)


RENDITIONS = (rendition("thumbnail", 256, 192, 9_876), rendition("preview", 1024, 768, 123_456))
CAPTURE = Capture(at="2026-07-14T18:03:07+02:00", camera="FUJIFILM X-T5")
DETAILS = PictureDetails(
    hdr=True,
    gain_map=True,
    animated=True,
    frames=12,
    duration=1.2,
    warnings=("missing-end-marker",),
)
PLACEHOLDER = Placeholder(thumb_hash="1QcSHQRnh493V4dIh4eXh1h4kJUI", average_colour="#8a7f6b")
LABELS = (Label(name="Cat", confidence=98.76), Label(name="Window", confidence=71.5))
MODERATION = Moderation(flagged=True, names=("Smoking",))

FINGERPRINT = Fingerprint(hash="00ff3c7e81a5c3e7")
TITAN = "amazon.titan-embed-image-v1"
TITAN_VECTOR = tuple(n / 1024 - 0.125 for n in range(256))
"""256 numbers, as in a response of Titan: from -0.125 up, which is -127 as a byte."""
EMBEDDING = Embedding(
    model=TITAN, vector=b64encode(array("b", (round(1016 * n) for n in TITAN_VECTOR))).decode()
)

UPLOADED = ImageUploaded(image=CAT, run=0, source=SOURCE, owner="ada")
RESIZED = ImageResized(
    image=CAT,
    run=0,
    source=SOURCE,
    owner="ada",
    format="HEIC",
    width=4032,
    height=3024,
    captured=CAPTURE,
    gps_removed=True,
    details=DETAILS,
    renditions=RENDITIONS,
    analysis=rendition("analysis", 1920, 1440, 456_789),
    fingerprint=FINGERPRINT,
    placeholder=PLACEHOLDER,
)
ANALYZED = ImageAnalyzed(
    image=CAT,
    run=0,
    source=SOURCE,
    owner="ada",
    document=f"analyses/{CAT}/0/analysis.json",
    labels=LABELS,
    faces=2,
    largest_face=FocalPoint(x=0.412, y=0.305),
    text=("BAKERY", "open 7-18"),
    moderation=MODERATION,
    embedding=EMBEDDING,
    analyzer="rekognition",
    models={"labels": "3.0", "moderation": "7.0", "embedding": TITAN},
    thresholds={
        "max_labels": 10.0,
        "labels": 70.0,
        "faces": 90.0,
        "text": 80.0,
        "moderation": 50.0,
    },
    analyzed_at=AT + timedelta(seconds=1),
)
COMPLETED = ImageCompleted(
    image=CAT,
    run=0,
    source=SOURCE,
    owner="ada",
    decided_at=AT + timedelta(seconds=3, milliseconds=250),
    format="HEIC",
    width=4032,
    height=3024,
    captured=CAPTURE,
    gps_removed=True,
    details=DETAILS,
    placeholder=PLACEHOLDER,
    renditions=RENDITIONS,
    document=f"analyses/{CAT}/0/analysis.json",
    labels=LABELS,
    faces=2,
    text=("BAKERY", "open 7-18"),
    moderation=MODERATION,
    analyzer="rekognition",
)
HIDDEN = {"quarantined": True, "renditions": (), "placeholder": None}
QUARANTINED = COMPLETED.model_copy(update=HIDDEN)
ESTIMATED = COMPLETED.model_copy(update={"cost": Cost(usd=0.004080512, detections=0.004)})
RELEASE_REQUESTED = ReleaseRequested(image=CAT, run=0)
RELEASED = ImageReleased.model_validate(
    COMPLETED.model_dump(exclude={"quarantined"}) | {"decided_at": AT + timedelta(hours=1)}
)
STEP_FAILED = StepFailed(
    image=TEXT,
    run=0,
    source=TEXT_SOURCE,
    owner="ada",
    stage="resize",
    reason="not-an-image",
    detail="The content is not a picture, whatever its name says.",
    fault=Fault.CLIENT,
)
FAILED = ImageFailed(
    image=TEXT,
    run=0,
    source=TEXT_SOURCE,
    owner="ada",
    decided_at=AT + timedelta(seconds=2),
    stage="resize",
    reason="not-an-image",
    detail="The content is not a picture, whatever its name says.",
    fault=Fault.CLIENT,
)
REPLAY_REQUESTED = ReplayRequested(image=TEXT, run=0, force=True)
REPLAYED = ImageReplayed(
    image=TEXT, run=1, source=TEXT_SOURCE, owner="ada", decided_at=AT + timedelta(hours=1)
)
SUPERSEDED = ImageSuperseded(
    image=CAT, run=0, source=SOURCE, owner="ada", decided_at=AT + timedelta(hours=2)
)
DELETE_REQUESTED = DeleteRequested(image=CAT, run=1)
DELETED = ImageDeleted(
    image=CAT, run=1, source=SOURCE, owner="ada", decided_at=AT + timedelta(hours=3)
)

FIRST = Envelope.first(UPLOADED, "darkroom/uploads", AT)
SECOND = FIRST.caused(RESIZED, "darkroom/resize", 0, AT + timedelta(seconds=1))
THIRD = SECOND.caused(ANALYZED, "darkroom/analyze", 0, AT + timedelta(seconds=2))
LAST = THIRD.caused(COMPLETED, "darkroom/store", 0, AT + timedelta(seconds=4))
RELEASE = Envelope.first(RELEASE_REQUESTED, "darkroom/operator", AT + timedelta(hours=1))
RELEASED_EVENT = RELEASE.caused(RELEASED, "darkroom/store", 0, AT + timedelta(hours=1, seconds=1))
OTHER = Envelope.first(ImageUploaded(image=TEXT, run=0, source=TEXT_SOURCE), "darkroom/uploads", AT)
REPORT = OTHER.caused(STEP_FAILED, "darkroom/resize", 0, AT + timedelta(seconds=1))
FAILED_EVENT = REPORT.caused(FAILED, "darkroom/store", 0, AT + timedelta(seconds=2))
REPLAY = Envelope.first(REPLAY_REQUESTED, "darkroom/operator", AT + timedelta(hours=1))
REPLAYED_EVENT = REPLAY.caused(REPLAYED, "darkroom/store", 0, AT + timedelta(hours=1, seconds=1))
SUPERSEDED_EVENT = THIRD.caused(SUPERSEDED, "darkroom/store", 1, AT + timedelta(hours=2))
DELETION = Envelope.first(DELETE_REQUESTED, "darkroom/operator", AT + timedelta(hours=3))
DELETED_EVENT = DELETION.caused(DELETED, "darkroom/store", 0, AT + timedelta(hours=3, seconds=1))

EVENTS = (
    *(FIRST, SECOND, THIRD, LAST, RELEASE, RELEASED_EVENT),
    *(REPORT, FAILED_EVENT, REPLAY, REPLAYED_EVENT, SUPERSEDED_EVENT, DELETION, DELETED_EVENT),
)
ENVELOPES = {envelope.type: envelope for envelope in EVENTS}
"""By type, each caused by the one before it if that is so for a normal upload; and by
``<type>.<case>`` those that no normal upload causes.
"""
NOTIFICATIONS = {
    "notification.v1.completed": Notification.of(COMPLETED, LAST.id),
    "notification.v1.quarantined": Notification.of(QUARANTINED, LAST.id),
    "notification.v1.released": Notification.of(RELEASED, RELEASED_EVENT.id),
    "notification.v1.failed": Notification.of(FAILED, FAILED_EVENT.id),
    "notification.v1.deleted": Notification.of(DELETED, DELETED_EVENT.id),
}


def in_run(run: int, rendition: Rendition) -> Rendition:
    return rendition.model_copy(update={"key": rendition.key.replace("/0/", f"/{run}/")})


def resized_in(run: int) -> ImageResized:
    """The event of ``resize`` in a reanalysis: it reuses the renditions of the previous run."""
    return RESIZED.model_copy(
        update={
            "run": run,
            "renditions": tuple(in_run(run, rendition) for rendition in RENDITIONS),
            "analysis": in_run(run, RESIZED.analysis),
            "reanalysis": Reanalysis(of=run - 1, analyzer="rekognition"),
        }
    )


REANALYSIS_REQUESTED = ReplayRequested(image=CAT, run=1, analyze_only=True, analyzer="rekognition")
REANALYSIS_REPLAYED = ImageReplayed(
    image=CAT,
    run=2,
    source=SOURCE,
    owner="ada",
    decided_at=AT + timedelta(hours=1),
    reanalysis=Reanalysis(of=1, analyzer="rekognition"),
    copy_from=resized_in(1),
    largest_face=ANALYZED.largest_face,
)
REANALYSIS_RESIZED = resized_in(2)
PREVIOUS_VERSIONS = tuple(
    PreviousVersion(run=n, document=f"analyses/{CAT}/2/versions/{n}.json") for n in (0, 1)
)
REANALYSIS_ANALYZED = ANALYZED.model_copy(
    update={
        "run": 2,
        "document": f"analyses/{CAT}/2/analysis.json",
        "models": {"labels": "3.1", "moderation": "7.0", "embedding": TITAN},
        "analyzed_at": AT + timedelta(hours=1, seconds=2),
        "previous_versions": PREVIOUS_VERSIONS,
    }
)
REANALYSIS_COMPLETED = COMPLETED.model_copy(
    update={
        "run": 2,
        "decided_at": AT + timedelta(hours=1, seconds=3),
        "renditions": REANALYSIS_RESIZED.renditions,
        "document": REANALYSIS_ANALYZED.document,
        "versions": tuple(
            AnalysisVersion(
                run=version.run,
                document=version.document,
                analyzer=ANALYZED.analyzer,
                models=ANALYZED.models,
                thresholds=ANALYZED.thresholds,
                analyzed_at=AT + timedelta(minutes=30 * version.run, seconds=1),
            )
            for version in PREVIOUS_VERSIONS
        ),
    }
)
REANALYSIS_RELEASED = ImageReleased.model_validate(
    REANALYSIS_COMPLETED.model_dump(exclude={"quarantined"})
    | {"decided_at": AT + timedelta(hours=2)}
)
REUSED = ANALYZED.model_copy(
    update={"analyzed_at": AT - timedelta(days=30), "reused_from": Origin(image=TWIN, run=2)}
)
ANALYSIS = Analysis(
    image=CAT,
    run=0,
    owner="ada",
    source=SOURCE,
    picture=RESIZED.analysis,
    analyzer=REUSED.analyzer,
    models=REUSED.models,
    thresholds=REUSED.thresholds,
    analyzed_at=AT - timedelta(days=30),
    answers={
        "labels": {
            "Labels": [
                {"Name": "Cat", "Confidence": 98.7612},
                {"Name": "Window", "Confidence": 71.5},
            ],
            "LabelModelVersion": "3.0",
        },
        "faces": {"FaceDetails": [{"Confidence": 99.1}, {"Confidence": 97.0}]},
        "text": {
            "TextDetections": [
                {"DetectedText": "BAKERY", "Type": "LINE", "Confidence": 99.0},
                {"DetectedText": "open 7-18", "Type": "LINE", "Confidence": 91.2},
            ]
        },
        "moderation": {
            "ModerationLabels": [{"Name": "Smoking", "Confidence": 91.0}],
            "ModerationModelVersion": "7.0",
        },
        "embedding": {
            "embedding": list(TITAN_VECTOR),
            "inputTextTokenCount": 0,
            "message": None,
            "modelId": TITAN,
        },
    },
    reused_from=REUSED.reused_from,
)

REANALYSIS_REQUESTED_EVENT = Envelope.first(
    REANALYSIS_REQUESTED, "darkroom/operator", AT + timedelta(hours=1)
)
REANALYSIS_REPLAYED_EVENT = REANALYSIS_REQUESTED_EVENT.caused(
    REANALYSIS_REPLAYED, "darkroom/store", 0, AT + timedelta(hours=1, seconds=1)
)
REANALYSIS_RESIZED_EVENT = REANALYSIS_REPLAYED_EVENT.caused(
    REANALYSIS_RESIZED, "darkroom/resize", 0, AT + timedelta(hours=1, seconds=1)
)
REANALYSIS_ANALYZED_EVENT = REANALYSIS_RESIZED_EVENT.caused(
    REANALYSIS_ANALYZED, "darkroom/analyze", 0, AT + timedelta(hours=1, seconds=3)
)
REANALYSIS_COMPLETED_EVENT = REANALYSIS_ANALYZED_EVENT.caused(
    REANALYSIS_COMPLETED, "darkroom/store", 0, AT + timedelta(hours=1, seconds=3)
)
REANALYSIS_RELEASE_EVENT = Envelope.first(
    ReleaseRequested(image=CAT, run=2), "darkroom/operator", AT + timedelta(hours=2)
)
REANALYSIS_RELEASED_EVENT = REANALYSIS_RELEASE_EVENT.caused(
    REANALYSIS_RELEASED, "darkroom/store", 0, AT + timedelta(hours=2, seconds=1)
)
ENVELOPES |= {
    f"{envelope.type}.reanalysis": envelope
    for envelope in (
        REANALYSIS_REQUESTED_EVENT,
        REANALYSIS_REPLAYED_EVENT,
        REANALYSIS_RESIZED_EVENT,
        REANALYSIS_ANALYZED_EVENT,
        REANALYSIS_COMPLETED_EVENT,
        REANALYSIS_RELEASED_EVENT,
    )
}
ENVELOPES["image.completed.v1.quarantined"] = THIRD.caused(
    QUARANTINED, "darkroom/store", 0, AT + timedelta(seconds=4)
)
ENVELOPES["image.completed.v1.estimated"] = THIRD.caused(
    ESTIMATED, "darkroom/store", 0, AT + timedelta(seconds=4)
)
ENVELOPES["image.released.v1.estimated"] = RELEASE.caused(
    RELEASED.model_copy(update={"cost": ESTIMATED.cost}),
    "darkroom/store",
    0,
    AT + timedelta(hours=1, seconds=1),
)
ENVELOPES["image.analyzed.v1.reused"] = SECOND.caused(
    REUSED, "darkroom/analyze", 0, AT + timedelta(seconds=2)
)
DOCUMENTS = {"analysis.v1": ANALYSIS}
"""The documents that a bucket stores for years, by name and version."""


def golden_texts() -> dict[str, str]:
    """The text of each golden file, by the file's name without ``.json``."""
    lines = {name: envelope.to_json() for name, envelope in ENVELOPES.items()}
    lines |= {name: document.model_dump_json() for name, document in DOCUMENTS.items()}
    lines |= {
        name: notification.model_dump_json(exclude_none=True)
        for name, notification in NOTIFICATIONS.items()
    }
    return {name: indented(line) for name, line in lines.items()}


def indented(line: str) -> str:
    return json.dumps(json.loads(line), indent=2, ensure_ascii=False) + "\n"


def golden(name: str) -> str:
    return (GOLDEN / f"{name}.json").read_text("utf-8")


def write_golden_files() -> None:
    for name, text in golden_texts().items():
        (GOLDEN / f"{name}.json").write_text(text, "utf-8")


if __name__ == "__main__":
    write_golden_files()
