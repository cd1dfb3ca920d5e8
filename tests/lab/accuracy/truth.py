"""The known content of the photos and the minimum of each count, read from truth.toml."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[3]
FILE = Path(__file__).with_name("truth.toml")


@dataclass(frozen=True)
class Face:
    """The known attributes of a face; the age is None if it is unknown."""

    gender: str
    smile: bool
    mouth_open: bool
    age: int | None = None


@dataclass(frozen=True)
class Photo:
    """A photo and its known content; truth.toml explains the fields."""

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
    """All photos, and the minimum of each count."""

    photos: tuple[Photo, ...]
    minimum: dict[str, int] = field(default_factory=dict)

    @property
    def portraits(self) -> list[Photo]:
        """The photos of a single face."""
        return [photo for photo in self.photos if photo.face]


def load() -> Truth:
    """Read truth.toml."""
    table = tomllib.loads(FILE.read_text(encoding="utf-8"))
    minimum = table.pop("minimum")
    return Truth(tuple(_photo(name, entry) for name, entry in table.items()), minimum)


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
