"""The AWS calls of an image do not grow with the number of images; for CPU see the benchmark."""

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
"""One less than a multiple of the labels, so that the next image has the labels of the first."""


@pytest.fixture
def tallies(aws):
    """The AWS calls of store for the first image of a table, and for one after many others."""
    s3, dynamodb = aws("s3"), aws("dynamodb")
    s3.create_bucket(Bucket="processed")
    make_table(dynamodb, "records", "item")
    tallies = [Tally()]
    counting = {of: Counted(aws(of), of, lambda: tallies[-1]) for of in ("s3", "dynamodb")}
    table = counting["dynamodb"], "records"
    lists, bucket = DynamoSearchIndex(*table), S3Objects(counting["s3"], "processed")
    steps = Steps(DynamoRecordsWriter(*table), bucket, lists)
    decide(steps, 0)
    others = [item for n in range(1, 1 + OTHERS) for item in growth.items(n, "records")]
    in_all = [item for item in others if item.get("partition", {}).get("S", ALL) == ALL]
    growth.put_all(dynamodb, "records", in_all)
    tallies.append(Tally())
    decide(steps, 1 + OTHERS)
    return tallies


def decide(steps, number):
    for event in growth.facts(number):
        envelope = Envelope.first(event, "darkroom/tests", AT)
        list(steps.decide(event, StepContext(envelope, AT, lambda: None)))


@pytest.mark.slow
def test_store_makes_the_same_calls_after_many_images(tallies):
    first, last = tallies
    assert first.calls["dynamodb:TransactWriteItems"] == 2
    assert first.writes["records/search-index"] > 0
    assert (last.calls, last.reads, last.writes) == (first.calls, first.reads, first.writes)


def test_the_embeddings_of_the_benchmark_differ_after_the_first_ones():
    vectors = [growth.embedding(number).vector for number in range(50)]
    assert len(set(vectors[: growth.SMALL // 2 + 1])) == 1
    assert len(set(vectors[growth.SMALL // 2 :])) == 50 - growth.SMALL // 2
