"""What the photos show (truth.toml), as values."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[3]
FILE = Path(__file__).with_name("truth.toml")


@dataclass(frozen=True)
class Face:
    """Without an age, nobody knows it."""

    gender: str
    smile: bool
    mouth_open: bool
    age: int | None = None


@dataclass(frozen=True)
class Photo:
    name: str
    path: Path
    labels: frozenset[str] = frozenset()
    also: frozenset[str] = frozenset()
    faces: int = 0
    face: Face | None = None
    people: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()

    @property
    def content(self) -> bytes:
        return self.path.read_bytes()


@dataclass(frozen=True)
class Truth:
    photos: tuple[Photo, ...]
    least: dict[str, int] = field(default_factory=dict)

    @property
    def portraits(self) -> list[Photo]:
        return [photo for photo in self.photos if photo.face]


def load() -> Truth:
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    least = table.pop("least")
    return Truth(tuple(_photo(name, entry) for name, entry in table.items()), least)


def _photo(name: str, entry: dict) -> Photo:
    face = Face(**entry["face"]) if "face" in entry else None
    return Photo(
        name=name,
        path=ROOT / entry["file"],
        labels=frozenset(entry.get("labels", ())),
        also=frozenset(entry.get("also", ())),
        faces=1 if face else entry.get("faces", 0),
        face=face,
        people=frozenset(entry.get("people", [name] if face else [])),
        words=tuple(entry.get("text", "").split()),
    )
