"""The commands `plan` (settings for a number of images) and `cost` (their monthly bill)."""

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from infra.cli.options import Run
from infra.cli.planning_report import cost_json, cost_lines, plan_json, plan_lines, silence_of
from infra.config.definitions import definitions
from infra.config.prices import Prices
from infra.config.stages import Stage
from infra.deploy.stage_template import stage_template
from infra.errors import InfraError
from infra.planning.cost import Location, bill
from infra.planning.fixed_costs import fixed_costs
from infra.planning.numbers import images, positive, share, span
from infra.planning.plan import plan
from infra.planning.quotas import Quotas
from infra.planning.work import ANALYZE, Assumptions, Work

if TYPE_CHECKING:
    from infra.cli.options import Subcommands

T = TypeVar("T")


def register(subcommands: "Subcommands") -> None:
    """Add the commands."""
    summary = "print the settings with which so many images are processed in time, and the cost"
    parser = _add(subcommands, "plan", _plan, summary)
    parser.add_argument(
        "--hours", type=_number(positive), help="time limit; default: as fast as quotas allow"
    )
    parser.add_argument(
        "--detection-rate",
        type=_number(positive),
        metavar="RATE",
        help="calls a second of each detection in this account; default: quotas.toml",
    )
    parser.add_argument(
        "--account-concurrency",
        type=_number(images),
        metavar="N",
        help="of all functions in this account; default: quotas.toml",
    )
    parser.add_argument(
        "--warm-writes",
        type=_number(positive),
        metavar="UNITS",
        help="warm throughput of the tables, in write units a second",
    )
    _add(subcommands, "cost", _cost, "estimate the monthly bill for so many images")


def _add(subcommands: "Subcommands", name: str, run: Run, summary: str) -> argparse.ArgumentParser:
    parser = subcommands.add_parser(name, help=summary, description=summary)
    parser.add_argument(
        "--images",
        type=_number(images),
        required=True,
        metavar="N",
        help="such as 10k, 1_000_000 or 1e6",
    )
    parser.add_argument("--stage", default="prod", metavar="NAME", help="default: prod")
    parser.add_argument(
        "--reuse-share",
        type=_number(share),
        default=0.0,
        metavar="SHARE",
        help="share of images with known content, such as 0.3 or 30%%; default: 0",
    )
    parser.add_argument(
        "--cpu-factor",
        type=_number(positive),
        metavar="FACTOR",
        help="Lambda vCPU seconds for a measured second of CPU; default: assumptions.toml",
    )
    parser.add_argument("--free-tier", action="store_true", help="subtract the monthly free tier")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)
    return parser


def _plan(arguments: argparse.Namespace) -> None:
    work, prices, location = _inputs(arguments)
    quotas = Quotas.load().raised(
        detections=arguments.detection_rate,
        concurrency=arguments.account_concurrency,
        warm_writes=arguments.warm_writes,
    )
    result = plan(arguments.images, work, quotas, arguments.hours)
    total = bill(arguments.images, work, prices, location)
    silence = silence_of(Stage.load(arguments.stage))
    if arguments.json:
        print(json.dumps(plan_json(result, total, silence), indent=2))
    else:
        print("\n".join(plan_lines(result, total, work, silence)))
    if not result.fits:
        low = "; ".join(limit.name for limit in result.raises) or result.bottleneck
        raise InfraError(f"it takes {span(result.flow.seconds)}, which is too long; too low: {low}")


def _cost(arguments: argparse.Namespace) -> None:
    work, prices, location = _inputs(arguments)
    total = bill(arguments.images, work, prices, location)
    without_reuse = bill(arguments.images, replace(work, reuse=0.0), prices, location).usd
    template = stage_template(definitions(), Stage.load(arguments.stage))
    fixed = fixed_costs(template, prices)
    if arguments.json:
        print(json.dumps(cost_json(total, without_reuse, fixed, prices), indent=2))
    else:
        print("\n".join(cost_lines(total, without_reuse, fixed, work, prices)))


def _inputs(arguments: argparse.Namespace) -> tuple[Work, Prices, Location]:
    """The work, the prices and the location that the arguments describe."""
    stage, prices = Stage.load(arguments.stage), Prices.load()
    assumed = Assumptions.load()
    if arguments.cpu_factor:
        assumed = replace(assumed, cpu_factor=arguments.cpu_factor)
    work = Work.load(stage, definitions(), assumed=assumed, reuse=arguments.reuse_share)
    detections, quotas = set(work.hops[ANALYZE].detections), Quotas.load()
    for file, entries in (("prices", prices.detections), ("quotas", quotas.detections)):
        if missing := detections - entries.keys():
            raise InfraError(f"{file}.toml has no entry for the detection {min(missing)!r}")
    return work, prices, Location(stage.architecture, stage.recovery, arguments.free_tier)


def _number(parse: Callable[[str], T]) -> Callable[[str], T]:
    """An argument type that reports the message of a ValueError."""

    def parsed(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parsed
