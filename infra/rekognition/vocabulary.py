"""What we call the things the models see: names, parents, aliases, categories (vocabulary.toml)."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Names = tuple[str, ...]


@dataclass(frozen=True)
class Vocabulary:
    """Labels by name, and which labels each model's classes stand for."""

    parents: Mapping[str, Names]
    aliases: Mapping[str, Names]
    categories: Mapping[str, str]
    coco: Mapping[int, str]
    imagenet: tuple[str | None, ...]

    def ancestors(self, name: str) -> Names:
        """Everything it is a kind of, the nearest first."""
        found: list[str] = []
        ahead = list(self.parents.get(name, ()))
        while ahead:
            parent = ahead.pop(0)
            if parent not in found:
                found.append(parent)
                ahead += self.parents.get(parent, ())
        return tuple(found)

    def category(self, name: str) -> str | None:
        """Its own, or that of the nearest thing it is a kind of; none where we know none."""
        kin = (name, *self.ancestors(name))
        return next((self.categories[each] for each in kin if each in self.categories), None)


def load_vocabulary(classes: Sequence[str]) -> Vocabulary:
    """The vocabulary, given the names of ImageNet's classes in the order of the model's answers."""
    table = tomllib.loads(Path(__file__).with_name("vocabulary.toml").read_text(encoding="utf-8"))
    names = _imagenet_names(table["imagenet"], classes)
    return Vocabulary(
        parents=_parents(table, names),
        aliases={name: tuple(others) for name, others in table["aliases"].items()},
        categories=table["categories"],
        coco={int(thing): name for thing, name in table["coco"].items()},
        imagenet=names,
    )


def _imagenet_names(table: Mapping[str, Any], classes: Sequence[str]) -> tuple[str | None, ...]:
    """The label of each class; None for those that are never said."""
    never = {number for ranges in table["never"].values() for number in _numbers(ranges)}
    renamed = table["renamed"]
    return tuple(
        None if number in never else renamed.get(str(number), _title(name))
        for number, name in enumerate(classes)
    )


def _parents(table: Mapping[str, Any], names: Sequence[str | None]) -> dict[str, Names]:
    """The table's own, and each of ImageNet's labels under its kinds."""
    parents = {name: tuple(kinds) for name, kinds in table["parents"].items()}
    for kind, ranges in table["imagenet"]["kinds"].items():
        for number in _numbers(ranges):
            name = names[number]
            known = parents.get(name, ()) if name else ()
            if name and kind not in (name, *known):
                parents[name] = (*known, kind)
    return parents


def _numbers(ranges: str) -> list[int]:
    """Both ends of a range included: "5-6 9" is 5, 6 and 9."""
    found: list[int] = []
    for part in ranges.split():
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def _title(name: str) -> str:
    """Title Case that leaves the rest of a word alone: "CD Player", "Shih-Tzu"."""
    return " ".join(word[0].upper() + word[1:] for word in name.split())
