"""Recorded responses: record them once, then replay them for the same picture without models."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.rekognition.errors import Code, RekognitionError
from infra.rekognition.parameters import Parameters
from infra.rekognition.protocol import OperationHandler
from infra.rekognition.sources import Sources

# The parameters that contain a picture. CompareFaces has two.
IMAGES = ("Image", "SourceImage", "TargetImage")


class Fixtures:
    """A folder with one file for each operation and picture: `DetectFaces/<sha256>.json`.

    Other parameters (thresholds, attributes, filters) do not select the file.
    """

    def __init__(self, folder: Path, sources: Sources) -> None:
        self._folder = folder
        self._sources = sources

    def replaying(self, operation: str) -> OperationHandler:
        """A handler that reads responses from the folder; it refuses an unknown picture."""

        def replay(parameters: Parameters) -> Mapping[str, Any]:
            return _read(operation, self._file(operation, parameters))

        return replay

    def recording(self, operation: str, handle: OperationHandler) -> OperationHandler:
        """A handler that also stores each response, replacing an older one."""

        def record(parameters: Parameters) -> Mapping[str, Any]:
            response = handle(parameters)
            file = self._file(operation, parameters)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(response, indent=2) + "\n", encoding="utf-8")
            return response

        return record

    def _file(self, operation: str, parameters: Parameters) -> Path:
        contents = (self._sources.read(parameters[name]) for name in IMAGES if name in parameters)
        digests = "-".join(hashlib.sha256(content).hexdigest() for content in contents)
        return self._folder / operation / f"{digests}.json"


def _read(operation: str, file: Path) -> Mapping[str, Any]:
    try:
        response: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = (
            f"no {operation} response is recorded for the picture with sha256 {file.stem}: "
            f"{file} does not exist; serve with --record to create it"
        )
        raise RekognitionError(Code.INVALID_PARAMETER, message) from error
    except ValueError as error:
        raise RekognitionError(Code.INTERNAL, f"{file} is not JSON: {error}") from error
    return response
