"""Commands that estimate: `plan` (concurrency and time for a number of images) and `cost`."""

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from infra.cloudformation.alarms import STALE_SECONDS
from infra.cloudformation.messaging import QUEUE_RETENTION
from infra.config import stages
from infra.config.definitions import definitions
from infra.config.prices import Prices
from infra.deploy.stage_template import stage_template
from infra.errors import InfraError
from infra.planning.cost import Bill, Kind, Place, bill
from infra.planning.fixed_costs import FixedCosts, fixed_costs
from infra.planning.numbers import dollars, images, positive, share, span
from infra.planning.plan import Plan, plan
from infra.planning.quotas import Quotas
from infra.planning.work import ANALYZE, Assumptions, Work
from services.reap.settings import ReapSettings
from shared.retries import THROTTLED_FOR

if TYPE_CHECKING:
    from infra.cli.options import Subcommands


def register(subcommands: "Subcommands") -> None:
    """Add the commands."""
    summary = "compute the settings to process a number of images in time, and their cost"
    parser = _add(subcommands, "plan", _plan, summary)
    parser.add_argument(
        "--hours", type=positive, help="the time limit; default: as fast as the quotas allow"
    )
    parser.add_argument(
        "--detection-rate",
        type=positive,
        metavar="RATE",
        help="the account's quota of each detection, calls a second; default: quotas.toml",
    )
    parser.add_argument(
        "--account-concurrency",
        type=images,
        metavar="N",
        help="the account's Lambda concurrency; default: quotas.toml",
    )
    parser.add_argument(
        "--warm-writes",
        type=positive,
        metavar="UNITS",
        help="write units a second that the tables are pre-warmed for",
    )
    _add(subcommands, "cost", _cost, "estimate the monthly bill for a number of images")


def _add(subcommands: "Subcommands", name: str, run: Any, summary: str) -> argparse.ArgumentParser:
    parser = subcommands.add_parser(name, help=summary, description=summary)
    parser.add_argument(
        "--images",
        type=images,
        required=True,
        metavar="N",
        help="how many images: 10k, 1_000_000 or 1e6",
    )
    parser.add_argument("--stage", default="prod", metavar="NAME", help="default: prod")
    parser.add_argument(
        "--reuse-share",
        type=share,
        default=0.0,
        metavar="SHARE",
        help="share of images whose content was analysed before: 0.3 or 30%%; default: 0",
    )
    parser.add_argument(
        "--cpu-factor",
        type=positive,
        metavar="FACTOR",
        help="Lambda vCPU seconds for one measured CPU second; default: assumptions.toml",
    )
    parser.add_argument("--free-tier", action="store_true", help="subtract the monthly free tier")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)
    return parser


def _plan(arguments: argparse.Namespace) -> None:
    work, prices, place = _inputs(arguments)
    quotas = Quotas.load().raised(
        detections=arguments.detection_rate,
        concurrency=arguments.account_concurrency,
        warm_writes=arguments.warm_writes,
    )
    result = plan(arguments.images, work, quotas, arguments.hours)
    billed = bill(arguments.images, work, prices, place)
    silence = silence_of(stages.Stage.load(arguments.stage))
    if arguments.json:
        print(json.dumps(plan_json(result, billed, silence), indent=2))
    else:
        print("\n".join(plan_lines(result, billed, work, silence)))
    if not result.fits:
        low = "; ".join(quota.name for quota in result.raises) or result.bottleneck
        raise InfraError(f"too slow: it takes {span(result.flow.seconds)}; too low: {low}")


def _cost(arguments: argparse.Namespace) -> None:
    work, prices, place = _inputs(arguments)
    total = bill(arguments.images, work, prices, place)
    without_reuse = bill(arguments.images, replace(work, reuse=0.0), prices, place).usd
    template = stage_template(definitions(), stages.Stage.load(arguments.stage))
    fixed = fixed_costs(template, prices)
    if arguments.json:
        print(json.dumps(cost_json(total, without_reuse, fixed, prices), indent=2))
    else:
        print("\n".join(cost_lines(total, without_reuse, fixed, work, prices)))


def _inputs(arguments: argparse.Namespace) -> tuple[Work, Prices, Place]:
    """The work, the prices and the billing conditions that the arguments select."""
    stage, prices = stages.Stage.load(arguments.stage), Prices.load()
    assumed = Assumptions.load()
    if arguments.cpu_factor:
        assumed = replace(assumed, cpu_factor=arguments.cpu_factor)
    work = Work.load(stage, definitions(), assumed=assumed, reuse=arguments.reuse_share)
    detections, quotas = set(work.hops[ANALYZE].detections), Quotas.load()
    for file, entries in (("prices", prices.detections), ("quotas", quotas.detections)):
        if missing := detections - entries.keys():
            raise InfraError(f"{file}.toml has no entry for the detection {min(missing)!r}")
    return work, prices, Place(stage.architecture, stage.recovery, arguments.free_tier)


def plan_lines(result: Plan, billed: Bill, work: Work, silence: float) -> Iterator[str]:
    """The plan as text."""
    limit = f" in {span(result.hours * 3600)}" if result.hours else ""
    yield f"{result.images:,} images{limit}, uploaded at once; set for {result.rate:,.1f} a second"
    yield ""
    rows: list[Sequence[object]] = [
        (
            name,
            function.concurrency,
            f"{function.memory} MB",
            function.batch,
            f"{function.seconds:.2f} s",
        )
        for name, function in result.settings.items()
    ]
    yield from table(("service", "concurrency", "memory", "batch", "an image"), rows)
    yield ""
    yield from stage_lines(result, work)
    yield f"time        {span(result.flow.seconds)}"
    yield f"bottleneck  {result.bottleneck}"
    detections = billed.of(Kind.DETECTIONS)
    yield f"cost        {dollars(billed.usd)}, {dollars(detections)} of it detections"
    yield from (f"warning     {line}" for line in warnings(result, silence))
    if not result.fits:
        yield ""
        rows = [
            (quota.name, _amount(quota.now), _amount(quota.needed), quota.unit, quota.how)
            for quota in result.raises
        ]
        yield from table(("too low", "now", "needed", "", "what to do"), rows, left=(0, 3, 4))
    yield ""
    yield f"An estimate: CPU as measured on {work.measured} (measured.json), times"
    yield f"{work.assumed.cpu_factor:g} for Lambda's; waits for AWS are assumed (assumptions.toml)."


def stage_lines(result: Plan, work: Work) -> Iterator[str]:
    """Lines for the stage's TOML file, for functions whose settings differ from the plan."""
    changes = {
        name: (function.concurrency, function.batch)
        for name, function in result.settings.items()
        if (function.concurrency, function.batch)
        != (work.functions[name].concurrency, work.functions[name].batch)
    }
    for name, (concurrency, batch) in changes.items():
        yield f"[function.{name}]"
        yield f"concurrency = {concurrency}"
        yield f"batch = {batch}"
    if changes:
        yield ""


def silence_of(stage: stages.Stage) -> float:
    """Seconds without an event after which ``reap`` reports an upload or a run, in this stage."""
    default = ReapSettings.model_fields["silence_hours"].default
    return float(stage.variables_of("reap").get("SILENCE_HOURS", default)) * 3600


def warnings(result: Plan, silence: float) -> Iterator[str]:
    """The limits and alarms that a backlog of this size would reach."""
    longest = result.flow.longest
    if longest > QUEUE_RETENTION:
        yield (
            f"a message waits up to {span(longest)}, and queues retain messages for "
            f"{span(QUEUE_RETENTION)}: upload more slowly, or images are lost"
        )
    elif longest > THROTTLED_FOR:
        yield (
            f"a message waits up to {span(longest)}: after {span(THROTTLED_FOR)} a throttled "
            "message fails, so set the concurrency as above"
        )
    if longest > silence:
        yield (
            f"reap fails runs without an event for {span(silence)}: set SILENCE_HOURS of reap "
            f"above {math.ceil(longest / 3600)} until the backlog is done, or upload more slowly"
        )
    if longest > STALE_SECONDS:
        yield f"the queues' alarms fire: a message waits for more than {span(STALE_SECONDS)}"


def plan_json(result: Plan, billed: Bill, silence: float) -> dict[str, Any]:
    """The plan as JSON; times in seconds, money in US dollars."""
    return {
        "images": result.images,
        "hours": result.hours,
        "fits": result.fits,
        "seconds": round(result.flow.seconds, 1),
        "images_a_second": round(result.rate, 3),
        "bottleneck": result.bottleneck,
        "longest_wait": round(result.flow.longest, 1),
        "usd": round(billed.usd, 4),
        "settings": {name: asdict(settings) for name, settings in result.settings.items()},
        "too_low": [asdict(quota) for quota in result.raises],
        "warnings": list(warnings(result, silence)),
    }


def cost_lines(
    total: Bill, without_reuse: float, fixed: FixedCosts, work: Work, prices: Prices
) -> Iterator[str]:
    """The bill as a table by service and kind, with the sources of its numbers."""
    reused = f", {work.reuse:.0%} with reused analysis" if work.reuse else ""
    yield f"{total.images:,} images{reused}: {dollars(total.usd)}"
    yield ""
    rows = [
        (
            name,
            *(_cell(total.lines.get((name, kind), 0.0)) for kind in Kind),
            dollars(total.by(name)),
        )
        for name in total.services
    ]
    sums = ("all", *(dollars(total.of(kind)) for kind in Kind), dollars(total.usd))
    yield from table(("", *Kind, "all"), [*rows, sums])
    yield ""
    yield f"For one image: {dollars(total.usd / total.images)}"
    if work.reuse:
        yield f"Without reuse: {dollars(without_reuse)}"
    yield "Fixed costs each month:"
    yield f"  {dollars(fixed.polling)} for polling {fixed.sources} queues"
    yield f"  {dollars(fixed.alarming)} for {fixed.alarms} alarms"
    yield ""
    yield f"An estimate at the list prices of {prices.dated}, {prices.region}; a month of storage,"
    yield f"every message in an invocation of its own; CPU as measured on {work.measured}."


def cost_json(
    total: Bill, without_reuse: float, fixed: FixedCosts, prices: Prices
) -> dict[str, Any]:
    """The bill as JSON; money in US dollars."""
    services = {
        name: {kind.value: round(total.lines.get((name, kind), 0.0), 6) for kind in Kind}
        for name in total.services
    }
    return {
        "images": total.images,
        "usd": round(total.usd, 6),
        "usd_without_reuse": round(without_reuse, 6),
        "services": services,
        "each_month": asdict(fixed),
        "prices": {"dated": prices.dated, "region": prices.region},
    }


def table(
    names: Sequence[str], rows: Sequence[Sequence[object]], left: Sequence[int] = (0,)
) -> Iterator[str]:
    """Rows as aligned columns: those in ``left`` to the left, all others to the right."""
    cells = [[str(cell) for cell in row] for row in (names, *rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(names))]
    for row in cells:
        aligned = (
            cell.ljust(width) if n in left else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(aligned).rstrip()


def _cell(usd: float) -> str:
    return dollars(usd) if usd else ""


def _amount(number: float) -> str:
    return f"{number:,.0f}"
