"""Requests and responses of the HTTP API, as the OpenAPI document shows them. Sides are in pixels.

Attributes are snake_case in Python and camelCase in JSON.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator
from pydantic.alias_generators import to_camel

from shared.contracts.cost import Cost
from shared.contracts.images import Capture, Label, Moderation
from shared.contracts.search_index import Shown
from shared.hops import State
from shared.similarity import Kind

MAX_FILES = 50
"""Files in one request."""
MAX_NAME = 255
"""Characters of a file name."""
PATH_SEPARATORS = frozenset("/\\")


class ApiModel(BaseModel):
    """The base of every model here: derives the camelCase names."""

    model_config = ConfigDict(alias_generator=to_camel, serialize_by_alias=True)


class RequestModel(ApiModel):
    """A request body. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class ResponseModel(ApiModel):
    """A response body, or a part of one. Code sets it by the Python names."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)


class MediaType(StrEnum):
    """The content types that can be uploaded. ``resize`` checks the content itself."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    GIF = "image/gif"
    TIFF = "image/tiff"
    BMP = "image/bmp"
    AVIF = "image/avif"
    HEIC = "image/heic"
    HEIF = "image/heif"
    SVG = "image/svg+xml"


class Focal(RequestModel):
    """The point that cropped renditions show, as ratios of the upright picture's sides."""

    x: float = Field(ge=0, le=1)
    y: float = Field(ge=0, le=1)


class File(RequestModel):
    """A file to upload."""

    file_name: str = Field(min_length=1, max_length=MAX_NAME)
    file_type: MediaType
    file_size: Annotated[int, Field(ge=1, le=5_000_000_000, strict=True)]
    owner: Annotated[str, Field(pattern=r"^[!-~]{1,100}$")] | None = None
    focal: Focal | None = None

    @field_validator("file_name")
    @classmethod
    def _is_a_plain_name(cls, name: str) -> str:
        if PATH_SEPARATORS & set(name) or name in {".", ".."}:
            raise ValueError("must be a file name without folders")
        if not name.isprintable():
            raise ValueError("must be printable")
        return name


class Files(RequestModel):
    """Several files to upload."""

    files: tuple[File, ...] = Field(min_length=1, max_length=MAX_FILES)


def _tag(body: object) -> str:
    several = "files" in body if isinstance(body, dict) else isinstance(body, Files)
    return "files" if several else "file"


UploadRequest = Annotated[
    Annotated[File, Tag("file")] | Annotated[Files, Tag("files")], Discriminator(_tag)
]
"""One file or several. A tag selects the model, so that errors name the fields of that one only."""


class PostForm(ResponseModel):
    """A multipart/form-data request: these fields first, then the file as the field ``file``."""

    url: str
    fields: dict[str, str]


class PutRequest(ResponseModel):
    """A PUT request with exactly these headers."""

    url: str
    headers: dict[str, str]


class Upload(ResponseModel):
    """Two ways to upload one file. The first request that S3 accepts creates the image."""

    image: UUID
    key: str
    expires: datetime
    post: PostForm
    put: PutRequest


class Uploads(ResponseModel):
    """One upload for each file of the request, in its order."""

    uploads: tuple[Upload, ...]


class PictureLink(ResponseModel):
    """A presigned URL of a picture."""

    url: str
    width: int
    height: int


class Placeholder(ResponseModel):
    """What a page shows while the picture loads."""

    thumb_hash: str = Field(description="a blurred picture: a ThumbHash, as base64")
    average_colour: str = Field(description="the mean of all pixels on white, as #rrggbb")


class Failure(ResponseModel):
    """The step that failed, and the code of the reason."""

    stage: str
    reason: str


class ImageSummary(ResponseModel):
    """An image in a list. It describes the published run, or else the current one."""

    image: str
    run: int
    status: Shown
    at: datetime = Field(description="when the run ended, or when it started if it is processing")
    name: str
    owner: str | None
    format: str | None
    width: int | None
    height: int | None
    labels: tuple[Label, ...]
    faces: int | None
    flagged: bool
    quarantined: bool
    thumbnail: PictureLink | None
    placeholder: Placeholder | None = Field(description="null without a thumbnail")
    failure: Failure | None


class ImagePage(ResponseModel):
    """One page of a list. An empty page with a cursor is not the last one."""

    items: tuple[ImageSummary, ...]
    cursor: str | None


class Original(ResponseModel):
    """The uploaded file; ``key`` is its key in the uploads bucket."""

    key: str
    bytes: int
    sha256: str | None


class PictureDetails(ResponseModel):
    """What the original has beside its pixels, and the defects of its file."""

    hdr: bool = Field(description="the renditions are tone-mapped from HDR to sRGB")
    gain_map: bool = Field(description="it has a gain map for HDR; no rendition uses it")
    animated: bool
    frames: int
    duration: float | None = Field(description="seconds of one pass through all frames")
    warnings: tuple[str, ...] = Field(
        description="stable codes of defects that no visible pixel suffers from"
    )


class RenditionLink(ResponseModel):
    """A rendition and its presigned URL."""

    name: str
    format: str
    width: int
    height: int
    bytes: int
    url: str


class FailureDetail(Failure):
    """A failure with its explanation."""

    detail: str
    fault: str


class RunView(ResponseModel):
    """One run of an image."""

    run: int
    status: str
    started: datetime
    ended: datetime | None


class HopView(ResponseModel):
    """One service's handling of one event. Times are those of its last attempt."""

    service: str
    type: str
    event: str
    run: int
    at: datetime = Field(description="when the last attempt started")
    waited_ms: int | None
    worked_ms: int | None
    completed: datetime | None
    attempts: int
    state: State


class CompensatedRun(ResponseModel):
    """What was created for a run and then deleted by compensation."""

    run: int
    renditions: tuple[str, ...]
    analysis: bool


class ImageDetail(ImageSummary):
    """Everything on record about one image."""

    failure: FailureDetail | None
    source: Original
    captured: Capture | None
    gps_removed: bool | None
    details: PictureDetails | None
    renditions: tuple[RenditionLink, ...]
    text: tuple[str, ...] | None
    moderation: Moderation | None
    analyzer: str | None
    cost: Cost | None = Field(description="estimated cost of this run; null without an estimate")
    runs: tuple[RunView, ...]
    timeline: tuple[HopView, ...]
    compensated: tuple[CompensatedRun, ...]
    published: int | None
    etag: str


class SimilarImage(ImageSummary):
    """An image in a list of similar ones."""

    kind: Kind
    score: float = Field(ge=0, le=1)


class SimilarImages(ResponseModel):
    """Similar images, most similar first."""

    items: tuple[SimilarImage, ...]


class LabelCount(ResponseModel):
    """A label, and the number of images that have it."""

    name: str
    images: int


class LabelPage(ResponseModel):
    """One page of the labels."""

    labels: tuple[LabelCount, ...]
    cursor: str | None


class ReplayOptions(RequestModel):
    """``force`` ends a run that is still processing; ``analyzeOnly`` reuses the renditions."""

    force: bool = False
    analyze_only: bool = False


class Accepted(ResponseModel):
    """The request was published to ``store``; ``run`` is the run that it concerns."""

    image: str
    run: int


class Health(ResponseModel):
    """The API answers."""

    status: Literal["ok"] = "ok"


class DocumentLink(ResponseModel):
    """A presigned URL of a document that is too large for a response."""

    url: str
