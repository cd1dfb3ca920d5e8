"""The CloudWatch dashboard of a stage: alarms, throughput, latency, failures and cost.

The alarms come first, then Darkroom's own metrics, then those of AWS. Failures are grouped by
reason with Logs Insights queries: a metric for each reason would cost too much.
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

COLUMNS = 24  # of CloudWatch's grid
WIDTH, HEIGHT = 8, 6  # of a widget: three in a row
PERIOD = 300  # s
HOUR = 3600  # s

REKOGNITION = ("DetectLabels", "DetectFaces", "DetectText", "DetectModerationLabels")

Row = list[Any]  # one metric or expression in a dashboard's JSON


def resources(services: tuple[Definition, ...], stage: Stage) -> Json:
    """The stage's dashboard."""
    properties = {
        "DashboardName": stage.called(),
        "DashboardBody": cfn.sub(json.dumps({"widgets": widgets(services, stage)})),
    }
    return {"Dashboard": cfn.resource("CloudWatch::Dashboard", properties)}


def widgets(services: tuple[Definition, ...], stage: Stage) -> list[Json]:
    """Every widget: the alarms, and below them three in a row."""
    queued = [service for service in services if service.queued]
    charts = [
        _chart("Handled messages in 5 minutes", _each(AGE, queued, stage, "SampleCount")),
        _chart("Hop with its waiting time, ms: p50 and p99", _spread(AGE, queued, stage)),
        _chart("One attempt at a hop, ms: p50 and p99", _spread(DURATION, queued, stage)),
        _chart("Age of the oldest message, s", [_queue_age(service, stage) for service in queued]),
        _chart("Runs", _runs(stage)),
        _table("Failed runs by stage and reason", ["store"], _BY_REASON, stage),
        _table("Failed attempts by service and reason", _names(queued), _ATTEMPTS, stage),
        _chart("Effects per expected effect", _repeated_effects(stage), HOUR),
        _chart("Throttled calls to AWS", _throttled(queued, stage)),
        _chart("Dead letters, and uploads without an outcome", _dead_letters(queued, stage)),
        _chart("Functions: errors and throttles", _function_errors(services, stage)),
        _chart(
            "Functions: longest invocation as a share of the timeout",
            _longest_invocations(services, stage),
        ),
        _chart("Cost, USD an hour (estimate)", _cost(services, stage), HOUR),
    ]
    return [_alarms(services, stage), *_placed(charts)]


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


def _alarms(services: tuple[Definition, ...], stage: Stage) -> Json:
    arn = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm"
    names = [
        stage.called(alarm.service, alarm.kind)
        for definition in services
        for alarm in alarms.alarms(definition, stage)
    ]
    properties = {"title": "Alarms", "alarms": [f"{arn}:{name}" for name in names]}
    position = {"x": 0, "y": 0, "width": COLUMNS, "height": ALARMS_HEIGHT}
    return {"type": "alarm", **position, "properties": properties}


def _chart(title: str, rows: Sequence[Row], period: int = PERIOD) -> Json:
    properties = {"view": "timeSeries", "region": "${AWS::Region}", "period": period, "stat": "Sum"}
    return {"type": "metric", "properties": {"title": title, **properties, "metrics": list(rows)}}


def _table(title: str, services: Sequence[str], query: str, stage: Stage) -> Json:
    """The result of a Logs Insights query over the logs of these services."""
    groups = " | ".join(f"SOURCE '/aws/lambda/{stage.called(name)}'" for name in services)
    properties = {"view": "table", "region": "${AWS::Region}", "query": f"{groups} | {query}"}
    return {"type": "log", "properties": {"title": title, **properties}}


_BY_REASON = (
    "filter status = 'failed' | stats count(*) as runs by at, reason, fault | sort runs desc"
)
_ATTEMPTS = (
    "filter message = 'hop' and ispresent(reason)"
    " | stats count(*) as attempts by service, reason, outcome | sort attempts desc"
)

# ---- metrics and expressions -------------------------------------------------------------------


def _own(metric: Metric, service: str, stage: Stage, **more: Any) -> Row:
    dimensions = [
        [dimension["Name"], dimension["Value"]] for dimension in alarms.dimensions(service, stage)
    ]
    options = {"label": service, **more}
    return [NAMESPACE, metric.name, *(part for pair in dimensions for part in pair), options]


def _each(metric: Metric, services: Iterable[Definition], stage: Stage, stat: str) -> list[Row]:
    return [_own(metric, service.name, stage, stat=stat) for service in services]


def _spread(metric: Metric, queued: Iterable[Definition], stage: Stage) -> list[Row]:
    return [
        _own(metric, service.name, stage, stat=stat, label=f"{service.name} {stat}")
        for service in queued
        for stat in ("p50", "p99")
    ]


def _queue_age(definition: Definition, stage: Stage) -> Row:
    name = stage.called(definition.name)
    options = {"label": definition.name, "stat": "Maximum"}
    return ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", name, options]


def _runs(stage: Stage) -> list[Row]:
    return [
        _own(FAILED, "store", stage, stat="SampleCount", label="ended"),
        _own(FAILED, "store", stage, label="failed, not by the client's fault"),
    ]


def _repeated_effects(stage: Stage) -> list[Row]:
    rows: list[Row] = []
    for name, effects in alarms.EFFECTS_OF.items():
        counted, expected = f"effects_{name}", f"expected_{name}"
        rows += [
            _own(EFFECTS, name, stage, id=counted, visible=False),
            _own(EXPECTED_EFFECTS, name, stage, id=expected, visible=False),
            [{"expression": f"{counted} / {expected}", "label": effects, "id": f"ratio_{name}"}],
        ]
    return rows


def _throttled(queued: Iterable[Definition], stage: Stage) -> list[Row]:
    """Throttled calls: of each service, and Rekognition's own count for the whole account."""
    account: list[Row] = [
        ["AWS/Rekognition", "ThrottledCount", "Operation", name, {"label": f"account: {name}"}]
        for name in REKOGNITION
    ]
    return [*_each(THROTTLED, queued, stage, "Sum"), *account]


def _dead_letters(queued: Iterable[Definition], stage: Stage) -> list[Row]:
    dead_letters = [
        _own(DEAD_LETTERS, service.name, stage, label=f"dead letters of {service.name}")
        for service in queued
    ]
    return [*dead_letters, _own(REAPED, "reap", stage, label="no outcome after a day")]


def _function_errors(services: Iterable[Definition], stage: Stage) -> list[Row]:
    return [
        _function_metric(service, stage, metric, label=f"{service.name} {metric.lower()}")
        for service in services
        for metric in ("Errors", "Throttles")
    ]


def _longest_invocations(services: Iterable[Definition], stage: Stage) -> list[Row]:
    rows: list[Row] = []
    for service in services:
        duration, name = f"longest_{service.name}", f"share_{service.name}"
        expression = f"{duration} / {1000 * service.function.timeout}"
        rows += [
            _function_metric(
                service, stage, "Duration", stat="Maximum", id=duration, visible=False
            ),
            [{"expression": expression, "label": service.name, "id": name}],
        ]
    return rows


def _function_metric(definition: Definition, stage: Stage, metric: str, **options: Any) -> Row:
    name = stage.called(definition.name)
    return ["AWS/Lambda", metric, "FunctionName", name, options]


def _cost(services: tuple[Definition, ...], stage: Stage) -> list[Row]:
    """Rekognition, Lambda, their sum, and the sum for 1,000 ended runs: an estimate.

    At list prices of the first tier, without the free tier. Other AWS services are left out.
    """
    prices = Prices.load()
    rows: list[Row] = [
        _own(EFFECTS, "analyze", stage, id="detections", visible=False),
        _own(FAILED, "store", stage, id="runs", stat="SampleCount", visible=False),
    ]
    for service in services:
        rows += [
            _function_metric(service, stage, "Duration", id=f"ms_{service.name}", visible=False),
            _function_metric(
                service, stage, "Invocations", id=f"calls_{service.name}", visible=False
            ),
        ]
    compute = " + ".join(f"FILL({_compute(service, stage, prices)}, 0)" for service in services)
    calls = " + ".join(f"FILL(calls_{service.name}, 0)" for service in services)
    lambdas = f"{compute} + ({calls}) * {prices.functions.request:.7f}"
    return [
        *rows,
        _money("rekognition", "Rekognition", f"FILL(detections, 0) * {prices.detection('labels')}"),
        _money("functions", "Lambda", lambdas),
        _money("total", "both", "rekognition + functions"),
        _money("per_thousand", "both, for 1,000 runs", "1000 * total / runs"),
    ]


def _compute(definition: Definition, stage: Stage, prices: Prices) -> str:
    function = definition.function
    second = prices.functions.gigabyte_second[function.runs_on(stage.architecture)]
    price = second * function.memory / 1024 / 1000
    return f"ms_{definition.name} * {price:.12f}"


def _money(name: str, label: str, expression: str) -> Row:
    return [{"id": name, "label": label, "expression": expression}]


def _names(services: Iterable[Definition]) -> list[str]:
    return [service.name for service in services]
