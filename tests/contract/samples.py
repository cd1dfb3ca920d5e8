"""One honest, fully filled sample of all that is said on the wire, with fixed ids and times.

`python -m tests.contract.samples` writes the golden files from them. Do that after a contract has
gained an optional field or a new version; a golden file that changes otherwise breaks readers. A
golden file may also be written by hand, without a sample here.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.contracts.envelope import Envelope
from shared.contracts.images import (
    DeleteRequested,
    ImageAnalyzed,
    ImageDeleted,
    ImageFailed,
    ImageReleased,
    ImageReplayed,
    ImageResized,
    ImageStored,
    ImageSuperseded,
    ImageUploaded,
    Label,
    Moderation,
    ReleaseRequested,
    Rendition,
    ReplayRequested,
    Source,
    StepFailed,
    Taken,
)
from shared.contracts.notification import Notification
from shared.errors import Fault

GOLDEN = Path(__file__).parent / "golden"
AT = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)

CAT = "3f0c7a52-6f0e-5d3b-9c41-0a8f2b6d7e11"
TEXT = "b7d1e9c4-21aa-5f60-8e07-5c3d94f1a022"

SOURCE = Source(
    bucket="darkroom-uploads",
    key="holiday photos/cat & küche.jpg",
    version="AaH8RoKJNQLD65ayL55s_rOymXHoa6_P",
    etag="9dd4e461268c8034f5c8564e155c67a6",
    bytes=2_345_678,
    sha256="2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
)
NO_PICTURE = SOURCE.model_copy(update={"key": "notes.txt.jpg", "bytes": 19})


def rendition(name: str, width: int, height: int, size: int) -> Rendition:
    key = f"renditions/{CAT}/0/{name}.jpeg"
    return Rendition(name=name, key=key, format="JPEG", width=width, height=height, bytes=size)


RENDITIONS = (rendition("thumbnail", 256, 192, 9_876), rendition("preview", 1024, 768, 123_456))
TAKEN = Taken(at="2026-07-14T18:03:07+02:00", camera="FUJIFILM X-T5")
LABELS = (Label(name="Cat", confidence=98.76), Label(name="Window", confidence=71.5))
MODERATION = Moderation(flagged=True, names=("Smoking",))

UPLOADED = ImageUploaded(image=CAT, run=0, source=SOURCE, owner="ada")
RESIZED = ImageResized(
    image=CAT,
    run=0,
    source=SOURCE,
    owner="ada",
    format="HEIC",
    width=4032,
    height=3024,
    taken=TAKEN,
    gps_removed=True,
    renditions=RENDITIONS,
    analysis=rendition("analysis", 1920, 1440, 456_789),
)
ANALYZED = ImageAnalyzed(
    image=CAT,
    run=0,
    source=SOURCE,
    owner="ada",
    document=f"analyses/{CAT}/0/analysis.json",
    labels=LABELS,
    faces=2,
    text=("BAKERY", "open 7-18"),
    moderation=MODERATION,
    analyzer="rekognition",
    models={"labels": "3.0", "moderation": "7.0"},
    thresholds={"max_labels": 10.0, "min_confidence": 70.0},
)
STORED = ImageStored(
    image=CAT,
    run=0,
    source=SOURCE,
    owner="ada",
    ended=AT + timedelta(seconds=3, milliseconds=250),
    format="HEIC",
    width=4032,
    height=3024,
    taken=TAKEN,
    gps_removed=True,
    renditions=RENDITIONS,
    document=f"analyses/{CAT}/0/analysis.json",
    labels=LABELS,
    faces=2,
    text=("BAKERY", "open 7-18"),
    moderation=MODERATION,
    analyzer="rekognition",
)
WITHHELD = STORED.model_copy(update={"withheld": True, "renditions": ()})
LOOKED_AT = ReleaseRequested(image=CAT, run=0)
RELEASED = ImageReleased.model_validate(
    STORED.model_dump(exclude={"withheld"}) | {"ended": AT + timedelta(hours=1)}
)
GAVE_UP = StepFailed(
    image=TEXT,
    run=0,
    source=NO_PICTURE,
    owner="ada",
    stage="resize",
    reason="not-an-image",
    detail="The content is not a picture, whatever its name says.",
    fault=Fault.USER,
)
FAILED = ImageFailed(
    image=TEXT,
    run=0,
    source=NO_PICTURE,
    owner="ada",
    ended=AT + timedelta(seconds=2),
    stage="resize",
    reason="not-an-image",
    detail="The content is not a picture, whatever its name says.",
    fault=Fault.USER,
)
ASKED = ReplayRequested(image=TEXT, run=0, force=True)
GRANTED = ImageReplayed(
    image=TEXT, run=1, source=NO_PICTURE, owner="ada", ended=AT + timedelta(hours=1)
)
GAVE_WAY = ImageSuperseded(
    image=CAT, run=0, source=SOURCE, owner="ada", ended=AT + timedelta(hours=2)
)
UNWANTED = DeleteRequested(image=CAT, run=1)
DELETED = ImageDeleted(image=CAT, run=1, source=SOURCE, owner="ada", ended=AT + timedelta(hours=3))

FIRST = Envelope.first(UPLOADED, "darkroom/uploads", AT)
SECOND = FIRST.caused(RESIZED, "darkroom/resize", 0, AT + timedelta(seconds=1))
THIRD = SECOND.caused(ANALYZED, "darkroom/analyze", 0, AT + timedelta(seconds=2))
LAST = THIRD.caused(STORED, "darkroom/store", 0, AT + timedelta(seconds=4))
RELEASE = Envelope.first(LOOKED_AT, "darkroom/operator", AT + timedelta(hours=1))
LETTING_GO = RELEASE.caused(RELEASED, "darkroom/store", 0, AT + timedelta(hours=1, seconds=1))
OTHER = Envelope.first(ImageUploaded(image=TEXT, run=0, source=NO_PICTURE), "darkroom/uploads", AT)
REPORT = OTHER.caused(GAVE_UP, "darkroom/resize", 0, AT + timedelta(seconds=1))
REFUSAL = REPORT.caused(FAILED, "darkroom/store", 0, AT + timedelta(seconds=2))
REPLAY = Envelope.first(ASKED, "darkroom/operator", AT + timedelta(hours=1))
GRANT = REPLAY.caused(GRANTED, "darkroom/store", 0, AT + timedelta(hours=1, seconds=1))
GIVING_WAY = THIRD.caused(GAVE_WAY, "darkroom/store", 1, AT + timedelta(hours=2))
DELETION = Envelope.first(UNWANTED, "darkroom/operator", AT + timedelta(hours=3))
END = DELETION.caused(DELETED, "darkroom/store", 0, AT + timedelta(hours=3, seconds=1))

SAID = (
    *(FIRST, SECOND, THIRD, LAST, RELEASE, LETTING_GO),
    *(REPORT, REFUSAL, REPLAY, GRANT, GIVING_WAY, DELETION, END),
)
ENVELOPES = {envelope.type: envelope for envelope in SAID}
"""By type, each the answer to the one before it where a healthy upload has it so."""
NOTIFICATIONS = {
    "notification.v1.completed": Notification.of(STORED, LAST.id),
    "notification.v1.withheld": Notification.of(WITHHELD, LAST.id),
    "notification.v1.released": Notification.of(RELEASED, LETTING_GO.id),
    "notification.v1.failed": Notification.of(FAILED, REFUSAL.id),
    "notification.v1.deleted": Notification.of(DELETED, END.id),
}


def golden_texts() -> dict[str, str]:
    """What stands in each golden file, by the file's name without ``.json``."""
    lines = {name: envelope.to_json() for name, envelope in ENVELOPES.items()}
    lines |= {name: told.model_dump_json(exclude_none=True) for name, told in NOTIFICATIONS.items()}
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
