"""The limits on images a second, apart from the services' own concurrency settings.

A limit is an AWS quota divided by what one image uses of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from infra.planning.quotas import Quotas
from infra.planning.scaling import Cap
from infra.planning.work import ANALYZE, DECIDED, NOTIFIED, RESIZED, UPLOADED, Work
from shared.contracts.search_index import ALL, SHARDS

RENDITIONS = 4
"""Objects that an image puts below ``renditions/``: S3 limits requests by prefix."""


@dataclass(frozen=True)
class Limit:
    """A limit on ``hops``. ``each`` is what one image uses, in ``unit``."""

    cap: Cap
    hops: tuple[str, ...]
    each: float
    unit: str
    raise_it: str  # how to raise it


def limits(work: Work, quotas: Quotas) -> tuple[Limit, ...]:
    """All limits."""
    return (
        *_detections(work, quotas),
        *_partitions(work, quotas),
        *_tables(work, quotas),
        *_requests(work, quotas),
    )


def _detections(work: Work, quotas: Quotas) -> Iterator[Limit]:
    """Rekognition's and Bedrock's rates. Operations with the same rate are one limit."""
    each = 1 - work.reuse
    detections = [quotas.detections[name] for name in work.hops[ANALYZE].detections] if each else []
    for service, rate in dict.fromkeys(
        (detection.service, detection.rate) for detection in detections
    ):
        names = ", ".join(
            detection.operation
            for detection in detections
            if (detection.service, detection.rate) == (service, rate)
        )
        how = f"Service Quotas, {service}, transactions per second of each (--detection-rate)"
        yield Limit(Cap(f"{service}: {names}", rate / each), (ANALYZE,), each, "calls/s", how)


def _partitions(work: Work, quotas: Quotas) -> Iterator[Limit]:
    """Partitions that all images write to. They do not scale with the table."""
    writes, units = quotas.dynamodb.partition_writes, work.total("partitions")
    decided = (RESIZED, DECIDED)
    each = units[ALL]
    how = "fixed: shard the list `all` (shared/contracts/search_index.py)"
    cap = Cap("DynamoDB: one partition, the list of all images", writes / each)
    yield Limit(cap, decided, each, "units/s", how)
    each = units["labels"] / SHARDS
    how = "fixed: raise SHARDS of the label counts (shared/contracts/search_index.py)"
    cap = Cap("DynamoDB: one partition, the counts of labels", writes / each)
    yield Limit(cap, (DECIDED,), each, "units/s", how)


def _tables(work: Work, quotas: Quotas) -> Iterator[Limit]:
    """On-demand tables: a new one doubles its throughput step by step, up to the table's quota."""
    dynamodb, units = quotas.dynamodb, work.total("writes")
    hops = {"ledger": (UPLOADED, ANALYZE, NOTIFIED)}
    for table, each in units.items():
        cap = Cap(
            f"DynamoDB: writes of {table}",
            dynamodb.new_table_writes / each,
            dynamodb.doubling,
            dynamodb.table_writes / each,
        )
        how = f"set warm throughput of {table} before the start (--warm-writes)"
        yield Limit(cap, hops.get(table, (RESIZED, DECIDED)), each, "units/s", how)


def _requests(work: Work, quotas: Quotas) -> Iterator[Limit]:
    publishes = work.total("calls")["sns:Publish"]
    publishing = (UPLOADED, ANALYZE, DECIDED, NOTIFIED)
    cap = Cap("SNS: Publish", quotas.sns.publishes / publishes)
    yield Limit(cap, publishing, publishes, "calls/s", "Service Quotas, SNS, messages per second")
    cap = Cap("S3: PUT below renditions/", quotas.s3.prefix_puts / RENDITIONS)
    how = "S3 partitions a busy prefix by itself: start slowly, or ask AWS support to do it before"
    yield Limit(cap, (UPLOADED,), RENDITIONS, "requests/s", how)
    if gets := len(work.hops[ANALYZE].detections) * (1 - work.reuse):
        cap = Cap("S3: GET below renditions/", quotas.s3.prefix_gets / gets)
        yield Limit(cap, (ANALYZE,), gets, "requests/s", how)
