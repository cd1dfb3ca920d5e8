"""The analysis document, and the index by which the same content is analyzed once."""

from datetime import datetime
from typing import Any, Literal

from shared.contracts.envelope import Value
from shared.contracts.images import Origin, Rendition, Source


class Analysis(Value):
    """An analyzer's complete responses about one picture, and how they were obtained.

    Stored at ``analyses/<image>/<run>/analysis.json``; copies of previous versions at
    ``analyses/<image>/<later run>/versions/<run>.json``.
    """

    version: Literal["1"] = "1"
    """The version of this schema."""
    image: str
    run: int
    owner: str | None = None
    source: Source
    """The original; ``sha256`` identifies its content."""
    picture: Rendition
    """The picture that was analyzed: boxes are ratios of its sides."""
    analyzer: str
    models: dict[str, str]
    """The model's version by detection, where the response names one."""
    thresholds: dict[str, float]
    """The minimum confidence in percent, by detection; and ``max_labels``."""
    analyzed_at: datetime
    """When the last detection ran; for reused ones, when it ran originally."""
    answers: dict[str, dict[str, Any]]
    """The responses by detection, unchanged. Some may be missing while the run is open."""
    reused_from: Origin | None = None
    """The run whose responses were reused, if any."""


class Hint(Value):
    """The run that last paid for this content with these settings.

    Stored at ``reuse/<sha256 of the original>/<digest of the settings>.json``. It is a hint: the
    document may be gone, or may have been overwritten.
    """

    image: str
    run: int
    document: str
    """The key of the analysis document."""
