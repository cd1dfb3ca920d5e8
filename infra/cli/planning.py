"""`plan`: what to set for so many images. `cost`: what they cost."""

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
    summary = "say what to set so that so many images are done in time, and what it costs"
    parser = _add(subcommands, "plan", _plan, summary)
    parser.add_argument(
        "--hours", type=positive, help="to be done in; without it, as soon as quotas allow"
    )
    parser.add_argument(
        "--detection-rate",
        type=positive,
        metavar="RATE",
        help="calls a second that the account has of each detection; default: quotas.toml",
    )
    parser.add_argument("--account-concurrency", type=images, metavar="N", help="of all functions")
    parser.add_argument(
        "--warm-writes",
        type=positive,
        metavar="UNITS",
        help="units a second that the tables are warmed for",
    )
    _add(subcommands, "cost", _cost, "estimate a month's bill for so many images")


def _add(subcommands: "Subcommands", name: str, run: Any, summary: str) -> argparse.ArgumentParser:
    parser = subcommands.add_parser(name, help=summary, description=summary)
    parser.add_argument(
        "--images", type=images, required=True, metavar="N", help="such as 10k, 1_000_000 or 1e6"
    )
    parser.add_argument("--stage", default="prod", metavar="NAME", help="default: prod")
    parser.add_argument(
        "--reuse-share",
        type=share,
        default=0.0,
        metavar="SHARE",
        help="of images whose content is known already, such as 0.3 or 30%%; default: none",
    )
    parser.add_argument(
        "--cpu-factor",
        type=positive,
        metavar="FACTOR",
        help="Lambda vCPU seconds for a second of CPU here; default: assumptions.toml",
    )
    parser.add_argument("--free-tier", action="store_true", help="take off what is free in a month")
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.set_defaults(run=run)
    return parser


def _plan(arguments: argparse.Namespace) -> None:
    work, prices, place = _given(arguments)
    quotas = Quotas.load().raised(
        detections=arguments.detection_rate,
        concurrency=arguments.account_concurrency,
        warm_writes=arguments.warm_writes,
    )
    found = plan(arguments.images, work, quotas, arguments.hours)
    billed = bill(arguments.images, work, prices, place)
    silence = silence_of(stages.Stage.load(arguments.stage))
    if arguments.json:
        print(json.dumps(plan_json(found, billed, silence), indent=2))
    else:
        print("\n".join(plan_lines(found, billed, work, silence)))
    if not found.fits:
        low = "; ".join(one.name for one in found.raises) or found.bottleneck
        raise InfraError(f"it takes {span(found.flow.seconds)}, which is too long; too low: {low}")


def _cost(arguments: argparse.Namespace) -> None:
    work, prices, place = _given(arguments)
    total = bill(arguments.images, work, prices, place)
    without_reuse = bill(arguments.images, replace(work, reuse=0.0), prices, place).usd
    template = stage_template(definitions(), stages.Stage.load(arguments.stage))
    fixed = fixed_costs(template, prices)
    if arguments.json:
        print(json.dumps(cost_json(total, without_reuse, fixed, prices), indent=2))
    else:
        print("\n".join(cost_lines(total, without_reuse, fixed, work, prices)))


def _given(arguments: argparse.Namespace) -> tuple[Work, Prices, Place]:
    """What the arguments say of the work, the prices and the place."""
    stage, prices = stages.Stage.load(arguments.stage), Prices.load()
    assumed = Assumptions.load()
    if arguments.cpu_factor:
        assumed = replace(assumed, cpu_factor=arguments.cpu_factor)
    work = Work.load(stage, definitions(), assumed=assumed, reuse=arguments.reuse_share)
    asked, quotas = set(work.hops[ANALYZE].detections), Quotas.load()
    for file, known in (("prices", prices.detections), ("quotas", quotas.detections)):
        if missing := asked - known.keys():
            raise InfraError(f"{file}.toml does not know the detection {min(missing)!r}")
    return work, prices, Place(stage.architecture, stage.recovery, arguments.free_tier)


def plan_lines(found: Plan, billed: Bill, work: Work, silence: float) -> Iterator[str]:
    """The plan as people read it."""
    asked = f" in {span(found.hours * 3600)}" if found.hours else ""
    yield f"{found.images:,} images{asked}, uploaded at once; set for {found.rate:,.1f} a second"
    yield ""
    rows: list[Sequence[object]] = [
        (name, one.concurrency, f"{one.memory} MB", one.batch, f"{one.seconds:.2f} s")
        for name, one in found.settings.items()
    ]
    yield from table(("service", "concurrency", "memory", "batch", "an image"), rows)
    yield ""
    yield from stage_lines(found, work)
    yield f"time        {span(found.flow.seconds)}"
    yield f"bottleneck  {found.bottleneck}"
    detections = billed.of(Kind.DETECTIONS)
    yield f"cost        {dollars(billed.usd)}, {dollars(detections)} of it detections"
    yield from (f"warning     {line}" for line in warnings(found, silence))
    if not found.fits:
        yield ""
        rows = [
            (one.name, _amount(one.now), _amount(one.needed), one.unit, one.how)
            for one in found.raises
        ]
        yield from table(("too low", "now", "needed", "", "what to do"), rows, left=(0, 3, 4))
    yield ""
    yield f"An estimate: CPU as measured on {work.measured} (measured.json), times"
    yield f"{work.assumed.cpu_factor:g} for Lambda's; waits for AWS are assumed (assumptions.toml)."


def stage_lines(found: Plan, work: Work) -> Iterator[str]:
    """What to put into the stage's file, where the plan differs from how the stage runs."""
    changes = {
        name: (one.concurrency, one.batch)
        for name, one in found.settings.items()
        if (one.concurrency, one.batch)
        != (work.functions[name].concurrency, work.functions[name].batch)
    }
    for name, (concurrency, batch) in changes.items():
        yield f"[function.{name}]"
        yield f"concurrency = {concurrency}"
        yield f"batch = {batch}"
    if changes:
        yield ""


def silence_of(stage: stages.Stage) -> float:
    """Seconds after which ``reap`` takes an upload or a run for lost, in this stage."""
    default = ReapSettings.model_fields["silence_hours"].default
    return float(stage.variables_of("reap").get("SILENCE_HOURS", default)) * 3600


def warnings(found: Plan, silence: float) -> Iterator[str]:
    """What such a backlog would do to messages and to whoever watches."""
    longest = found.flow.longest
    if longest > QUEUE_RETENTION:
        yield (
            f"a message waits up to {span(longest)}, and queues keep them for "
            f"{span(QUEUE_RETENTION)}: upload more slowly, or images are lost"
        )
    elif longest > THROTTLED_FOR:
        yield (
            f"a message waits up to {span(longest)}: one that is throttled after "
            f"{span(THROTTLED_FOR)} has no time left, so keep concurrency as above"
        )
    if longest > silence:
        yield (
            f"reap gives up what is silent for {span(silence)}: set SILENCE_HOURS of reap above "
            f"{math.ceil(longest / 3600)} while it lasts, or upload more slowly"
        )
    if longest > STALE_SECONDS:
        yield f"the queues' alarms ring: a message waits for more than {span(STALE_SECONDS)}"


def plan_json(found: Plan, billed: Bill, silence: float) -> dict[str, Any]:
    """The plan for scripts; times in seconds, money in US dollars."""
    return {
        "images": found.images,
        "hours": found.hours,
        "fits": found.fits,
        "seconds": round(found.flow.seconds, 1),
        "images_a_second": round(found.rate, 3),
        "bottleneck": found.bottleneck,
        "longest_wait": round(found.flow.longest, 1),
        "usd": round(billed.usd, 4),
        "settings": {name: asdict(one) for name, one in found.settings.items()},
        "too_low": [asdict(one) for one in found.raises],
        "warnings": list(warnings(found, silence)),
    }


def cost_lines(
    total: Bill, without_reuse: float, fixed: FixedCosts, work: Work, prices: Prices
) -> Iterator[str]:
    """The bill as a table by service and kind, with the sources of its numbers."""
    reused = f", {work.reuse:.0%} of known content" if work.reuse else ""
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
    """The bill for scripts; money in US dollars."""
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
    """Columns as wide as what stands in them: words to the left, numbers to the right."""
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
