"""An image asks as much of AWS after many others as the first did; for CPU see the benchmark."""

import pytest

from services.store.records import DynamoRecordsWriter
from services.store.search_index import DynamoSearchIndex
from services.store.steps import Steps
from shared.contracts.envelope import Envelope
from shared.contracts.search_index import ALL
from shared.delivery import StepContext
from shared.objects import S3Objects
from tests.contract.conftest import make_table
from tests.contract.samples import AT
from tests.lab.bench import growth
from tests.lab.capacity.counting import Counted, Tally

OTHERS = 199
"""One less than a multiple of the labels, so that the next image has as many as the first."""


@pytest.fixture
def tallies(aws):
    """What store asked of AWS for the first image of a table, and for the one after many others."""
    s3, dynamodb = aws("s3"), aws("dynamodb")
    s3.create_bucket(Bucket="processed")
    make_table(dynamodb, "records", "item")
    found = [Tally()]
    counting = {of: Counted(aws(of), of, lambda: found[-1]) for of in ("s3", "dynamodb")}
    table = counting["dynamodb"], "records"
    lists, bucket = DynamoSearchIndex(*table), S3Objects(counting["s3"], "processed")
    steps = Steps(DynamoRecordsWriter(*table), bucket, lists)
    hear(steps, 0)
    others = [item for n in range(1, 1 + OTHERS) for item in growth.items(n, "records")]
    in_all = [item for item in others if item.get("partition", {}).get("S", ALL) == ALL]
    growth.put_all(dynamodb, "records", in_all)
    found.append(Tally())
    hear(steps, 1 + OTHERS)
    return found


def hear(steps, number):
    for fact in growth.facts(number):
        envelope = Envelope.first(fact, "darkroom/tests", AT)
        list(steps.decide(fact, StepContext(envelope, AT, lambda: None)))


@pytest.mark.slow
def test_store_asks_as_much_and_consumes_as_much_after_many_others(tallies):
    first, last = tallies
    assert first.calls["dynamodb:TransactWriteItems"] == 2
    assert first.writes["records/lists"] > 0
    assert (last.calls, last.reads, last.writes) == (first.calls, first.reads, first.writes)


def test_the_benchmarks_pictures_are_each_of_their_own_but_for_the_first():
    looks = [growth.embedding(number).vector for number in range(50)]
    assert len(set(looks[: growth.SMALL // 2 + 1])) == 1
    assert len(set(looks[growth.SMALL // 2 :])) == 50 - growth.SMALL // 2
