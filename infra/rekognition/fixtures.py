"""Answers out of files: recorded once, and given again for the same picture, without any model."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.rekognition.errors import Code, RekognitionError
from infra.rekognition.parameters import Parameters
from infra.rekognition.protocol import Perform
from infra.rekognition.sources import Sources

# The parameters that hold a picture; CompareFaces has two.
IMAGES = ("Image", "SourceImage", "TargetImage")


class Fixtures:
    """A folder with a file for each operation and picture: `DetectFaces/<sha256>.json`.

    All else that a call asks for (thresholds, attributes, filters) does not choose the file.
    """

    def __init__(self, folder: Path, sources: Sources) -> None:
        self._folder = folder
        self._sources = sources

    def replaying(self, operation: str) -> Perform:
        """What answers this operation from its files, or refuses the picture that has none."""

        def perform(parameters: Parameters) -> Mapping[str, Any]:
            return self._recorded(operation, self._file(operation, parameters))

        return perform

    def recording(self, operation: str, perform: Perform) -> Perform:
        """What keeps each answer of another, in the place of an older one."""

        def recorded(parameters: Parameters) -> Mapping[str, Any]:
            answer = perform(parameters)
            file = self._file(operation, parameters)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(answer, indent=2) + "\n", encoding="utf-8")
            return answer

        return recorded

    def _file(self, operation: str, parameters: Parameters) -> Path:
        contents = (self._sources.read(parameters[name]) for name in IMAGES if name in parameters)
        digests = "-".join(hashlib.sha256(content).hexdigest() for content in contents)
        return self._folder / operation / f"{digests}.json"

    def _recorded(self, operation: str, file: Path) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            message = (
                f"no answer of {operation} is recorded for the picture with sha256 {file.stem}: "
                f"there is no {file}; serve with --record to make it"
            )
            raise RekognitionError(Code.INVALID_PARAMETER, message) from error
        except ValueError as error:
            raise RekognitionError(Code.INTERNAL, f"{file} is not JSON: {error}") from error
        return answer
