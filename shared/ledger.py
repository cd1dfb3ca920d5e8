"""The idempotency ledger: a claim for each event of each service.

A claim is a lease, an attempt counter and an owner token. A plain yes-or-no key would lose an event
whose worker died between the claim and the publish. A lease expires instead: the next worker takes
over, and sees how many attempts there were.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from shared.aws import aws_errors

RETENTION = 30 * 24 * 3600
"""Seconds. Longer than any queue retains a message, so that a late duplicate finds its claim."""


class ClaimStatus(StrEnum):
    """The answer to a claim."""

    ACQUIRED = "acquired"
    """The caller has the lease."""
    IN_PROGRESS = "in-progress"
    """Another worker has the lease."""
    COMPLETED = "completed"
    """The event is handled: this is a duplicate."""


class ClaimKey(NamedTuple):
    """One service's handling of one event of one image."""

    image: str
    name: str

    @classmethod
    def of(cls, service: str, image: str, kind: str, event: str) -> "ClaimKey":
        return cls(image, f"{service}/{kind}/{event}")


class Claim(NamedTuple):
    """The answer to a claim.

    ``until`` is when the lease expires, in epoch seconds; ``owner`` is who has it. ``attempts``
    counts the attempts so far, this one included.
    """

    key: ClaimKey
    status: ClaimStatus
    owner: str = ""
    until: float = 0.0
    attempts: int = 0


class Ledger(Protocol):
    """Times are epoch seconds of the caller's clock."""

    def claim(self, key: ClaimKey, owner: str, now: float, lease: float) -> Claim:
        """Acquire the event for ``lease`` seconds, unless it is completed or leased by another."""
        ...

    def complete(self, claim: Claim, now: float) -> None:
        """Mark the event as handled, for good. Without effect if another owner took over."""
        ...

    def release(self, claim: Claim, *, counts_as_attempt: bool) -> None:
        """End the lease now. An attempt that does not count is subtracted from the counter.

        Without effect if another owner took over.
        """
        ...


class DynamoLedger:
    """The ledger in DynamoDB: one item for each claim, all of an image's in one partition."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def claim(self, key: ClaimKey, owner: str, now: float, lease: float) -> Claim:
        values = {
            ":owner": {"S": owner},
            ":until": _seconds(now + lease),
            ":now": _seconds(now),
            ":expires": {"N": str(int(now) + RETENTION)},
            ":one": {"N": "1"},
        }
        update = "SET #owner = :owner, #until = :until, claimed_at = :now, expires = :expires"
        with aws_errors("the ledger"):
            try:
                answer = self._client.update_item(
                    TableName=self._table,
                    Key=_item(key),
                    UpdateExpression=f"{update} ADD attempts :one",
                    ConditionExpression=(
                        "attribute_not_exists(completed_at) AND "
                        "(attribute_not_exists(#until) OR #until < :now)"
                    ),
                    ExpressionAttributeNames={"#owner": "owner", "#until": "until"},
                    ExpressionAttributeValues=values,
                    ReturnValues="ALL_NEW",
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return self._current(key, owner)
        return _claim(key, ClaimStatus.ACQUIRED, answer["Attributes"])

    def _current(self, key: ClaimKey, owner: str) -> Claim:
        """Why the condition failed. If the owner is the caller, the write had taken effect,
        and only its response was lost.
        """
        answer = self._client.get_item(TableName=self._table, Key=_item(key), ConsistentRead=True)
        row = answer.get("Item", {})
        if "completed_at" in row:
            return _claim(key, ClaimStatus.COMPLETED, row)
        if row.get("owner", {}).get("S") == owner:
            return _claim(key, ClaimStatus.ACQUIRED, row)
        return _claim(key, ClaimStatus.IN_PROGRESS, row)

    def complete(self, claim: Claim, now: float) -> None:
        self._change(claim, "SET completed_at = :now", {":now": _seconds(now)}, "#owner = :owner")

    def release(self, claim: Claim, *, counts_as_attempt: bool) -> None:
        # The condition includes the lease, so that a release which botocore retried subtracts once.
        values = {":expired": _seconds(0), ":until": _seconds(claim.until)}
        update = "SET #until = :expired"
        if not counts_as_attempt:
            update += " ADD attempts :minus_one"
            values[":minus_one"] = {"N": "-1"}
        self._change(claim, update, values, "#owner = :owner AND #until = :until")

    def _change(self, claim: Claim, update: str, values: Mapping[str, Any], condition: str) -> None:
        names = {"#owner": "owner", "#until": "until"}
        used = {name: names[name] for name in names if name in update + condition}
        with aws_errors("the ledger"):
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=_item(claim.key),
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeNames=used,
                    ExpressionAttributeValues={":owner": {"S": claim.owner}, **values},
                )
            except self._client.exceptions.ConditionalCheckFailedException:
                return  # another owner took over


def _item(key: ClaimKey) -> dict[str, Any]:
    return {"image": {"S": key.image}, "claim": {"S": key.name}}


def _seconds(time: float) -> dict[str, str]:
    return {"N": f"{time:.3f}"}


def _claim(key: ClaimKey, status: ClaimStatus, row: Mapping[str, Any]) -> Claim:
    return Claim(
        key,
        status,
        owner=row.get("owner", {}).get("S", ""),
        until=float(row.get("until", {}).get("N", 0)),
        attempts=int(row.get("attempts", {}).get("N", 0)),
    )
