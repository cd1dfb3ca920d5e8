"""Estimates the age and gender that a face appears to have, with dlib's networks."""

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

# The age network outputs a probability for each of 81 years. The first one means the first months.
YEARS: Final = np.array([0.25, *range(1, 81)])
# Half of the narrowest age range in a response, in years: the network is overconfident.
MIN_SPREAD: Final = 4.0


@dataclass(frozen=True)
class Age:
    """An age range in years: the expected age, minus and plus one standard deviation."""

    low: int
    high: int


@dataclass(frozen=True)
class Gender:
    """The apparent gender, one of the two that the network knows, with its probability."""

    value: str
    score: float


class AgeGender:
    """Safe to use from several threads at once, like the onnxruntime sessions."""

    def __init__(self, models: Path, threads: int) -> None:
        self._age = open_session(models / AGE, threads)
        self._gender = open_session(models / GENDER, threads)

    def age(self, picture: Image.Image, face: Landmarks) -> Age:
        probabilities = _run(self._age, aligned(picture, face, side=AGE_SIDE, padding=PADDING))
        mean = float(probabilities @ YEARS)
        spread = max(MIN_SPREAD, math.sqrt(float(probabilities @ (YEARS - mean) ** 2)))
        return Age(max(0, math.floor(mean - spread)), math.ceil(mean + spread))

    def gender(self, picture: Image.Image, face: Landmarks) -> Gender:
        crop = aligned(picture, face, side=GENDER_SIDE, padding=PADDING)
        female, male = _run(self._gender, crop).tolist()
        return Gender("Female", female) if female > male else Gender("Male", male)


def _run(session: onnxruntime.InferenceSession, crop: Image.Image) -> NDArray[Any]:
    values = (np.asarray(crop, np.float32) - MEAN_COLOUR) / 256
    (output,) = session.run(None, {INPUT: values.transpose(2, 0, 1)[None]})
    probabilities: NDArray[Any] = output[0]
    return probabilities
