"""What became of a run: the question every step asks before it does anything."""

from collections.abc import Mapping
from typing import Any, Protocol

from shared.aws import aws_errors
from shared.contracts.record import (
    RECORD,
    RunStatus,
    status_on_record,
    status_without_record,
)


class Runs(Protocol):
    def status(self, image: str, run: int) -> RunStatus:
        """As it is on record now; never from a copy that may lag."""
        ...

    def resized(self, image: str, run: int) -> bool:
        """Whether the record knows that the run's renditions were made.

        From then on every verdict that compensates the run names the original's sha256.
        """
        ...


class DynamoRuns:
    """One strongly consistent read of the record. Only ``store`` may write it."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def status(self, image: str, run: int) -> RunStatus:
        item = self._read(image, run, "image, deleted, superseded, runs.#run.#part", "status")
        return _status(item, run) if item else status_without_record(run)

    def resized(self, image: str, run: int) -> bool:
        item = self._read(image, run, "runs.#run.#part.image", "resized")
        return bool(item)

    def _read(self, image: str, run: int, wanted: str, part: str) -> Mapping[str, Any] | None:
        """What is ``wanted`` of the record, and of this ``part`` of the run; None for nothing."""
        with aws_errors("the record"):
            answer = self._client.get_item(
                TableName=self._table,
                Key={"image": {"S": image}, "item": {"S": RECORD}},
                ConsistentRead=True,
                ProjectionExpression=wanted,
                ExpressionAttributeNames={"#run": str(run), "#part": part},
            )
        found: Mapping[str, Any] | None = answer.get("Item")
        return found


def _status(item: Mapping[str, Any], run: int) -> RunStatus:
    known = item.get("runs", {}).get("M", {}).get(str(run))
    superseded = item.get("superseded", {}).get("L", [])
    return status_on_record(
        RunStatus(known["M"]["status"]["S"]) if known else None,
        superseded={"N": str(run)} in superseded,
        deleted="deleted" in item,
    )
