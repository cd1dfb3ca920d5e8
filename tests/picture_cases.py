"""The shared picture cases: files, each with its right size, colours and facts.

They lie beside the project, or in the folder that PICTURE_CASES_DIR names.
"""

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from tests.optional import missing

BESIDE = Path(__file__).parents[2] / "shared" / "cases" / "pictures"
NAMED = os.environ.get("PICTURE_CASES_DIR", "")
FOLDER = Path(NAMED) if NAMED else BESIDE
STATED = FOLDER / "expected.json"
CASES = json.loads(STATED.read_text()) if STATED.exists() else {}


class PictureCase(NamedTuple):
    """A file, and its entry of ``expected.json``."""

    original: bytes
    stated: dict[str, Any]


def picture_case(name: str) -> PictureCase:
    """The case with this file name. Without the cases, it skips the test that needs them."""
    if not CASES:
        remedy = "set PICTURE_CASES_DIR to a folder with expected.json"
        missing("shared picture cases", remedy, promised=bool(NAMED))
    return PictureCase((FOLDER / name).read_bytes(), CASES[name])
