"""How old a face looks, and which of two genders: dlib's networks."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from infra.rekognition.alignment import aligned
from infra.rekognition.centerface import Landmarks
from infra.rekognition.packages import AGE, GENDER
from infra.rekognition.sessions import open_session

INPUT: Final = "images"
MEAN_COLOUR: Final = np.array((122.782, 117.001, 104.298), np.float32)
PADDING: Final = 0.2
AGE_SIDE, GENDER_SIDE = 64, 32  # pixels

# The age network answers a probability for each of 81 years; the first stands for a baby's months.
YEARS: Final = np.array([0.25, *range(1, 81)])
# Half of the narrowest range that is given: the network is surer of itself than it is right.
LEAST_SPREAD: Final = 4.0


@dataclass(frozen=True)
class Age:
    """In years: the mean of what the network holds possible, less and plus one deviation."""

    low: int
    high: int


@dataclass(frozen=True)
class Gender:
    """What the face looks like to the network, which knows two; a probability."""

    value: str
    score: float


class AgeGender:
    """Safe for several threads at once, as onnxruntime sessions are."""

    def __init__(self, models: Path, threads: int) -> None:
        self._age = open_session(models / AGE, threads)
        self._gender = open_session(models / GENDER, threads)

    def age(self, picture: Image.Image, face: Landmarks) -> Age:
        chances = _run(self._age, aligned(picture, face, side=AGE_SIDE, padding=PADDING))
        mean = float(chances @ YEARS)
        spread = max(LEAST_SPREAD, math.sqrt(float(chances @ (YEARS - mean) ** 2)))
        return Age(max(0, math.floor(mean - spread)), math.ceil(mean + spread))

    def gender(self, picture: Image.Image, face: Landmarks) -> Gender:
        cut = aligned(picture, face, side=GENDER_SIDE, padding=PADDING)
        female, male = _run(self._gender, cut).tolist()
        return Gender("Female", female) if female > male else Gender("Male", male)


def _run(session: onnxruntime.InferenceSession, cut: Image.Image) -> NDArray[Any]:
    values = (np.asarray(cut, np.float32) - MEAN_COLOUR) / 256
    (answer,) = session.run(None, {INPUT: values.transpose(2, 0, 1)[None]})
    chances: NDArray[Any] = answer[0]
    return chances
