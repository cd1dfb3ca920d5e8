"""Compatibility of two versions of a JSON Schema.

Subscribers read released messages, and during a deployment or rollback older functions read them,
too. So within a version only optional fields may be added. Pure.
"""

from collections.abc import Iterator

from infra.reference_docs.schemas import Json

IGNORED = {"description", "title", "$schema", "$id", "default", "$defs"}
"""Keywords that do not decide which messages are valid."""


def breaks(old: Json, new: Json) -> list[str]:
    """The changes that break a reader of the other schema's messages, each with its location.

    Empty if the schemas are compatible in both directions.
    """
    return list(_compare("", old, new, (old, new)))


def _compare(path: str, old: Json, new: Json, roots: tuple[Json, Json]) -> Iterator[str]:
    old, new = _resolved(old, roots[0]), _resolved(new, roots[1])
    if "properties" in old and "properties" in new:
        yield from _compare_fields(path, old, new, roots)
        old, new = _without_fields(old), _without_fields(new)
    for keyword in sorted((old.keys() | new.keys()) - IGNORED):
        yield from _compare_keyword(
            f"{path} {keyword}".strip(), old.get(keyword), new.get(keyword), roots
        )


def _compare_fields(path: str, old: Json, new: Json, roots: tuple[Json, Json]) -> Iterator[str]:
    before, after = old["properties"], new["properties"]
    for name in sorted(before.keys() - after.keys()):
        yield f"{path}.{name}: is gone"
    for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
        yield f"{path}.{name}: is required now"
    for name in sorted(set(old.get("required", ())) - set(new.get("required", ()))):
        yield f"{path}.{name}: may be missing now"
    for name in sorted(before.keys() & after.keys()):
        yield from _compare(f"{path}.{name}", before[name], after[name], roots)


def _compare_keyword(
    path: str, old: object, new: object, roots: tuple[Json, Json]
) -> Iterator[str]:
    match old, new:
        case dict(), dict():
            yield from _compare(path, old, new, roots)
        case list(), list() if len(old) == len(new) and all(isinstance(item, dict) for item in old):
            for before, after in zip(old, new, strict=True):
                yield from _compare(path, before, after, roots)
        case _ if old != new:
            yield f"{path}: was {old!r}, is {new!r}"


def _resolved(schema: Json, root: Json) -> Json:
    """The schema that a reference names, or the schema itself."""
    while isinstance(reference := schema.get("$ref"), str):
        schema = root["$defs"][reference.rpartition("/")[2]]
    return schema


def _without_fields(schema: Json) -> Json:
    return {
        keyword: value
        for keyword, value in schema.items()
        if keyword not in ("properties", "required")
    }
