"""The changes that a deployment would make, read from CloudFormation's change set."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

HOLDS_DATA = {"AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::Cognito::UserPool"}
"""Types of resources whose data cannot be recreated."""

RETAINING = {
    "Retain",
    "ReplaceAndRetain",
    "Snapshot",
    "ReplaceAndSnapshot",
}  # a change's PolicyAction


class Effect(StrEnum):
    """What happens to a resource, the most severe last. The values are printed."""

    CREATE = "create"
    IMPORT = "import"  # it exists already and belongs to no stack
    CHANGE = "change"
    MAY_REPLACE = "may replace"  # decided once CloudFormation has changed another resource
    REPLACE = "replace"
    DELETE = "delete"


ACTIONS = {"Add": Effect.CREATE, "Import": Effect.IMPORT, "Remove": Effect.DELETE}
REPLACEMENTS = {"True": Effect.REPLACE, "Conditional": Effect.MAY_REPLACE}


@dataclass(frozen=True)
class Change:
    """The change of one resource."""

    effect: Effect
    resource: str  # its logical id
    kind: str  # such as AWS::SQS::Queue
    properties: tuple[str, ...] = ()  # the changed properties
    retained: bool = False  # the old resource is retained outside the stack

    @classmethod
    def of(cls, change: Mapping[str, Any]) -> "Change":
        """Read a ResourceChange of DescribeChangeSet."""
        replaced = REPLACEMENTS.get(change.get("Replacement", "False"), Effect.CHANGE)
        return cls(
            effect=ACTIONS.get(change["Action"], replaced),
            resource=change["LogicalResourceId"],
            kind=change["ResourceType"],
            properties=tuple(sorted({_property(detail) for detail in change.get("Details", ())})),
            retained=change.get("PolicyAction") in RETAINING,
        )

    @property
    def loses_data(self) -> bool:
        """Whether the change deletes the resource's data, or may delete it."""
        removed = self.effect in {Effect.DELETE, Effect.REPLACE, Effect.MAY_REPLACE}
        return removed and not self.retained and self.kind in HOLDS_DATA

    @property
    def remark(self) -> str:
        """What happens to the data, or else the changed properties."""
        if self.loses_data:
            return "its data is lost"
        if self.retained:
            return "the old resource is retained outside the stack"
        return ", ".join(self.properties)


def changes(described: Iterable[Mapping[str, Any]]) -> tuple[Change, ...]:
    """The changes of a described change set. The most severe come last, next to the question."""
    found = [Change.of(item["ResourceChange"]) for item in described if "ResourceChange" in item]
    severity = list(Effect)
    return tuple(sorted(found, key=lambda change: (severity.index(change.effect), change.resource)))


def change_lines(found: Sequence[Change]) -> list[str]:
    """A line for each change, and a last line that counts them."""
    rows = [
        (change.effect, change.resource, change.kind.removeprefix("AWS::"), change.remark)
        for change in found
    ]
    widths = [max(map(len, column), default=0) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    counts = [(effect, sum(change.effect is effect for change in found)) for effect in Effect]
    counted = ", ".join(f"{effect} {number}" for effect, number in counts if number)
    return [*(f"  {line.rstrip()}" for line in lines), f"total: {counted or 'no resource changes'}"]


def _property(detail: Mapping[str, Any]) -> str:
    target = detail["Target"]
    return str(target.get("Name", target["Attribute"]))
