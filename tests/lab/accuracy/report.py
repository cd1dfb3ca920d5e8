"""The page of truth: what was counted, for a terminal and for docs/accuracy.md."""

from collections.abc import Iterable, Iterator, Sequence

from tests.lab.accuracy.score import Score

INTRODUCTION = """\
# What the local Rekognition gets right

Written by `make accuracy`, over the photos in [tests/lab/accuracy/photos](../tests/lab/accuracy/photos),
the samples, and pages of text that are drawn for it. The set is small: it tells whether a call
works at all, and whether a change made it worse, not how it will do on your pictures. `make test`
fails when any of these counts falls below what [truth.toml](../tests/lab/accuracy/truth.toml) holds.
"""

CANNOT = """\
## What it cannot do

- **DetectLabels** knows COCO's 80 things and those of ImageNet's 1,000 classes that
  `vocabulary.toml` does not block; Rekognition knows thousands. It has no scenes, no activities and
  no landmarks. A thing that fills a small part of a picture is often missed.
- **DetectLabels, IMAGE_PROPERTIES**: colours and quality of the whole picture, nothing about its
  foreground and background, no colours of instances, and no `SimplifiedColor`.
- **DetectFaces** leaves out what no model here can see: `Beard`, `Mustache`, `Eyeglasses`,
  `Sunglasses`, `EyesOpen`, `EyeDirection`, `FaceOccluded`, the emotion `CONFUSED`, and the pupils
  among the landmarks. Ages are often off by ten years or more, and genders are wrong for some
  faces; both say how a face looks to a network, nothing about a person. Emotions are guesses. Pose
  is right within some ten degrees; the signs of its angles are ours, because AWS documents none.
- **DetectText** reads lines that run to the right or downwards. Of letters below nine pixels it
  loses spaces, so that words run together; lines are looked for with the longer side of the picture
  at 960 pixels. It stops at 100 words, as Rekognition does.
- **DetectModerationLabels** knows one thing, the likelihood of nudity, and says it as `Explicit
  Nudity`. Violence, drugs, weapons, symbols and all else of Rekognition's taxonomy pass unseen. How
  much explicit content it finds was never measured here, only that safe pictures pass: **do not
  rely on it to keep anything out.**
- **CompareFaces** was measured on a handful of portraits, most of them of men. dlib's authors
  report 99.38 % on Labeled Faces in the Wild for the network that this one is a port of.
- **Embedding** (Bedrock's Titan): another network than Amazon's. Two photos are alike from a cosine
  of 0.75; where Titan's cosines part the like from the unlike was never measured, since that takes
  an account. Two people in dark suits come near it.
- `Quality`, of pictures and of faces, is on a scale of its own.
- Confidences are each model's own. They do not mean what Rekognition's mean, and a threshold that
  was tuned on one is not good for the other.
"""


def table(scores: Iterable[Score]) -> str:
    return "\n".join(f"{score.right:4} of {score.asked:<4} {score.what}" for score in scores)


def page(scores: Sequence[Score], limits: Sequence[Score]) -> str:
    rows = ["| call | right | of |", "|---|---|---|"]
    rows += [f"| {score.what} | {score.right} | {score.asked} |" for score in scores]
    parts = [INTRODUCTION, "\n".join(rows) + "\n", "## What went wrong\n", *_remarks(scores)]
    return "\n".join(
        [*parts, CANNOT, "And counted, because it does not work:\n", *_remarks(limits)]
    )


def _remarks(scores: Iterable[Score]) -> Iterator[str]:
    for score in scores:
        if score.remarks:
            yield f"**{score.what}**\n"
            yield "\n".join(f"- {remark}" for remark in score.remarks) + "\n"
