"""A month's bill for so many images: by service, and by what is paid for."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from infra.config.prices import Prices, Tier, tiered
from infra.planning.work import SQS_REQUESTS, HopWork, Work

GIGABYTE = 10**9
MEGABYTES = 1024  # of memory, in a gigabyte as Lambda bills it
KEPT = "kept"  # the row of what stays: no service's own
SENT = "upload"  # the row of the one who uploads


class Kind(StrEnum):
    """What AWS bills, in the order in which it is shown."""

    LAMBDA = "Lambda"
    SQS = "SQS"
    SNS = "SNS"
    REQUESTS = "S3 requests"
    STORAGE = "S3 month"
    DYNAMODB = "DynamoDB"
    LOGS = "Logs"
    DETECTIONS = "Detections"


@dataclass(frozen=True)
class Use:
    """So much of one thing, and by whom."""

    service: str
    item: str  # within its kind: "request", a group of detections; of GB-s the architecture
    kind: Kind
    units: float


@dataclass(frozen=True)
class Place:
    """Where it runs, as far as it changes the bill."""

    architecture: str  # of functions that name none
    recovery: bool = False
    free_tier: bool = False


@dataclass(frozen=True)
class Bill:
    """US dollars, by service and kind."""

    images: int
    lines: Mapping[tuple[str, Kind], float]

    @property
    def usd(self) -> float:
        return sum(self.lines.values())

    def of(self, kind: Kind) -> float:
        return sum(usd for (_, one), usd in self.lines.items() if one is kind)

    def by(self, service: str) -> float:
        return sum(usd for (one, _), usd in self.lines.items() if one == service)

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(service for service, _ in self.lines))


def bill(images: int, work: Work, prices: Prices, place: Place) -> Bill:
    """What so many images cost, if they come within one month, each in an invocation of its own.

    A batch shares one invocation and a poll, so a backlog costs a little less. What is kept is kept
    for a month. Tiers and free tiers are shared by all services, by how much each uses.
    """
    used: defaultdict[tuple[Kind, str], defaultdict[str, float]]
    used = defaultdict(lambda: defaultdict(float))
    for use in uses(work, prices, place.architecture):
        used[use.kind, use.item][use.service] += use.units * images
    lines: defaultdict[tuple[str, Kind], float] = defaultdict(float)
    for (kind, item), by in used.items():
        total = sum(by.values())
        free, tiers = _tariff(kind, item, prices, place)
        given = free * _share(used, kind, item, prices) if place.free_tier else 0.0
        usd = tiered(max(0.0, total - given), tiers)
        for service, units in by.items():
            lines[service, kind] += usd * units / total if total else 0.0
    return Bill(images, dict(lines))


def uses(work: Work, prices: Prices, architecture: str) -> Iterator[Use]:
    """Of one image, by service; what it leaves behind is the row ``kept``."""
    yield Use(SENT, "put", Kind.REQUESTS, 1)
    for hop, share in work.each():
        for use in _of_hop(hop, work, prices, architecture):
            yield Use(use.service, use.item, use.kind, use.units * share)
    yield Use(KEPT, "month", Kind.STORAGE, (work.kept["original"] + work.kept["made"]) / GIGABYTE)
    yield Use(KEPT, "month", Kind.DYNAMODB, (work.kept["records"] + work.kept["ledger"]) / GIGABYTE)


def _of_hop(hop: HopWork, work: Work, prices: Prices, architecture: str) -> Iterator[Use]:
    function = work.functions[hop.service]
    seconds = work.seconds(hop) * function.memory / MEGABYTES
    log = (hop.log_bytes + work.assumed.platform_log) / GIGABYTE
    puts, gets = hop.to("s3", "PutObject"), hop.to("s3", "GetObject")
    yield Use(hop.service, "request", Kind.LAMBDA, 1)
    yield Use(hop.service, function.runs_on(architecture), Kind.LAMBDA, seconds)
    yield Use(hop.service, "request", Kind.SQS, SQS_REQUESTS)
    yield Use(hop.service, "publish", Kind.SNS, hop.to("sns"))
    yield Use(hop.service, "put", Kind.REQUESTS, puts)
    # Rekognition reads the picture once for each detection, with our rights and on our bill.
    yield Use(hop.service, "get", Kind.REQUESTS, gets + len(hop.detections))
    yield Use(hop.service, "write", Kind.DYNAMODB, sum(hop.writes.values()))
    yield Use(hop.service, "read", Kind.DYNAMODB, sum(hop.reads.values()))
    yield Use(hop.service, "gigabyte", Kind.LOGS, log)
    for word in hop.detections:
        yield Use(hop.service, prices.detections[word], Kind.DETECTIONS, 1)


def _share(
    used: Mapping[tuple[Kind, str], Mapping[str, float]], kind: Kind, item: str, prices: Prices
) -> float:
    """What this item has of the free tier: GB-s of all architectures have one together."""
    architectures = prices.functions.gigabyte_second
    alike = architectures if item in architectures else [item]
    total = sum(sum(used.get((kind, one), {}).values()) for one in alike)
    return sum(used[kind, item].values()) / total if total else 1.0


def _tariff(kind: Kind, item: str, prices: Prices, place: Place) -> tuple[float, tuple[Tier, ...]]:
    """What is free of it in a month, and what the rest costs."""
    free, dynamodb = prices.free, prices.dynamodb
    kept = dynamodb.gigabyte_month
    kept += dynamodb.recovery_gigabyte_month if place.recovery else 0.0
    flat = {
        (Kind.LAMBDA, "request"): (free.lambda_requests, prices.functions.request),
        **{
            (Kind.LAMBDA, architecture): (free.lambda_gigabyte_seconds, usd)
            for architecture, usd in prices.functions.gigabyte_second.items()
        },
        (Kind.SQS, "request"): (free.sqs_requests, prices.sqs.request),
        (Kind.SNS, "publish"): (free.sns_publishes, prices.sns.publish),
        (Kind.REQUESTS, "put"): (0, prices.s3.put),
        (Kind.REQUESTS, "get"): (0, prices.s3.get),
        (Kind.DYNAMODB, "write"): (0, dynamodb.write),
        (Kind.DYNAMODB, "read"): (0, dynamodb.read),
        (Kind.DYNAMODB, "month"): (free.dynamodb_gigabytes, kept),
        (Kind.LOGS, "gigabyte"): (free.log_gigabytes, prices.logs.gigabyte),
    }
    if kind is Kind.STORAGE:
        return 0, prices.s3.gigabyte_month
    if kind is Kind.DETECTIONS:
        return prices.groups[item].free, prices.groups[item].tiers
    without, usd = flat[kind, item]
    return without, (Tier(usd),)
