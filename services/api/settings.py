"""Settings of ``api``, with their defaults."""

from pydantic import Field

from services.api.callers import Access
from shared.config import FunctionSettings

MB = 1_000_000


class ApiSettings(FunctionSettings):
    """Resources, expiry times, and who may call the API."""

    records_table: str
    ledger_table: str
    uploads_bucket: str
    processed_bucket: str
    events_topic_arn: str
    access: Access
    """How callers authenticate. It has no default, so that a missing setting opens nothing."""
    operator_key: str | None = None
    """The id of the API key that sees all images."""
    page_origin: str | None = None
    """The only origin whose scripts may read responses; None: no browser may."""
    public_endpoint: str | None = None
    """On an emulator: the endpoint at which callers, not this function, reach S3."""
    pictures_origin: str | None = None
    """The distribution in front of the processed bucket; None: links lead to the bucket itself."""
    upload_expires: int = Field(default=300, ge=1, le=3600)
    """s within which an upload has to start. A role's credentials may expire within the hour."""
    link_expires: int = Field(default=900, ge=1, le=3600)
    """s until a link to a rendition expires."""
    max_bytes: int = Field(default=50 * MB, gt=0)
    """Bytes of one upload. ``resize`` refuses larger ones, too."""
