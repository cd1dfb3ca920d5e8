"""The analysis document, and the index that lets the same content be analysed once."""

from datetime import datetime
from typing import Any, Literal

from shared.contracts.envelope import Value
from shared.contracts.images import Origin, Rendition, Source


class Analysis(Value):
    """All that an analyzer answered about one picture, and what it takes to read it years later.

    It stands at ``analyses/<image>/<run>/analysis.json``; versions that later runs took over, at
    ``analyses/<image>/<later run>/versions/<run>.json``, as they were.
    """

    version: Literal["1"] = "1"
    """Of this schema, not of the answers."""
    image: str
    run: int
    owner: str | None = None
    source: Source
    """The original; its ``sha256`` names the content, whatever becomes of the object."""
    picture: Rendition
    """What was looked at: boxes in the answers are ratios of its sides."""
    analyzer: str
    models: dict[str, str]
    """Version of the model that gave each answer, by detection, where the answer names one."""
    thresholds: dict[str, float]
    """Confidence in percent from which an answer counts, by detection asked; and ``max_labels``."""
    analyzed_at: datetime
    """When the last of the answers was asked for. Reused ones are as old as their origin's."""
    answers: dict[str, dict[str, Any]]
    """By detection, as the analyzer gave them. While the run is open, some may still be missing."""
    reused_from: Origin | None = None
    """Where the answers were taken from, if they were not asked for by this run."""


class Hint(Value):
    """An entry of the index: which run was the last to pay for this content and these settings.

    It stands at ``reuse/<sha256 of the original>/<digest of the question>.json``, and promises
    nothing: what it points at may be gone, or be another's by now.
    """

    image: str
    run: int
    document: str
    """Key of the analysis document."""
