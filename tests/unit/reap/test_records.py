"""One suite for both readers of records: DynamoDB's (as moto plays it) and the one in memory."""

from typing import Any

from services.reap.records import DynamoRecords
from tests.unit.reap.conftest import LATELY, LONG_AGO, image, keep, resized


def pages(records: Any) -> list[Any]:
    found = [records.page({})]
    while found[-1].following:
        found.append(records.page(found[-1].following))
    return found


def test_every_record_is_on_one_page_and_no_timeline_is(stored: Any) -> None:
    store, reap = stored
    for n in range(5):
        keep(store, resized(n), at=LONG_AGO)
    found = pages(reap)
    images = [record.image for page in found for record in page.entries]
    assert sorted(images) == sorted(image(n) for n in range(5))
    assert len(found) > 2


def test_a_record_is_read_as_it_was_written(stored: Any) -> None:
    store, reap = stored
    record = keep(store, resized(1), at=LONG_AGO)
    assert [found for page in pages(reap) for found in page.entries] == [record]


def test_without_records_there_is_one_page_with_nothing_on_it(stored: Any) -> None:
    _, reap = stored
    (page,) = pages(reap)
    assert page.entries == ()


def test_what_was_heard_last_is_the_latest_of_the_images_timeline(stored: Any) -> None:
    store, reap = stored
    keep(store, resized(1), at=LATELY)
    keep(store, resized(1), at=LONG_AGO)
    keep(store, resized(2), at=LONG_AGO)
    assert reap.heard(image(1)) == LATELY
    assert reap.heard(image(2)) == LONG_AGO


def test_of_an_image_without_a_timeline_nothing_was_heard(stored: Any) -> None:
    assert stored[1].heard(image(1)) is None


def test_of_many_images_those_with_a_record_are_known(stored: Any) -> None:
    store, reap = stored
    for n in (3, 150):
        keep(store, resized(n), at=LONG_AGO)
    asked = [image(n) for n in (*range(230), 3)]
    assert set(reap.known(asked)) == {image(3), image(150)}
    assert set(reap.known([])) == set()


class Reluctant:
    """A DynamoDB that answers one key of a batch at a time and leaves the rest over."""

    def __init__(self) -> None:
        self.calls = 0

    def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803 - boto3's name
        self.calls += 1
        ((table, asked),) = RequestItems.items()
        first, *rest = asked["Keys"]
        left = {table: asked | {"Keys": rest}} if rest else {}
        return {"Responses": {table: [{"image": first["image"]}]}, "UnprocessedKeys": left}


def test_what_an_answer_leaves_over_is_asked_for_again() -> None:
    client = Reluctant()
    known = DynamoRecords(client, "records").known([image(1), image(2), image(3)])
    assert known == {image(1), image(2), image(3)}
    assert client.calls == 3
