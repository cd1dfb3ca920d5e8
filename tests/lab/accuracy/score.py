"""Calls every operation with every photo and counts the correct results."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from infra.rekognition.titan_embed_image import MODEL_ID
from shared.contracts.images import Embedding
from shared.similarity import MIN_COSINE, cosine
from tests.lab.accuracy import alike
from tests.lab.accuracy.operations import Operation
from tests.lab.accuracy.pages import Page, pages, unreadable_pages
from tests.lab.accuracy.truth import Photo, Truth


@dataclass(frozen=True)
class Score:
    """The number of correct results, and a line about each wrong one."""

    name: str
    correct: int
    total: int
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """One checked result; `error` describes it if it is wrong."""

    correct: bool
    error: str


def scores(calls: Mapping[str, Operation], truth: Truth) -> list[Score]:
    """The scores of all operations, which are functions by name (see operations.py)."""
    return [
        *_labels(calls["DetectLabels"], truth.photos),
        *_faces(calls["DetectFaces"], truth),
        *_text(calls["DetectText"], truth.photos),
        _moderation(calls["DetectModerationLabels"], truth.photos),
        *_compared(calls["CompareFaces"], truth),
        *_embedded(calls[MODEL_ID], truth.photos),
    ]


def limits(calls: Mapping[str, Operation]) -> list[Score]:
    """The scores of what does not work yet, so that an improvement is noticed."""
    name = "DetectText, words on unreadable pages"
    return [_words(name, calls["DetectText"], unreadable_pages())]


def _count(name: str, checks: Iterable[Check]) -> Score:
    results = list(checks)
    errors = tuple(check.error for check in results if not check.correct)
    return Score(name, len(results) - len(errors), len(results), errors)


def _labels(call: Operation, photos: Sequence[Photo]) -> Iterator[Score]:
    labels = {photo: _names(call(Image={"Bytes": photo.content})) for photo in photos}
    expected = [
        Check(label in labels[photo], f"{photo.name}: {label} is missing")
        for photo in photos
        for label in sorted(photo.labels)
    ]
    yield _count("DetectLabels, expected labels", expected)
    wrong = {photo: sorted(labels[photo] - photo.labels - photo.also) for photo in photos}
    yield _count(
        "DetectLabels, pictures without a wrong label",
        (Check(not names, f"{photo.name}: {', '.join(names)}") for photo, names in wrong.items()),
    )


def _names(response: Mapping[str, Any]) -> set[str]:
    return {label["Name"] for label in response["Labels"]}


def _faces(call: Operation, truth: Truth) -> Iterator[Score]:
    details = {
        photo: call(Image={"Bytes": photo.content}, Attributes=["ALL"])["FaceDetails"]
        for photo in truth.photos
    }
    yield _count(
        "DetectFaces, number of faces",
        (
            Check(len(faces) == photo.faces, f"{photo.name}: {len(faces)} instead of {photo.faces}")
            for photo, faces in details.items()
        ),
    )
    portraits = [
        (photo.name, photo.face, details[photo][0]) for photo in truth.portraits if details[photo]
    ]
    yield _count(
        "DetectFaces, gender",
        (
            Check(d["Gender"]["Value"] == f.gender, f"{n}: {_value(d['Gender'])}")
            for n, f, d in portraits
        ),
    )
    yield _count(
        "DetectFaces, age range",
        (
            Check(d["AgeRange"]["Low"] <= f.age <= d["AgeRange"]["High"], _age(n, f.age, d))
            for n, f, d in portraits
            if f.age
        ),
    )
    yield _count(
        "DetectFaces, smile",
        (
            Check(d["Smile"]["Value"] == f.smile, f"{n}: {_value(d['Smile'])}")
            for n, f, d in portraits
        ),
    )
    yield _count(
        "DetectFaces, mouth open",
        (
            Check(d["MouthOpen"]["Value"] == f.mouth_open, f"{n}: {d['MouthOpen']}")
            for n, f, d in portraits
        ),
    )


def _value(attribute: Mapping[str, Any]) -> str:
    return f"{attribute['Value']}, {attribute['Confidence']:.0f} %"


def _age(name: str, age: int, detail: Mapping[str, Any]) -> str:
    return f"{name}: {detail['AgeRange']['Low']} to {detail['AgeRange']['High']} instead of {age}"


def _text(call: Operation, photos: Sequence[Photo]) -> Iterator[Score]:
    with_text = [Page(photo.name, photo.words, photo.content) for photo in photos if photo.words]
    yield _words("DetectText, words in photos", call, with_text)
    yield _words("DetectText, words on drawn pages", call, pages())
    yield _count(
        "DetectText, no text in pictures without text",
        (
            Check(not words, f"{photo.name}: {' '.join(words)}")
            for photo in photos
            if not photo.words
            for words in [_read(call, photo.content)]
        ),
    )


def _words(name: str, call: Operation, texts: Iterable[Page]) -> Score:
    """The number of words read without an error; a line for each page with a wrong word."""
    correct = total = 0
    errors = []
    for page in texts:
        missing = Counter(page.words) - Counter(_read(call, page.content))
        total += len(page.words)
        correct += len(page.words) - missing.total()
        if missing:
            errors.append(f"{page.name}: {missing.total()} of {len(page.words)} words wrong")
    return Score(name, correct, total, tuple(errors))


def _read(call: Operation, content: bytes) -> list[str]:
    detections = call(Image={"Bytes": content})["TextDetections"]
    return [text["DetectedText"] for text in detections if text["Type"] == "WORD"]


def _moderation(call: Operation, photos: Sequence[Photo]) -> Score:
    return _count(
        "DetectModerationLabels, no label for safe pictures",
        (
            Check(not call(Image={"Bytes": photo.content})["ModerationLabels"], photo.name)
            for photo in photos
        ),
    )


def _compared(call: Operation, truth: Truth) -> Iterator[Score]:
    """Compare each portrait with every later one, and with the photos of several people."""
    groups = [photo for photo in truth.photos if photo.faces > 1]
    pairs = [*combinations(truth.portraits, 2), *product(truth.portraits, groups)]
    same, different = [], []
    for source, target in pairs:
        response = call(
            SourceImage={"Bytes": source.content}, TargetImage={"Bytes": target.content}
        )
        common = len(source.people & target.people)
        check = Check(len(response["FaceMatches"]) == common, f"{source.name} and {target.name}")
        (same if common else different).append(check)
    yield _count("CompareFaces, photos with a person in common", same)
    yield _count("CompareFaces, photos without a person in common", different)


def _embedded(call: Operation, photos: Sequence[Photo]) -> Iterator[Score]:
    """Compare each photo with its changed versions and with every other photo."""

    def embed(content: bytes) -> Embedding:
        return alike.embedded(call(Image={"Bytes": content}, Length=alike.LENGTH))

    embeddings = {photo: embed(photo.content) for photo in photos}
    in_a_band = []
    for name_of_change, change in alike.CHANGES.items():
        pairs = [(p.name, embeddings[p], embed(alike.changed(p.content, change))) for p in photos]
        yield _count(
            f"Embedding, photo recognized {name_of_change}",
            (
                Check(cosine(a, b) >= MIN_COSINE, f"{name}: {cosine(a, b):.2f}")
                for name, a, b in pairs
            ),
        )
        in_a_band += [
            Check(alike.share_a_band(a, b), f"{name} {name_of_change}: {cosine(a, b):.2f}")
            for name, a, b in pairs
            if cosine(a, b) >= MIN_COSINE
        ]
    yield _count("Embedding, similar and in a common band", in_a_band)
    yield _count(
        "Embedding, different photos are not similar",
        (
            Check(cosine(embeddings[p], embeddings[q]) < MIN_COSINE, f"{p.name} and {q.name}")
            for p, q in combinations(photos, 2)
        ),
    )
