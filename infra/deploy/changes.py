"""What a deployment would change, read from CloudFormation's change set in plain words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

HOLDS_DATA = {"AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::Cognito::UserPool"}
"""What is lost with these is made by nobody again."""

KEEPS = {"Retain", "ReplaceAndRetain", "Snapshot", "ReplaceAndSnapshot"}  # a change's PolicyAction


class Effect(StrEnum):
    """What becomes of a resource, the gravest last; the values are what people read."""

    CREATE = "create"
    TAKE_OVER = "take over"  # it is there already, and belongs to no stack
    CHANGE = "change"
    MAY_REPLACE = "may replace"  # CloudFormation only knows once another resource has changed
    REPLACE = "replace"
    DELETE = "delete"


ACTIONS = {"Add": Effect.CREATE, "Import": Effect.TAKE_OVER, "Remove": Effect.DELETE}
REPLACEMENTS = {"True": Effect.REPLACE, "Conditional": Effect.MAY_REPLACE}


@dataclass(frozen=True)
class Change:
    """What would become of one resource."""

    effect: Effect
    resource: str  # its logical id
    kind: str  # such as AWS::SQS::Queue
    properties: tuple[str, ...] = ()  # those that change
    kept: bool = False  # what is there now outlives the change, outside the stack

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Change":
        """Read a ResourceChange of DescribeChangeSet."""
        replaced = REPLACEMENTS.get(found.get("Replacement", "False"), Effect.CHANGE)
        return cls(
            effect=ACTIONS.get(found["Action"], replaced),
            resource=found["LogicalResourceId"],
            kind=found["ResourceType"],
            properties=tuple(sorted({_property(detail) for detail in found.get("Details", ())})),
            kept=found.get("PolicyAction") in KEEPS,
        )

    @property
    def loses_data(self) -> bool:
        """Whether what a resource holds goes with it, or may go."""
        gone = self.effect in {Effect.DELETE, Effect.REPLACE, Effect.MAY_REPLACE}
        return gone and not self.kept and self.kind in HOLDS_DATA

    @property
    def remark(self) -> str:
        """What one would want to know of it: what changes, and what becomes of the data."""
        if self.loses_data:
            return "and all that it holds is lost"
        if self.kept:
            return "and the old one is kept, outside the stack"
        return ", ".join(self.properties)


def changes(described: Iterable[Mapping[str, Any]]) -> tuple[Change, ...]:
    """The changes of a described change set, the gravest last, so that they are what is read."""
    found = [Change.of(each["ResourceChange"]) for each in described if "ResourceChange" in each]
    gravity = list(Effect)
    return tuple(sorted(found, key=lambda one: (gravity.index(one.effect), one.resource)))


def change_lines(found: Sequence[Change]) -> list[str]:
    """A line for each change, and one that counts them."""
    rows = [(one.effect, one.resource, one.kind.removeprefix("AWS::"), one.remark) for one in found]
    widths = [max(map(len, column), default=0) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    counts = [(effect, sum(one.effect is effect for one in found)) for effect in Effect]
    counted = ", ".join(f"{effect} {number}" for effect, number in counts if number)
    return [*(f"  {line.rstrip()}" for line in lines), f"to {counted or 'change no resource'}"]


def _property(detail: Mapping[str, Any]) -> str:
    target = detail["Target"]
    return str(target.get("Name", target["Attribute"]))
