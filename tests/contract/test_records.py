"""The conformance suite of the records table: DynamoDB (played by moto) and memory."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from services.store.records import DynamoRecordsWriter
from shared.contracts.cost import Cost
from shared.contracts.images import Reanalysis
from shared.contracts.record import Record, Release, Run, RunStatus
from shared.errors import TransientError
from shared.records import DynamoRecords, RecordPage, TimelineEvent, all_records
from tests.contract.samples import (
    ANALYZED,
    AT,
    CAT,
    REANALYSIS_ANALYZED,
    REANALYSIS_RESIZED,
    RESIZED,
    SOURCE,
    STEP_FAILED,
)
from tests.fakes import MemoryRecords

FULL = Record(
    image=CAT,
    run=1,
    runs={
        0: Run(status=RunStatus.FAILED, started=AT, ended=AT, resized=RESIZED, failure=STEP_FAILED),
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
EVENT = TimelineEvent(CAT, 0, "e1", "image.resized.v1", "darkroom/resize", AT)


class SmallPages:
    """A client of DynamoDB whose Scan pages hold two items."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def scan(self, **request: Any) -> Any:
        return self._client.scan(Limit=2, **request)


@pytest.fixture(params=["memory", "dynamodb"])
def records(request: pytest.FixtureRequest) -> Any:
    """The writer of ``store``, which is a reader too, with pages of two items."""
    if request.param == "memory":
        return MemoryRecords(page_size=2)
    table = request.getfixturevalue("records_table")
    return DynamoRecordsWriter(SmallPages(request.getfixturevalue("dynamodb")), table)


def changed(**fields: object) -> Record:
    return FULL.model_copy(update=fields)


def image(n: int) -> str:
    return f"00000000-0000-4000-8000-{n:012}"


def record_of(n: int) -> Record:
    return changed(image=image(n))


def pages(records: Any) -> Iterator[RecordPage]:
    page = records.page({})
    yield page
    while page.cursor:
        page = records.page(page.cursor)
        yield page


def test_only_a_tombstone_expires_after_the_ttl(dynamodb: Any, records_table: str) -> None:
    records = DynamoRecordsWriter(dynamodb, records_table, timedelta(days=200))

    def stored() -> dict[str, Any]:
        (item,) = dynamodb.scan(TableName=records_table)["Items"]
        return item

    assert records.write(FULL)
    assert "expires" not in stored()
    deleted = changed(deleted=AT, revision=2)
    assert records.write(deleted)
    expires = datetime.fromtimestamp(int(stored()["expires"]["N"]), UTC)
    assert expires == AT.replace(microsecond=0) + timedelta(days=200)
    assert records.read(CAT) == deleted


def test_an_event_of_the_timeline_expires_after_the_same_ttl(
    dynamodb: Any, records_table: str
) -> None:
    DynamoRecordsWriter(dynamodb, records_table, timedelta(days=200)).add_event(EVENT)
    (item,) = dynamodb.scan(TableName=records_table)["Items"]
    expires = datetime.fromtimestamp(int(item["expires"]["N"]), UTC)
    assert expires == EVENT.time.replace(microsecond=0) + timedelta(days=200)


def test_a_missing_record_is_none(records: Any) -> None:
    assert records.read(CAT) is None


def test_a_record_is_read_as_it_was_written(records: Any) -> None:
    assert records.write(FULL)
    assert records.read(CAT) == FULL


@pytest.mark.parametrize("confidence", [0.0, 0.1, 98.76, 99.99999999999999, 1e-7, 100.0])
def test_a_number_keeps_every_digit(records: Any, confidence: float) -> None:
    label = ANALYZED.labels[0].model_copy(update={"confidence": confidence})
    run = FULL.current.model_copy(
        update={"analyzed": ANALYZED.model_copy(update={"labels": (label,)})}
    )
    records.write(changed(runs={1: run}))
    assert records.read(CAT).current.analyzed.labels == (label,)


def test_an_empty_result_differs_from_a_missing_one(records: Any) -> None:
    analyzed = ANALYZED.model_copy(update={"labels": (), "text": None, "models": {}, "faces": 0})
    run = FULL.current.model_copy(update={"analyzed": analyzed})
    records.write(changed(runs={1: run}))
    assert records.read(CAT).current.analyzed == analyzed


def test_a_reanalysis_is_read_as_it_was_written(records: Any) -> None:
    run = Run(
        started=AT,
        reanalysis=Reanalysis(of=1),
        resized=REANALYSIS_RESIZED,
        analyzed=REANALYSIS_ANALYZED,
    )
    records.write(changed(runs={2: run}))
    assert records.read(CAT).runs[2] == run


def test_a_record_replaces_the_revision_before_it(records: Any) -> None:
    records.write(FULL)
    assert records.write(changed(revision=2, owner="bob"))
    assert records.read(CAT).owner == "bob"


@pytest.mark.parametrize("revision", [1, 3])
def test_a_record_replaces_no_other_revision(records: Any, revision: int) -> None:
    records.write(FULL)
    assert not records.write(changed(revision=revision, owner="bob"))
    assert records.read(CAT) == FULL


def test_one_of_two_first_writes_succeeds(records: Any) -> None:
    assert records.write(FULL)
    assert not records.write(changed(owner="bob"))
    assert records.read(CAT).owner == "ada"


def test_without_a_record_only_the_first_run_is_open(records: Any) -> None:
    assert records.status(CAT, 0) is RunStatus.OPEN
    assert records.status(CAT, 1) is RunStatus.UNKNOWN


def test_a_timeline_is_no_record(records: Any) -> None:
    records.add_event(EVENT)
    assert records.read(CAT) is None
    assert records.status(CAT, 0) is RunStatus.OPEN
    assert records.write(FULL)


def test_each_run_has_the_status_that_is_on_record(records: Any) -> None:
    records.write(FULL)
    assert [records.status(CAT, run) for run in range(4)] == [
        RunStatus.FAILED,
        RunStatus.COMPLETED,
        RunStatus.OPEN,
        RunStatus.UNKNOWN,
    ]


def test_a_replaced_run_is_superseded(records: Any) -> None:
    runs = {**FULL.runs, 2: FULL.runs[1]}
    records.write(changed(run=2, runs=runs, published=2, superseded=(1,)))
    assert [records.status(CAT, run) for run in range(3)] == [
        RunStatus.FAILED,
        RunStatus.SUPERSEDED,
        RunStatus.COMPLETED,
    ]


def test_every_run_of_a_deleted_image_is_deleted(records: Any) -> None:
    records.write(changed(deleted=AT))
    assert {records.status(CAT, run) for run in range(4)} == {RunStatus.DELETED}


def test_the_record_knows_which_runs_were_resized(records: Any) -> None:
    assert not records.resized(CAT, 0)
    records.write(FULL)
    assert [records.resized(CAT, run) for run in range(4)] == [True, True, False, False]


def test_a_repeated_event_is_on_the_timeline_once(records: Any) -> None:
    records.add_event(EVENT)
    records.add_event(EVENT)
    (row,) = records.events(CAT)
    assert (row["image"], row["item"], row["run"]) == (CAT, "event/e1", 0)
    assert (row["type"], row["source"]) == (EVENT.type, EVENT.source)
    assert row["time"] == "2026-11-21T10:00:00+00:00"


def test_the_timeline_holds_the_events_of_one_image_and_no_record(records: Any) -> None:
    records.write(FULL)
    for n, at in enumerate([AT, AT + timedelta(hours=2), AT + timedelta(hours=1)]):
        records.add_event(TimelineEvent(CAT, 0, f"e{n}", EVENT.type, EVENT.source, at))
    records.add_event(TimelineEvent(image(1), 0, "e9", EVENT.type, EVENT.source, AT))
    assert {row["item"] for row in records.events(CAT)} == {"event/e0", "event/e1", "event/e2"}
    assert records.last_event(CAT) == AT + timedelta(hours=2)


def test_without_a_timeline_there_is_no_last_event(records: Any) -> None:
    records.write(FULL)
    assert records.events(CAT) == ()
    assert records.last_event(CAT) is None


def test_every_record_is_on_one_page_and_no_event_is(records: Any) -> None:
    for n in range(5):
        records.write(record_of(n))
        records.add_event(TimelineEvent(image(n), 0, "e1", EVENT.type, EVENT.source, AT))
    found = list(pages(records))
    images = [record.image for page in found for record in page.records]
    assert sorted(images) == [image(n) for n in range(5)]
    assert len(found) > 2
    assert sorted(record.image for record in all_records(records)) == sorted(images)


def test_a_page_holds_whole_records(records: Any) -> None:
    records.write(FULL)
    assert list(all_records(records)) == [FULL]


def test_an_empty_table_is_one_empty_page(records: Any) -> None:
    (page,) = pages(records)
    assert page.records == ()


def test_of_many_images_those_with_a_record_exist(records: Any) -> None:
    for n in (3, 150):
        records.write(record_of(n))
    records.add_event(TimelineEvent(image(4), 0, "e1", EVENT.type, EVENT.source, AT))
    assert set(records.existing([image(n) for n in (*range(230), 3)])) == {image(3), image(150)}
    assert set(records.existing([])) == set()


class OneKeyAtATime:
    """A DynamoDB that answers one key of a batch and returns the rest as unprocessed."""

    def __init__(self) -> None:
        self.calls = 0

    def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803 - boto3's name
        self.calls += 1
        ((table, request),) = RequestItems.items()
        first, *rest = request["Keys"]
        unprocessed = {table: request | {"Keys": rest}} if rest else {}
        return {"Responses": {table: [{"image": first["image"]}]}, "UnprocessedKeys": unprocessed}


def test_unprocessed_keys_are_requested_again() -> None:
    client = OneKeyAtATime()
    existing = DynamoRecords(client, "records").existing([image(1), image(2), image(3)])
    assert existing == {image(1), image(2), image(3)}
    assert client.calls == 3


class Client:
    """A DynamoDB client that finds no item, or raises this error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.requests: list[dict[str, Any]] = []

    def get_item(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        if self.error:
            raise self.error
        return {}

    scan = batch_get_item = get_item

    def get_paginator(self, _operation: str) -> Any:
        return SimpleNamespace(paginate=lambda **request: [self.get_item(**request) | NO_ITEMS])


NO_ITEMS: dict[str, Any] = {"Items": []}


def test_a_run_is_read_consistently_and_no_more_of_it_than_is_needed() -> None:
    client = Client()
    DynamoRecords(client, "records").status(CAT, 7)
    DynamoRecords(client, "records").resized(CAT, 7)
    DynamoRecords(client, "records").read(CAT)
    DynamoRecords(client, "records").events(CAT)
    status, resized, *_ = client.requests
    assert [request["ConsistentRead"] for request in client.requests] == [True] * 4
    assert status["ProjectionExpression"] == "image, deleted, superseded, runs.#run.#field"
    assert resized["ProjectionExpression"] == "runs.#run.#field.image"


READS: dict[str, Callable[[DynamoRecords], Any]] = {
    "the record": lambda records: records.read(CAT),
    "the record (status)": lambda records: records.status(CAT, 0),
    "the records": lambda records: records.page({}),
    "the records (existing)": lambda records: records.existing([CAT]),
    "the records (timeline)": lambda records: records.events(CAT),
}


@pytest.mark.parametrize("name", READS)
def test_an_error_of_the_table_names_what_was_read(name: str) -> None:
    records = DynamoRecords(Client(ConnectTimeoutError(endpoint_url="http://localhost")), "r")
    with pytest.raises(TransientError, match=f": {name.partition(' (')[0]}: no response:"):
        READS[name](records)
