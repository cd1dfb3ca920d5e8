"""All that bounds how many images a second Darkroom takes, beside the concurrency that we set.

Every limit is one of AWS's quotas over what one image takes of it, as that was counted.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from infra.planning.quotas import Quotas
from infra.planning.scaling import Cap
from infra.planning.work import ANALYZE, DECIDED, NOTIFIED, RESIZED, UPLOADED, Work
from shared.contracts.search_index import ALL, SHARDS

RENDITIONS = 4
"""Objects that are put below ``renditions/`` for an image: S3 counts requests by prefix."""


@dataclass(frozen=True)
class Limit:
    """``hops`` are those it slows down. ``each`` is what an image takes of ``quota``."""

    cap: Cap
    hops: tuple[str, ...]
    each: float
    unit: str
    raise_it: str  # what to do about it


def limits(work: Work, quotas: Quotas) -> tuple[Limit, ...]:
    """Every limit there is, by what it slows down."""
    return (
        *_detections(work, quotas),
        *_partitions(work, quotas),
        *_tables(work, quotas),
        *_requests(work, quotas),
    )


def _detections(work: Work, quotas: Quotas) -> Iterator[Limit]:
    """Only what is not reused is asked for. Operations of one rate bound it together."""
    each = 1 - work.reuse
    asked = [quotas.detections[word] for word in work.hops[ANALYZE].detections] if each else []
    for service, rate in dict.fromkeys((one.service, one.rate) for one in asked):
        names = ", ".join(
            one.operation for one in asked if (one.service, one.rate) == (service, rate)
        )
        how = f"Service Quotas, {service}, transactions per second of each (--detection-rate)"
        yield Limit(Cap(f"{service}: {names}", rate / each), (ANALYZE,), each, "calls/s", how)


def _partitions(work: Work, quotas: Quotas) -> Iterator[Limit]:
    """Partitions that all images write to; they do not grow with the table."""
    most, units = quotas.dynamodb.partition_writes, work.total("partitions")
    decided = (RESIZED, DECIDED)
    each = units[ALL]
    how = "fixed: list `all` wants shards (shared/contracts/search_index.py)"
    cap = Cap("DynamoDB: one partition, the list of all images", most / each)
    yield Limit(cap, decided, each, "units/s", how)
    each = units["labels"] / SHARDS
    how = "fixed: more SHARDS of the counts (shared/contracts/search_index.py)"
    cap = Cap("DynamoDB: one partition, the counts of labels", most / each)
    yield Limit(cap, (DECIDED,), each, "units/s", how)


def _tables(work: Work, quotas: Quotas) -> Iterator[Limit]:
    """New on-demand tables; each doubles what it has shown, up to the table's quota."""
    dynamodb, units = quotas.dynamodb, work.total("writes")
    hops = {"ledger": (UPLOADED, ANALYZE, NOTIFIED)}
    for table, each in units.items():
        cap = Cap(
            f"DynamoDB: writes of {table}",
            dynamodb.new_table_writes / each,
            dynamodb.doubling,
            dynamodb.table_writes / each,
        )
        how = f"warm throughput of {table} before it begins (--warm-writes)"
        yield Limit(cap, hops.get(table, (RESIZED, DECIDED)), each, "units/s", how)


def _requests(work: Work, quotas: Quotas) -> Iterator[Limit]:
    publishes = work.total("calls")["sns:Publish"]
    announcing = (UPLOADED, ANALYZE, DECIDED, NOTIFIED)
    cap = Cap("SNS: Publish", quotas.sns.publishes / publishes)
    yield Limit(cap, announcing, publishes, "calls/s", "Service Quotas, SNS, messages per second")
    cap = Cap("S3: PUT below renditions/", quotas.s3.prefix_puts / RENDITIONS)
    how = "S3 parts a busy prefix by itself: begin slowly, or ask support to part it before"
    yield Limit(cap, (UPLOADED,), RENDITIONS, "requests/s", how)
    if gets := len(work.hops[ANALYZE].detections) * (1 - work.reuse):
        cap = Cap("S3: GET below renditions/", quotas.s3.prefix_gets / gets)
        yield Limit(cap, (ANALYZE,), gets, "requests/s", how)
