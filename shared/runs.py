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


class DynamoRuns:
    """One strongly consistent read of the record. Only ``store`` may write it."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def status(self, image: str, run: int) -> RunStatus:
        with aws_errors("the record"):
            answer = self._client.get_item(
                TableName=self._table,
                Key={"image": {"S": image}, "item": {"S": RECORD}},
                ConsistentRead=True,
                ProjectionExpression="image, deleted, withdrawn, runs.#run.#status",
                ExpressionAttributeNames={"#run": str(run), "#status": "status"},
            )
        if "Item" not in answer:
            return status_without_record(run)
        return _status(answer["Item"], run)


def _status(item: Mapping[str, Any], run: int) -> RunStatus:
    known = item.get("runs", {}).get("M", {}).get(str(run))
    withdrawn = item.get("withdrawn", {}).get("L", [])
    return status_on_record(
        RunStatus(known["M"]["status"]["S"]) if known else None,
        withdrawn={"N": str(run)} in withdrawn,
        deleted="deleted" in item,
    )
