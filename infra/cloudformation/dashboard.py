"""One dashboard for each stage: what goes through, how long it takes, what fails, what it costs.

Alarms come first, then what Darkroom promises, then what it stands on. Numbers are drawn from
metrics; reasons are grouped from the log lines themselves, since a metric for each would cost more
than it tells.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from infra.cloudformation import alarms, cfn
from infra.cloudformation.cfn import Json
from infra.config.definitions import Definition
from infra.config.prices import Prices
from infra.config.stages import Stage
from shared.metrics import (
    AGE,
    DEAD_LETTERS,
    DURATION,
    EFFECTS,
    EXPECTED_EFFECTS,
    FAILED,
    NAMESPACE,
    REAPED,
    THROTTLED,
    Metric,
)

COLUMNS = 24  # CloudWatch's grid
WIDTH, HEIGHT = 8, 6  # of a widget: three in a row
PERIOD = 300  # s
HOUR = 3600  # s

REKOGNITION = ("DetectLabels", "DetectFaces", "DetectText", "DetectModerationLabels")

Row = list[Any]  # one metric, or one expression, as CloudWatch's dashboards write them


def resources(everyone: tuple[Definition, ...], stage: Stage) -> Json:
    """The stage's dashboard."""
    properties = {
        "DashboardName": stage.called(),
        "DashboardBody": cfn.sub(json.dumps({"widgets": widgets(everyone, stage)})),
    }
    return {"Dashboard": cfn.resource("CloudWatch::Dashboard", properties)}


def widgets(everyone: tuple[Definition, ...], stage: Stage) -> list[Json]:
    """Everything on it, three in a row below the alarms."""
    queued = [each for each in everyone if each.queued]
    charts = [
        _chart("Done, messages in 5 minutes", _each(AGE, queued, stage, "SampleCount")),
        _chart("A hop with its waiting, ms: p50 and p99", _spread(AGE, queued, stage)),
        _chart("One try at a hop, ms: p50 and p99", _spread(DURATION, queued, stage)),
        _chart("Age of the oldest message, s", [_of_queue(each, stage) for each in queued]),
        _chart("Runs", _runs(stage)),
        _table("Failed runs by stage and reason", ["store"], _BY_REASON, stage),
        _table("Failed tries by service and reason", _names(queued), _TRIES, stage),
        _chart("Effects for one that was called for", _surplus(stage), HOUR),
        _chart("Asked to slow down", _throttled(queued, stage)),
        _chart("Given up, and forgotten", _lost(queued, stage)),
        _chart("Functions: errors and throttles", _troubles(everyone, stage)),
        _chart("Functions: longest, share of the timeout", _longest(everyone, stage)),
        _chart("Cost, USD an hour: an estimate", _cost(everyone, stage), HOUR),
    ]
    return [_alarms(everyone, stage), *_placed(charts)]


def _placed(charts: Iterable[Json]) -> list[Json]:
    in_row = COLUMNS // WIDTH
    return [
        {
            "x": n % in_row * WIDTH,
            "y": ALARMS_HEIGHT + n // in_row * HEIGHT,
            "width": WIDTH,
            "height": HEIGHT,
            **chart,
        }
        for n, chart in enumerate(charts)
    ]


# ---- widgets -----------------------------------------------------------------------------------

ALARMS_HEIGHT = 4


def _alarms(everyone: tuple[Definition, ...], stage: Stage) -> Json:
    here = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm"
    names = [
        stage.called(alarm.service, alarm.kind)
        for definition in everyone
        for alarm in alarms.alarms(definition, stage)
    ]
    said = {"title": "Alarms", "alarms": [f"{here}:{name}" for name in names]}
    place = {"x": 0, "y": 0, "width": COLUMNS, "height": ALARMS_HEIGHT}
    return {"type": "alarm", **place, "properties": said}


def _chart(title: str, rows: Sequence[Row], period: int = PERIOD) -> Json:
    said = {"view": "timeSeries", "region": "${AWS::Region}", "period": period, "stat": "Sum"}
    return {"type": "metric", "properties": {"title": title, **said, "metrics": list(rows)}}


def _table(title: str, services: Sequence[str], query: str, stage: Stage) -> Json:
    """What CloudWatch Logs Insights finds in these services' logs."""
    groups = " | ".join(f"SOURCE '/aws/lambda/{stage.called(name)}'" for name in services)
    said = {"view": "table", "region": "${AWS::Region}", "query": f"{groups} | {query}"}
    return {"type": "log", "properties": {"title": title, **said}}


_BY_REASON = (
    "filter status = 'failed' | stats count(*) as runs by at, reason, fault | sort runs desc"
)
_TRIES = (
    "filter message = 'hop' and ispresent(reason)"
    " | stats count(*) as tries by service, reason, outcome | sort tries desc"
)

# ---- what they draw ----------------------------------------------------------------------------


def _own(metric: Metric, service: str, stage: Stage, **more: Any) -> Row:
    named = [[each["Name"], each["Value"]] for each in alarms.dimensions(service, stage)]
    shown = {"label": service, **more}
    return [NAMESPACE, metric.name, *(word for pair in named for word in pair), shown]


def _each(metric: Metric, services: Iterable[Definition], stage: Stage, stat: str) -> list[Row]:
    return [_own(metric, each.name, stage, stat=stat) for each in services]


def _spread(metric: Metric, queued: Iterable[Definition], stage: Stage) -> list[Row]:
    return [
        _own(metric, each.name, stage, stat=stat, label=f"{each.name} {stat}")
        for each in queued
        for stat in ("p50", "p99")
    ]


def _of_queue(definition: Definition, stage: Stage) -> Row:
    name = stage.called(definition.name)
    shown = {"label": definition.name, "stat": "Maximum"}
    return ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", name, shown]


def _runs(stage: Stage) -> list[Row]:
    return [
        _own(FAILED, "store", stage, stat="SampleCount", label="ended"),
        _own(FAILED, "store", stage, label="failed, not by the uploader's fault"),
    ]


def _surplus(stage: Stage) -> list[Row]:
    rows: list[Row] = []
    for name, effects in alarms.EFFECTS_OF.items():
        taken, wanted = f"taken_{name}", f"wanted_{name}"
        rows += [
            _own(EFFECTS, name, stage, id=taken, visible=False),
            _own(EXPECTED_EFFECTS, name, stage, id=wanted, visible=False),
            [{"expression": f"{taken} / {wanted}", "label": effects, "id": f"share_{name}"}],
        ]
    return rows


def _throttled(queued: Iterable[Definition], stage: Stage) -> list[Row]:
    """By Rekognition as it counts in the whole account, and by whatever our services met."""
    theirs: list[Row] = [
        ["AWS/Rekognition", "ThrottledCount", "Operation", name, {"label": f"account: {name}"}]
        for name in REKOGNITION
    ]
    return [*_each(THROTTLED, queued, stage, "Sum"), *theirs]


def _lost(queued: Iterable[Definition], stage: Stage) -> list[Row]:
    letters = [
        _own(DEAD_LETTERS, each.name, stage, label=f"dead letters of {each.name}")
        for each in queued
    ]
    return [*letters, _own(REAPED, "reap", stage, label="without an end after a day")]


def _troubles(everyone: Iterable[Definition], stage: Stage) -> list[Row]:
    return [
        _of_function(each, stage, metric, label=f"{each.name} {metric.lower()}")
        for each in everyone
        for metric in ("Errors", "Throttles")
    ]


def _longest(everyone: Iterable[Definition], stage: Stage) -> list[Row]:
    rows: list[Row] = []
    for each in everyone:
        timed, name = f"longest_{each.name}", f"share_{each.name}"
        share = f"{timed} / {1000 * each.function.timeout}"
        rows += [
            _of_function(each, stage, "Duration", stat="Maximum", id=timed, visible=False),
            [{"expression": share, "label": each.name, "id": name}],
        ]
    return rows


def _of_function(definition: Definition, stage: Stage, metric: str, **shown: Any) -> Row:
    name = stage.called(definition.name)
    return ["AWS/Lambda", metric, "FunctionName", name, shown]


def _cost(everyone: tuple[Definition, ...], stage: Stage) -> list[Row]:
    """Rekognition and Lambda, their sum, and that for a thousand runs that ended: an estimate at
    list prices, before any tier and with no free tier, to see what changes. The rest is left out.
    """
    prices = Prices.load()
    rows: list[Row] = [
        _own(EFFECTS, "analyze", stage, id="detections", visible=False),
        _own(FAILED, "store", stage, id="runs", stat="SampleCount", visible=False),
    ]
    for each in everyone:
        rows += [
            _of_function(each, stage, "Duration", id=f"ms_{each.name}", visible=False),
            _of_function(each, stage, "Invocations", id=f"calls_{each.name}", visible=False),
        ]
    compute = " + ".join(f"FILL({_compute(each, stage, prices)}, 0)" for each in everyone)
    calls = " + ".join(f"FILL(calls_{each.name}, 0)" for each in everyone)
    lambdas = f"{compute} + ({calls}) * {prices.functions.request:.7f}"
    return [
        *rows,
        _money("rekognition", "Rekognition", f"FILL(detections, 0) * {prices.detection('labels')}"),
        _money("functions", "Lambda", lambdas),
        _money("total", "both", "rekognition + functions"),
        _money("each", "both, for 1,000 runs", "1000 * total / runs"),
    ]


def _compute(definition: Definition, stage: Stage, prices: Prices) -> str:
    function = definition.function
    second = prices.functions.gigabyte_second[function.runs_on(stage.architecture)]
    price = second * function.memory / 1024 / 1000
    return f"ms_{definition.name} * {price:.12f}"


def _money(name: str, label: str, expression: str) -> Row:
    return [{"id": name, "label": label, "expression": expression}]


def _names(services: Iterable[Definition]) -> list[str]:
    return [each.name for each in services]
