"""Asks every call about every photo, and counts what is right."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from shared.likeness import ALIKE, cosine

from infra.rekognition.titan_embed_image import MODEL_ID
from shared.contracts.images import Embedding
from tests.lab.accuracy import alike
from tests.lab.accuracy.pages import Page, hopeless_pages, pages
from tests.lab.accuracy.truth import Photo, Truth

Ask = Callable[..., Mapping[str, Any]]


@dataclass(frozen=True)
class Score:
    """So much of what was asked is right; and what is worth telling about the rest."""

    what: str
    right: int
    asked: int
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """One question about one picture; the remark is told if it went wrong."""

    right: bool
    remark: str


def scores(ask: Mapping[str, Ask], truth: Truth) -> list[Score]:
    """`ask` has, by operation, what answers it, as boto3's methods do."""
    return [
        *_labels(ask["DetectLabels"], truth.photos),
        *_faces(ask["DetectFaces"], truth),
        *_text(ask["DetectText"], truth.photos),
        _moderation(ask["DetectModerationLabels"], truth.photos),
        *_compared(ask["CompareFaces"], truth),
        *_embedded(ask[MODEL_ID], truth.photos),
    ]


def limits(ask: Mapping[str, Ask]) -> list[Score]:
    """What is known not to work, so that the day it does is noticed."""
    what = "DetectText, words of pages beyond its limits"
    return [_words(what, ask["DetectText"], hopeless_pages())]


def _count(what: str, checks: Iterable[Check]) -> Score:
    done = list(checks)
    wrong = tuple(check.remark for check in done if not check.right)
    return Score(what, len(done) - len(wrong), len(done), wrong)


def _labels(ask: Ask, photos: Sequence[Photo]) -> Iterator[Score]:
    said = {photo: _names(ask(Image={"Bytes": photo.content})) for photo in photos}
    missing = [
        Check(label in said[photo], f"{photo.name}: {label} is not said")
        for photo in photos
        for label in sorted(photo.labels)
    ]
    yield _count("DetectLabels, names that have to be said", missing)
    wrong = {photo: sorted(said[photo] - photo.labels - photo.also) for photo in photos}
    yield _count(
        "DetectLabels, pictures without a wrong one",
        (Check(not names, f"{photo.name}: {', '.join(names)}") for photo, names in wrong.items()),
    )


def _names(answer: Mapping[str, Any]) -> set[str]:
    return {label["Name"] for label in answer["Labels"]}


def _faces(ask: Ask, truth: Truth) -> Iterator[Score]:
    found = {
        photo: ask(Image={"Bytes": photo.content}, Attributes=["ALL"])["FaceDetails"]
        for photo in truth.photos
    }
    yield _count(
        "DetectFaces, the number of faces",
        (
            Check(len(faces) == photo.faces, f"{photo.name}: {len(faces)} instead of {photo.faces}")
            for photo, faces in found.items()
        ),
    )
    seen = [(photo.name, photo.face, found[photo][0]) for photo in truth.portraits if found[photo]]
    yield _count(
        "DetectFaces, gender",
        (Check(d["Gender"]["Value"] == f.gender, f"{n}: {_said(d['Gender'])}") for n, f, d in seen),
    )
    yield _count(
        "DetectFaces, age range",
        (
            Check(d["AgeRange"]["Low"] <= f.age <= d["AgeRange"]["High"], _age(n, f.age, d))
            for n, f, d in seen
            if f.age
        ),
    )
    yield _count(
        "DetectFaces, smile",
        (Check(d["Smile"]["Value"] == f.smile, f"{n}: {_said(d['Smile'])}") for n, f, d in seen),
    )
    yield _count(
        "DetectFaces, mouth open",
        (
            Check(d["MouthOpen"]["Value"] == f.mouth_open, f"{n}: {d['MouthOpen']}")
            for n, f, d in seen
        ),
    )


def _said(answer: Mapping[str, Any]) -> str:
    return f"{answer['Value']}, {answer['Confidence']:.0f} %"


def _age(name: str, age: int, detail: Mapping[str, Any]) -> str:
    return f"{name}: {detail['AgeRange']['Low']} to {detail['AgeRange']['High']} instead of {age}"


def _text(ask: Ask, photos: Sequence[Photo]) -> Iterator[Score]:
    with_text = [Page(photo.name, photo.words, photo.content) for photo in photos if photo.words]
    yield _words("DetectText, words in photos", ask, with_text)
    yield _words("DetectText, words of drawn pages", ask, pages())
    yield _count(
        "DetectText, pictures without text have none",
        (
            Check(not read, f"{photo.name}: {' '.join(read)}")
            for photo in photos
            if not photo.words
            for read in [_read(ask, photo.content)]
        ),
    )


def _words(what: str, ask: Ask, written: Iterable[Page]) -> Score:
    """Words that are read to the letter; a remark for each page with one that is not."""
    right = asked = 0
    remarks = []
    for page in written:
        missing = Counter(page.words) - Counter(_read(ask, page.content))
        asked += len(page.words)
        right += len(page.words) - missing.total()
        if missing:
            remarks.append(f"{page.name}: {missing.total()} of {len(page.words)} words wrong")
    return Score(what, right, asked, tuple(remarks))


def _read(ask: Ask, content: bytes) -> list[str]:
    found = ask(Image={"Bytes": content})["TextDetections"]
    return [text["DetectedText"] for text in found if text["Type"] == "WORD"]


def _moderation(ask: Ask, photos: Sequence[Photo]) -> Score:
    return _count(
        "DetectModerationLabels, safe pictures without a label",
        (
            Check(not ask(Image={"Bytes": photo.content})["ModerationLabels"], photo.name)
            for photo in photos
        ),
    )


def _compared(ask: Ask, truth: Truth) -> Iterator[Score]:
    """Each portrait beside all that come after it, and beside the photos of several people."""
    groups = [photo for photo in truth.photos if photo.faces > 1]
    pairs = [*combinations(truth.portraits, 2), *product(truth.portraits, groups)]
    same, other = [], []
    for one, two in pairs:
        answer = ask(SourceImage={"Bytes": one.content}, TargetImage={"Bytes": two.content})
        shared = len(one.people & two.people)
        check = Check(len(answer["FaceMatches"]) == shared, f"{one.name} and {two.name}")
        (same if shared else other).append(check)
    yield _count("CompareFaces, photos that share a person", same)
    yield _count("CompareFaces, photos that share nobody", other)


def _embedded(ask: Ask, photos: Sequence[Photo]) -> Iterator[Score]:
    """Each photo beside what became of it, and beside every other photo."""

    def look(content: bytes) -> Embedding:
        return alike.embedded(ask(Image={"Bytes": content}, Length=alike.LENGTH))

    seen = {photo: look(photo.content) for photo in photos}
    listed = []
    for what, change in alike.CHANGES.items():
        pairs = [(p.name, seen[p], look(alike.changed(p.content, change))) for p in photos]
        yield _count(
            f"Embedding, a photo and itself {what}",
            (Check(cosine(a, b) >= ALIKE, f"{name}: {cosine(a, b):.2f}") for name, a, b in pairs),
        )
        listed += [
            Check(alike.share_a_list(a, b), f"{name} {what}: {cosine(a, b):.2f}")
            for name, a, b in pairs
            if cosine(a, b) >= ALIKE
        ]
    yield _count("Embedding, alike and in a list together", listed)
    yield _count(
        "Embedding, two photos of other things",
        (
            Check(cosine(seen[p], seen[q]) < ALIKE, f"{p.name} and {q.name}")
            for p, q in combinations(photos, 2)
        ),
    )
