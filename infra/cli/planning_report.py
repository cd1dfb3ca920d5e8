"""The output of `plan` and `cost`, as text and as JSON."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from infra import terminal
from infra.cloudformation.alarms import STALE_SECONDS
from infra.cloudformation.messaging import QUEUE_RETENTION
from infra.config.prices import Prices
from infra.config.stages import Stage
from infra.planning.cost import Bill, Kind
from infra.planning.fixed_costs import FixedCosts
from infra.planning.numbers import dollars, span
from infra.planning.plan import Plan
from infra.planning.work import Work
from services.reap.settings import ReapSettings
from shared.retries import THROTTLED_FOR


def plan_lines(result: Plan, total: Bill, work: Work, silence: float) -> Iterator[str]:
    """The plan as text."""
    hours = f" in {span(result.hours * 3600)}" if result.hours else ""
    yield f"{result.images:,} images{hours}, uploaded at once; set for {result.rate:,.1f} a second"
    yield ""
    names = ("service", "concurrency", "memory", "batch", "per image")
    rows: list[Sequence[object]] = [
        (
            service,
            setting.concurrency,
            f"{setting.memory} MB",
            setting.batch,
            f"{setting.seconds:.2f} s",
        )
        for service, setting in result.settings.items()
    ]
    yield from _table(names, rows, "<>>>>")
    yield ""
    yield from stage_lines(result, work)
    yield f"time        {span(result.flow.seconds)}"
    yield f"bottleneck  {result.bottleneck}"
    detections = total.of(Kind.DETECTIONS)
    yield f"cost        {dollars(total.usd)}, {dollars(detections)} of it detections"
    yield from (f"warning     {line}" for line in warnings(result, silence))
    if not result.fits:
        yield ""
        rows = [
            (limit.name, _amount(limit.now), _amount(limit.needed), limit.unit, limit.how)
            for limit in result.raises
        ]
        yield from _table(("too low", "now", "needed", "", "what to do"), rows, "<>><<")
    yield ""
    yield f"An estimate: CPU time as measured on {work.measured} (measured.json), times"
    yield f"{work.assumed.cpu_factor:g} for Lambda; AWS's latencies are assumed (assumptions.toml)."


def stage_lines(result: Plan, work: Work) -> Iterator[str]:
    """The lines for the stage's file: settings that differ from the stage's."""
    changes = {
        name: (setting.concurrency, setting.batch)
        for name, setting in result.settings.items()
        if (setting.concurrency, setting.batch)
        != (work.functions[name].concurrency, work.functions[name].batch)
    }
    for name, (concurrency, batch) in changes.items():
        yield f"[function.{name}]"
        yield f"concurrency = {concurrency}"
        yield f"batch = {batch}"
    if changes:
        yield ""


def silence_of(stage: Stage) -> float:
    """Seconds after which ``reap`` reports an upload or a run in this stage."""
    default = ReapSettings.model_fields["silence_hours"].default
    return float(stage.variables_of("reap").get("SILENCE_HOURS", default)) * 3600


def warnings(result: Plan, silence: float) -> Iterator[str]:
    """The effects of a long backlog on messages, on the sweep and on alarms."""
    longest = result.flow.longest
    if longest > QUEUE_RETENTION:
        yield (
            f"a message waits up to {span(longest)}, and queues retain messages for "
            f"{span(QUEUE_RETENTION)}: upload more slowly, or images are lost"
        )
    elif longest > THROTTLED_FOR:
        yield (
            f"a message waits up to {span(longest)}: if it is throttled after "
            f"{span(THROTTLED_FOR)} it fails, so do not raise concurrency above these values"
        )
    if longest > silence:
        yield (
            f"reap reports images without an event for {span(silence)}: set its SILENCE_HOURS "
            f"above {math.ceil(longest / 3600)} until the backlog is done, or upload more slowly"
        )
    if longest > STALE_SECONDS:
        yield f"the alarms `stale` will notify: a message waits for more than {span(STALE_SECONDS)}"


def plan_json(result: Plan, total: Bill, silence: float) -> dict[str, Any]:
    """The plan as JSON; times in seconds, money in US dollars."""
    return {
        "images": result.images,
        "hours": result.hours,
        "fits": result.fits,
        "seconds": round(result.flow.seconds, 1),
        "images_a_second": round(result.rate, 3),
        "bottleneck": result.bottleneck,
        "longest_wait": round(result.flow.longest, 1),
        "usd": round(total.usd, 4),
        "settings": {name: asdict(setting) for name, setting in result.settings.items()},
        "too_low": [asdict(limit) for limit in result.raises],
        "warnings": list(warnings(result, silence)),
    }


def cost_lines(
    total: Bill, without_reuse: float, fixed: FixedCosts, work: Work, prices: Prices
) -> Iterator[str]:
    """The bill as a table by service and kind, with the sources of its numbers."""
    reused = f", {work.reuse:.0%} with known content" if work.reuse else ""
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
    yield from _table(("", *Kind, "all"), [*rows, sums], "<" + ">" * (len(Kind) + 1))
    yield ""
    yield f"For one image: {dollars(total.usd / total.images)}"
    if work.reuse:
        yield f"Without reuse: {dollars(without_reuse)}"
    yield "Fixed costs each month:"
    yield f"  {dollars(fixed.polling)} for polling {fixed.sources} queues"
    yield f"  {dollars(fixed.alarming)} for {fixed.alarms} alarms"
    yield ""
    yield f"An estimate at the list prices of {prices.dated}, {prices.region}: a month of storage,"
    yield f"one invocation for each message, CPU time as measured on {work.measured}."


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


def _table(names: Sequence[str], rows: Sequence[Sequence[object]], align: str) -> Iterator[str]:
    cells = [[str(cell) for cell in row] for row in (names, *rows)]
    yield from terminal.table(cells, align, indent="")


def _cell(usd: float) -> str:
    return dollars(usd) if usd else ""


def _amount(number: float) -> str:
    return f"{number:,.0f}"
