"""Processes one picture as the service does, with the errors that must not occur."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path

from services.resize.logic import Format, Limits, Spec, develop
from services.resize.pictures.header import SIGNATURES
from services.resize.pictures.values import PictureDetails, Size
from shared.errors import PermanentError
from tests.lab.corpus.workers import Stopped

THUMBNAIL = Spec("thumbnail", 256, Format.PNG)
"""Large enough to look at. Chromium shows each picture at the same size."""

FAILED = "failed"
"""The code of a picture that ended with neither renditions nor a refusal."""


USUAL = asdict(PictureDetails()).items()


@dataclass(frozen=True)
class Ours:
    """The result of processing one picture.

    ``format``: by its content; empty if unknown. ``size``: the upright original's. ``thumbnail``: a
    PNG. ``code`` and ``sentence``: of the refusal, or ``FAILED`` and the error. ``seconds``: of
    wall-clock time.
    """

    format: str = ""
    size: Size | None = None
    thumbnail: bytes = b""
    code: str = ""
    sentence: str = ""
    details: str = ""
    seconds: float = 0.0

    @classmethod
    def stopped(cls, reason: Stopped) -> "Ours":
        """The result for a process that returned none."""
        return cls(code=FAILED, sentence=f"stopped: {reason}")


def develop_file(path: Path) -> Ours:
    """Process the file with the default limits. It never raises."""
    original = path.read_bytes()
    kind = next((kind for kind, mark in SIGNATURES.items() if mark.match(original)), "")
    began = time.monotonic()
    try:
        picture = develop(original, [THUMBNAIL], Limits())
    except PermanentError as error:
        return Ours(
            kind, code=error.reason, sentence=error.detail, seconds=time.monotonic() - began
        )
    except Exception as error:  # noqa: BLE001 - the table reports every error
        return Ours(kind, code=FAILED, sentence=repr(error), seconds=time.monotonic() - began)
    return Ours(
        kind,
        size=Size(picture.width, picture.height),
        thumbnail=picture.renditions[0].body,
        details=", ".join(sorted(dict(asdict(picture.details).items() - USUAL))),
        seconds=time.monotonic() - began,
    )
