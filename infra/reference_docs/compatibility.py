"""Whether messages of one wording can be read by those who know another: schema against schema.

What is released is read by programs that we do not know, and while a deployment is rolled out, or
back, by our own older ones. So within a version only optional fields may come. Pure.
"""

from collections.abc import Iterator

from infra.reference_docs.schemas import Json

WORDS = {"description", "title", "$schema", "$id", "default", "$defs"}
"""What says nothing of which messages are taken."""


def breaks(old: Json, new: Json) -> list[str]:
    """What keeps a reader of the old schema from the new messages, or the other way round.

    Each is a place and what happened there. Empty: both read each other.
    """
    return list(_compare("", old, new, (old, new)))


def _compare(place: str, old: Json, new: Json, roots: tuple[Json, Json]) -> Iterator[str]:
    old, new = _resolved(old, roots[0]), _resolved(new, roots[1])
    if "properties" in old and "properties" in new:
        yield from _compare_fields(place, old, new, roots)
        old, new = _without_fields(old), _without_fields(new)
    for word in sorted((old.keys() | new.keys()) - WORDS):
        yield from _compare_word(f"{place} {word}".strip(), old.get(word), new.get(word), roots)


def _compare_fields(place: str, old: Json, new: Json, roots: tuple[Json, Json]) -> Iterator[str]:
    before, after = old["properties"], new["properties"]
    for name in sorted(before.keys() - after.keys()):
        yield f"{place}.{name}: is gone"
    for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
        yield f"{place}.{name}: is required now"
    for name in sorted(set(old.get("required", ())) - set(new.get("required", ()))):
        yield f"{place}.{name}: may be missing now"
    for name in sorted(before.keys() & after.keys()):
        yield from _compare(f"{place}.{name}", before[name], after[name], roots)


def _compare_word(place: str, old: object, new: object, roots: tuple[Json, Json]) -> Iterator[str]:
    match old, new:
        case dict(), dict():
            yield from _compare(place, old, new, roots)
        case list(), list() if len(old) == len(new) and all(isinstance(one, dict) for one in old):
            for before, after in zip(old, new, strict=True):
                yield from _compare(place, before, after, roots)
        case _ if old != new:
            yield f"{place}: was {old!r}, is {new!r}"


def _resolved(schema: Json, root: Json) -> Json:
    """The part that a reference names, or the schema itself."""
    while isinstance(reference := schema.get("$ref"), str):
        schema = root["$defs"][reference.rpartition("/")[2]]
    return schema


def _without_fields(schema: Json) -> Json:
    return {word: said for word, said in schema.items() if word not in ("properties", "required")}
