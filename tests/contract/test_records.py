"""One suite for every keeper of records: DynamoDB (as moto plays it) and the one in memory."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from services.store.records import DynamoRecords, Moment
from shared.contracts.cost import Cost
from shared.contracts.images import Reanalysis
from shared.contracts.record import Record, Release, Run, RunStatus
from shared.errors import TransientError
from shared.runs import DynamoRuns
from tests.contract.samples import (
    ANALYZED,
    ANALYZED_ANEW,
    AT,
    CAT,
    GAVE_UP,
    RESIZED,
    RESIZED_ANEW,
    SOURCE,
)
from tests.fakes import MemoryRecords

FULL = Record(
    image=CAT,
    run=1,
    runs={
        0: Run(status=RunStatus.FAILED, started=AT, ended=AT, resized=RESIZED, failure=GAVE_UP),
        1: Run(
            status=RunStatus.COMPLETED,
            started=AT,
            ended=AT,
            resized=RESIZED,
            analyzed=ANALYZED,
            quarantined=True,
            cost=Cost(usd=0.004080512, detections=1e-05),
        ),
        2: Run(started=datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC)),
    },
    published=1,
    released=Release(run=1, at=AT),
    source=SOURCE,
    owner="ada",
    revision=1,
)
MOMENT = Moment(CAT, 0, "e1", "image.resized.v1", "darkroom/resize", AT)


@pytest.fixture(params=["memory", "dynamodb"])
def records(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        return MemoryRecords()
    table = request.getfixturevalue("records_table")
    return DynamoRecords(request.getfixturevalue("dynamodb"), table)


@pytest.fixture
def runs(records: Any, request: pytest.FixtureRequest) -> Any:
    """What everyone asks, over the same records."""
    if isinstance(records, MemoryRecords):
        return records
    table = request.getfixturevalue("records_table")
    return DynamoRuns(request.getfixturevalue("dynamodb"), table)


def changed(**fields: object) -> Record:
    return FULL.model_copy(update=fields)


def test_only_a_tombstone_expires_and_only_after_the_time_it_is_kept(
    dynamodb: Any, records_table: str
) -> None:
    records = DynamoRecords(dynamodb, records_table, timedelta(days=200))

    def kept() -> dict[str, Any]:
        (item,) = dynamodb.scan(TableName=records_table)["Items"]
        return item

    assert records.write(FULL)
    assert "expires" not in kept()
    deleted = changed(deleted=AT, revision=2)
    assert records.write(deleted)
    expires = datetime.fromtimestamp(int(kept()["expires"]["N"]), UTC)
    assert expires == AT.replace(microsecond=0) + timedelta(days=200)
    assert records.read(CAT) == deleted


def test_a_timeline_is_remembered_as_long_as_a_deletion(dynamodb: Any, records_table: str) -> None:
    DynamoRecords(dynamodb, records_table, timedelta(days=200)).note(MOMENT)
    (item,) = dynamodb.scan(TableName=records_table)["Items"]
    expires = datetime.fromtimestamp(int(item["expires"]["N"]), UTC)
    assert expires == MOMENT.time.replace(microsecond=0) + timedelta(days=200)


def test_no_record_is_none(records: Any) -> None:
    assert records.read(CAT) is None


def test_what_was_written_is_read_back_the_same(records: Any) -> None:
    assert records.write(FULL)
    assert records.read(CAT) == FULL


@pytest.mark.parametrize("confidence", [0.0, 0.1, 98.76, 99.99999999999999, 1e-7, 100.0])
def test_a_number_is_read_back_to_the_last_digit(records: Any, confidence: float) -> None:
    label = ANALYZED.labels[0].model_copy(update={"confidence": confidence})
    run = FULL.current.model_copy(
        update={"analyzed": ANALYZED.model_copy(update={"labels": (label,)})}
    )
    records.write(changed(runs={1: run}))
    assert records.read(CAT).current.analyzed.labels == (label,)


def test_nothing_found_is_not_the_same_as_not_asked(records: Any) -> None:
    analyzed = ANALYZED.model_copy(update={"labels": (), "text": None, "models": {}, "faces": 0})
    run = FULL.current.model_copy(update={"analyzed": analyzed})
    records.write(changed(runs={1: run}))
    assert records.read(CAT).current.analyzed == analyzed


def test_a_record_takes_the_place_of_the_revision_before_it(records: Any) -> None:
    records.write(FULL)
    assert records.write(changed(revision=2, owner="bob"))
    assert records.read(CAT).owner == "bob"


@pytest.mark.parametrize("revision", [1, 3])
def test_a_record_takes_the_place_of_no_other_revision(records: Any, revision: int) -> None:
    records.write(FULL)
    assert not records.write(changed(revision=revision, owner="bob"))
    assert records.read(CAT) == FULL


def test_of_two_that_begin_a_record_one_does(records: Any) -> None:
    assert records.write(FULL)
    assert not records.write(changed(owner="bob"))
    assert records.read(CAT).owner == "ada"


def test_what_is_on_the_timeline_is_not_the_record(records: Any) -> None:
    records.note(MOMENT)
    assert records.read(CAT) is None
    assert records.write(FULL)


def test_the_same_event_twice_is_one_entry_in_memory() -> None:
    records = MemoryRecords()
    records.note(MOMENT)
    records.note(MOMENT)
    assert list(records.moments.values()) == [MOMENT]


def test_the_same_event_twice_is_one_entry_in_the_table(dynamodb: Any, records_table: str) -> None:
    records = DynamoRecords(dynamodb, records_table)
    records.note(MOMENT)
    records.note(MOMENT)
    (item,) = dynamodb.scan(TableName=records_table)["Items"]
    assert (item["image"], item["item"]) == ({"S": CAT}, {"S": "event/e1"})
    assert (item["run"], item["time"]) == ({"N": "0"}, {"S": "2026-11-21T10:00:00+00:00"})


def test_without_a_record_the_first_run_is_open_and_no_other_is_known(runs: Any) -> None:
    assert runs.status(CAT, 0) is RunStatus.OPEN
    assert runs.status(CAT, 1) is RunStatus.UNKNOWN


def test_a_timeline_alone_is_no_record(records: Any, runs: Any) -> None:
    records.note(MOMENT)
    assert runs.status(CAT, 0) is RunStatus.OPEN


def test_every_run_has_the_status_that_is_on_record(records: Any, runs: Any) -> None:
    records.write(FULL)
    assert [runs.status(CAT, run) for run in range(4)] == [
        RunStatus.FAILED,
        RunStatus.COMPLETED,
        RunStatus.OPEN,
        RunStatus.UNKNOWN,
    ]


def test_the_record_knows_which_runs_were_resized(records: Any, runs: Any) -> None:
    assert not runs.resized(CAT, 0)
    records.write(FULL)
    assert [runs.resized(CAT, run) for run in range(4)] == [True, True, False, False]


def test_a_run_that_only_asks_anew_is_read_back_the_same(records: Any) -> None:
    again = Run(
        started=AT, reanalysis=Reanalysis(of=1), resized=RESIZED_ANEW, analyzed=ANALYZED_ANEW
    )
    records.write(changed(runs={2: again}))
    assert records.read(CAT).runs[2] == again


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, RunStatus.COMPLETED),
        ({"superseded": (0,)}, RunStatus.COMPLETED),
        ({"superseded": (0, 1)}, RunStatus.SUPERSEDED),
        ({"superseded": (1,), "deleted": AT}, RunStatus.DELETED),
    ],
)
def test_the_status_of_a_run_names_what_became_of_it_after_its_end(
    records: Any, runs: Any, changes: dict[str, Any], status: RunStatus
) -> None:
    assert records.write(changed(**changes))
    assert runs.status(CAT, 1) is status


def test_a_run_is_read_consistently_and_no_more_of_it_than_is_needed() -> None:
    client = Client()
    DynamoRuns(client, "records").status(CAT, 7)
    DynamoRuns(client, "records").resized(CAT, 7)
    status, resized = client.requests
    assert status["ConsistentRead"] is resized["ConsistentRead"] is True
    assert status["ProjectionExpression"] == "image, deleted, superseded, runs.#run.#part"
    assert resized["ProjectionExpression"] == "runs.#run.#part.image"


def test_an_error_of_the_table_names_the_record() -> None:
    client = Client(ConnectTimeoutError(endpoint_url="http://localhost"))
    with pytest.raises(TransientError, match="about the record:"):
        DynamoRuns(client, "records").status(CAT, 0)


class Client:
    """A DynamoDB client that finds no item, or raises this error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.requests = error, []

    def get_item(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        if self.error:
            raise self.error
        return {}
