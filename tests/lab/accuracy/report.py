"""Formats the scores for the terminal and for docs/accuracy.md."""

from collections.abc import Iterable, Iterator, Sequence

from tests.lab.accuracy.score import Score

INTRODUCTION = """\
# Accuracy of the local Rekognition

`make accuracy` writes this document. It calls every operation with the photos in
[tests/lab/accuracy/photos](../tests/lab/accuracy/photos), with the sample photos and with drawn
pages of text. The set is small: it shows whether an operation works and whether a change made it
worse. It does not predict the results for your pictures. The tests fail if a count falls below its
minimum in [truth.toml](../tests/lab/accuracy/truth.toml).
"""

LIMITS = """\
## Limits

- **DetectLabels** has labels for COCO's 80 classes, and for ImageNet's 1,000 classes except those
  that `vocabulary.toml` blocks; Rekognition has thousands. There are no scenes, activities or
  landmarks. Objects that fill a small part of a picture are often missed.
- **DetectLabels, IMAGE_PROPERTIES** returns colours and quality of the whole picture only: nothing
  for foreground, background or instances, and no `SimplifiedColor`.
- **DetectFaces** omits the attributes that no model here supports: `Beard`, `Mustache`,
  `Eyeglasses`, `Sunglasses`, `EyesOpen`, `EyeDirection`, `FaceOccluded`, the emotion `CONFUSED`,
  and the pupils among the landmarks. Ages are often wrong by ten years or more, and genders are
  wrong for some faces. Both describe how a face appears to a network, not a person. Emotions are
  unreliable. Poses are correct to about ten degrees. AWS does not document the signs of the angles;
  the signs here are our choice.
- **DetectText** reads lines that run to the right or downwards. It loses the spaces between letters
  smaller than nine pixels, so that words run together. Before it searches for lines, it reduces the
  longer side of a picture to 960 pixels. It returns at most 100 words, like Rekognition.
- **DetectModerationLabels** detects nudity only and labels it `Explicit Nudity`. It does not detect
  violence, drugs, weapons, symbols or anything else in Rekognition's taxonomy. Only its results for
  safe pictures were measured, not how much explicit content it detects: **do not rely on it to
  exclude anything.**
- **CompareFaces** was measured with a few portraits, most of them of men. dlib's authors report
  99.38 % on Labeled Faces in the Wild for the original of this network.
- **Embedding** (Bedrock's Titan) uses another network than Amazon's. Here two photos count as
  similar from a cosine of 0.75. The right threshold for Titan was not measured, because that takes
  an AWS account. Two people in dark suits come close to the threshold.
- `Quality`, of pictures and of faces, has its own scale.
- Confidences are the models' own. They are not comparable with Rekognition's, and a threshold
  tuned for one does not suit the other.
"""


def table(scores: Iterable[Score]) -> str:
    """The scores as lines of text for the terminal."""
    return "\n".join(f"{score.correct:4} of {score.total:<4} {score.name}" for score in scores)


def document(scores: Sequence[Score], limits: Sequence[Score]) -> str:
    """The text of docs/accuracy.md."""
    rows = ["| count | correct | of |", "|---|---|---|"]
    rows += [f"| {score.name} | {score.correct} | {score.total} |" for score in scores]
    parts = [INTRODUCTION, "\n".join(rows) + "\n", "## Errors\n", *_errors(scores)]
    return "\n".join([*parts, LIMITS, "Measured beyond these limits:\n", *_errors(limits)])


def _errors(scores: Iterable[Score]) -> Iterator[str]:
    for score in scores:
        if score.errors:
            yield f"**{score.name}**\n"
            yield "\n".join(f"- {error}" for error in score.errors) + "\n"
