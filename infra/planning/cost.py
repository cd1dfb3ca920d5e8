"""The monthly bill for a number of images, by service and by AWS product."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from infra.config.prices import Prices, Tier, tiered
from infra.planning.work import SQS_REQUESTS, HopWork, Work

GIGABYTE = 10**9
MEGABYTES = 1024  # of memory, in a gigabyte as Lambda bills it
STORAGE = "storage"  # the row of stored data, which belongs to no service
UPLOAD = "upload"  # the row of the client's upload


class Kind(StrEnum):
    """What AWS bills, in the order of the table's columns."""

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
    """An amount of one billed item, used by one service."""

    service: str
    item: str  # within its kind: "request", a group of detections, or for GB-s the architecture
    kind: Kind
    units: float


@dataclass(frozen=True)
class Location:
    """The settings of a deployment that change the bill."""

    architecture: str  # of functions that set none
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
        return sum(usd for (_, billed), usd in self.lines.items() if billed is kind)

    def by(self, service: str) -> float:
        return sum(usd for (name, _), usd in self.lines.items() if name == service)

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(service for service, _ in self.lines))


def bill(images: int, work: Work, prices: Prices, location: Location) -> Bill:
    """The cost of `images` in one month, with one invocation for each message.

    A backlog costs a little less: a batch shares one invocation and one poll. Data is stored for a
    month. All services share tiers and free tiers, in proportion to their use.
    """
    used: defaultdict[tuple[Kind, str], defaultdict[str, float]]
    used = defaultdict(lambda: defaultdict(float))
    for use in uses(work, prices, location.architecture):
        used[use.kind, use.item][use.service] += use.units * images
    lines: defaultdict[tuple[str, Kind], float] = defaultdict(float)
    for (kind, item), by in used.items():
        total = sum(by.values())
        free, tiers = _tariff(kind, item, prices, location)
        free_units = free * _share(used, kind, item, prices) if location.free_tier else 0.0
        usd = tiered(max(0.0, total - free_units), tiers)
        for service, units in by.items():
            lines[service, kind] += usd * units / total if total else 0.0
    return Bill(images, dict(lines))


def uses(work: Work, prices: Prices, architecture: str) -> Iterator[Use]:
    """The use of one image, by service; its stored data is the row ``storage``."""
    yield Use(UPLOAD, "put", Kind.REQUESTS, 1)
    for hop, share in work.each():
        for use in _of_hop(hop, work, prices, architecture):
            yield Use(use.service, use.item, use.kind, use.units * share)
    yield Use(
        STORAGE, "month", Kind.STORAGE, (work.stored["original"] + work.stored["made"]) / GIGABYTE
    )
    yield Use(
        STORAGE, "month", Kind.DYNAMODB, (work.stored["records"] + work.stored["ledger"]) / GIGABYTE
    )


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
    # Rekognition reads the picture once for each detection, with the caller's permissions and bill.
    yield Use(hop.service, "get", Kind.REQUESTS, gets + len(hop.detections))
    yield Use(hop.service, "write", Kind.DYNAMODB, sum(hop.writes.values()))
    yield Use(hop.service, "read", Kind.DYNAMODB, sum(hop.reads.values()))
    yield Use(hop.service, "gigabyte", Kind.LOGS, log)
    for detection in hop.detections:
        yield Use(hop.service, prices.detections[detection], Kind.DETECTIONS, 1)


def _share(
    used: Mapping[tuple[Kind, str], Mapping[str, float]], kind: Kind, item: str, prices: Prices
) -> float:
    """This item's share of its free tier: GB-s of all architectures share one."""
    architectures = prices.functions.gigabyte_second
    sharing = architectures if item in architectures else [item]
    total = sum(sum(used.get((kind, name), {}).values()) for name in sharing)
    return sum(used[kind, item].values()) / total if total else 1.0


def _tariff(
    kind: Kind, item: str, prices: Prices, location: Location
) -> tuple[float, tuple[Tier, ...]]:
    """The free units of a month, and the price tiers of the rest."""
    free, dynamodb = prices.free, prices.dynamodb
    stored = dynamodb.gigabyte_month
    stored += dynamodb.recovery_gigabyte_month if location.recovery else 0.0
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
        (Kind.DYNAMODB, "month"): (free.dynamodb_gigabytes, stored),
        (Kind.LOGS, "gigabyte"): (free.log_gigabytes, prices.logs.gigabyte),
    }
    if kind is Kind.STORAGE:
        return 0, prices.s3.gigabyte_month
    if kind is Kind.DETECTIONS:
        return prices.groups[item].free, prices.groups[item].tiers
    free_units, usd = flat[kind, item]
    return free_units, (Tier(usd),)
