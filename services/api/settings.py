"""What can be set about ``api``, and its defaults."""

from pydantic import Field

from services.api.callers import Access
from shared.config import FunctionSettings

MB = 1_000_000


class ApiSettings(FunctionSettings):
    """Where things are, how long what is handed out holds, and who may call from a browser."""

    records_table: str
    ledger_table: str
    uploads_bucket: str
    processed_bucket: str
    events_topic_arn: str
    access: Access
    """How callers show who they are. It has no default: nothing is open because somebody forgot."""
    operator_key: str | None = None
    """The id of the API key that sees all images."""
    page_origin: str | None = None
    """The one origin whose scripts may read the answers; None: no browser's."""
    public_endpoint: str | None = None
    """On an emulator: S3 as the caller reaches it, which is not how this function does."""
    pictures_origin: str | None = None
    """What hands on what was signed for the processed bucket, on AWS; None: the bucket itself."""
    upload_expires: int = Field(default=300, ge=1, le=3600)
    """s, within which an upload has to begin. A role's own credentials may end before an hour."""
    link_expires: int = Field(default=900, ge=1, le=3600)
    """s, for which a link to a rendition holds."""
    max_bytes: int = Field(default=50 * MB, gt=0)
    """Of one upload; ``resize`` refuses larger ones too."""
