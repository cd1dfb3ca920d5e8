"""The vocabulary of labels: names, parents, aliases and categories (vocabulary.toml)."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Names = tuple[str, ...]


@dataclass(frozen=True)
class Vocabulary:
    """Labels by name, and the label of each model's classes.

    A class of ImageNet that must not be a label is None.
    """

    parents: Mapping[str, Names]
    aliases: Mapping[str, Names]
    categories: Mapping[str, str]
    coco: Mapping[int, str]
    imagenet: tuple[str | None, ...]

    def ancestors(self, name: str) -> Names:
        """The label's parents and their ancestors, the nearest first."""
        ancestors: list[str] = []
        queue = list(self.parents.get(name, ()))
        while queue:
            parent = queue.pop(0)
            if parent not in ancestors:
                ancestors.append(parent)
                queue += self.parents.get(parent, ())
        return tuple(ancestors)

    def category(self, name: str) -> str | None:
        """The label's category, or its nearest ancestor's; None if there is none."""
        labels = (name, *self.ancestors(name))
        return next((self.categories[label] for label in labels if label in self.categories), None)


def load_vocabulary(classes: Sequence[str]) -> Vocabulary:
    """The vocabulary. `classes` are the names of ImageNet's classes, in the model's order."""
    table = tomllib.loads(Path(__file__).with_name("vocabulary.toml").read_text(encoding="utf-8"))
    names = _imagenet_names(table["imagenet"], classes)
    return Vocabulary(
        parents=_parents(table, names),
        aliases={name: tuple(others) for name, others in table["aliases"].items()},
        categories=table["categories"],
        coco={int(class_id): name for class_id, name in table["coco"].items()},
        imagenet=names,
    )


def _imagenet_names(table: Mapping[str, Any], classes: Sequence[str]) -> tuple[str | None, ...]:
    """The label of each class; None for a blocked class."""
    blocked = {number for ranges in table["blocked"].values() for number in _numbers(ranges)}
    renamed = table["renamed"]
    return tuple(
        None if number in blocked else renamed.get(str(number), _title(name))
        for number, name in enumerate(classes)
    )


def _parents(table: Mapping[str, Any], names: Sequence[str | None]) -> dict[str, Names]:
    """The parents of each label: those of the table, and the kinds of ImageNet's classes."""
    parents = {name: tuple(kinds) for name, kinds in table["parents"].items()}
    for kind, ranges in table["imagenet"]["kinds"].items():
        for number in _numbers(ranges):
            name = names[number]
            others = parents.get(name, ()) if name else ()
            if name and kind not in (name, *others):
                parents[name] = (*others, kind)
    return parents


def _numbers(ranges: str) -> list[int]:
    """The numbers of inclusive ranges: "5-6 9" is 5, 6 and 9."""
    numbers: list[int] = []
    for part in ranges.split():
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def _title(name: str) -> str:
    """The name with capital initials; other letters stay: "CD Player", "Shih-Tzu"."""
    return " ".join(word[0].upper() + word[1:] for word in name.split())
