"""What goes in and out over HTTP, as the OpenAPI document shows it. Sides are in pixels."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator

from shared.contracts.cost import Cost
from shared.contracts.images import Capture, Label, Moderation
from shared.contracts.search_index import Shown
from shared.similarity import Kind

MOST_FILES = 50
LONGEST_NAME = 255
UNSAFE = frozenset("/\\")


class MediaType(StrEnum):
    """What a browser may send; ``resize`` looks at the content all the same."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    GIF = "image/gif"
    TIFF = "image/tiff"
    BMP = "image/bmp"
    AVIF = "image/avif"
    HEIC = "image/heic"
    HEIF = "image/heif"


class File(BaseModel):
    """A file that somebody wants to upload."""

    model_config = ConfigDict(extra="forbid")

    fileName: str = Field(min_length=1, max_length=LONGEST_NAME)  # noqa: N815 - JavaScript's way
    fileType: MediaType  # noqa: N815 - as above
    fileSize: Annotated[int, Field(ge=1, le=5_000_000_000, strict=True)]  # noqa: N815 - as above
    owner: Annotated[str, Field(pattern=r"^[!-~]{1,100}$")] | None = None

    @field_validator("fileName")
    @classmethod
    def _names_no_place(cls, name: str) -> str:
        if UNSAFE & set(name) or name in {".", ".."}:
            raise ValueError("a name without folders, please")
        if not name.isprintable():
            raise ValueError("a name that can be printed, please")
        return name


class Files(BaseModel):
    """Several files at once."""

    model_config = ConfigDict(extra="forbid")

    files: tuple[File, ...] = Field(min_length=1, max_length=MOST_FILES)


def _one_or_several(said: object) -> str:
    several = "files" in said if isinstance(said, dict) else isinstance(said, Files)
    return "files" if several else "file"


Wanted = Annotated[
    Annotated[File, Tag("file")] | Annotated[Files, Tag("files")], Discriminator(_one_or_several)
]
"""Told apart before they are read, so that what is wrong is said of the one that was meant."""


class Form(BaseModel):
    """A form to post as multipart/form-data: these fields first, the file last, as ``file``."""

    url: str
    fields: dict[str, str]


class Put(BaseModel):
    """A plain PUT with exactly these headers."""

    url: str
    headers: dict[str, str]


class Upload(BaseModel):
    """Two ways to send one file; the first that arrives is the image."""

    image: UUID
    key: str
    expires: datetime
    post: Form
    put: Put


class Uploads(BaseModel):
    uploads: tuple[Upload, ...]


class Link(BaseModel):
    """A presigned link to a picture."""

    url: str
    width: int
    height: int


class Failure(BaseModel):
    stage: str
    reason: str


class Summary(BaseModel):
    """An image as a page of results shows it."""

    image: str
    run: int
    status: Shown
    at: datetime = Field(description="when what is shown ended, or began while it works")
    name: str
    owner: str | None
    format: str | None
    width: int | None
    height: int | None
    labels: tuple[Label, ...]
    faces: int | None
    flagged: bool
    quarantined: bool
    thumbnail: Link | None
    failure: Failure | None


class Results(BaseModel):
    """A page. A page may be empty and still have a cursor: then the next ones may not be."""

    items: tuple[Summary, ...]
    cursor: str | None


class Original(BaseModel):
    """The upload; ``key`` in the uploads bucket."""

    key: str
    bytes: int
    sha256: str | None


class RenditionLink(BaseModel):
    name: str
    format: str
    width: int
    height: int
    bytes: int
    url: str


class FullFailure(Failure):
    detail: str
    fault: str


class RunState(BaseModel):
    run: int
    status: str
    started: datetime
    ended: datetime | None


class HopView(BaseModel):
    """One service's answer to one event. Times of tries that came before the last are not kept."""

    service: str
    type: str
    event: str
    run: int
    at: datetime = Field(description="when the last try began")
    waited_ms: int | None
    worked_ms: int | None
    completed: datetime | None
    attempts: int
    state: Literal["done", "given-up", "working", "waiting"]


class Compensated(BaseModel):
    """What had been made for a run that is not shown, and was compensated again."""

    run: int
    renditions: tuple[str, ...]
    analysis: bool


class Detail(Summary):
    """All that is known of one image."""

    failure: FullFailure | None
    source: Original
    captured: Capture | None
    gps_removed: bool | None
    renditions: tuple[RenditionLink, ...]
    text: tuple[str, ...] | None
    moderation: Moderation | None
    analyzer: str | None
    cost: Cost | None = Field(description="an estimate for this run; null if none was made")
    runs: tuple[RunState, ...]
    timeline: tuple[HopView, ...]
    compensated: tuple[Compensated, ...]
    published: int | None
    etag: str


class Similar(Summary):
    kind: Kind
    score: float = Field(ge=0, le=1)


class SimilarImages(BaseModel):
    items: tuple[Similar, ...]


class LabelCount(BaseModel):
    name: str
    images: int


class Labels(BaseModel):
    labels: tuple[LabelCount, ...]
    cursor: str | None


class Replay(BaseModel):
    """``force`` gives up a run still at work; ``analyzeOnly`` keeps the renditions."""

    model_config = ConfigDict(extra="forbid")

    force: bool = False
    analyzeOnly: bool = False  # noqa: N815 - JavaScript's way


class Asked(BaseModel):
    """It was asked for; ``run`` is the one that will show it."""

    image: str
    run: int


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class Elsewhere(BaseModel):
    """A document too large for an answer."""

    url: str
