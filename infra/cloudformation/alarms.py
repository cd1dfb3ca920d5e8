"""The CloudWatch alarms of a stage.

An alarm is called darkroom-<stage>-<service>-<kind>, publishes to the topic `alerts`, and has an
entry under its kind in docs/runbook.md. An alarm on a single event (a dead letter, an error) has no
OK action. An alarm on a state that lasts also notifies when it is OK again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from infra.cloudformation import api_gateway, cfn
from infra.cloudformation.cfn import Json
from infra.config.definitions import Definition
from infra.config.stages import Stage
from shared.metrics import (
    DEAD_LETTERS,
    DIMENSIONS,
    EFFECTS,
    EXPECTED_EFFECTS,
    FAILED,
    NAMESPACE,
    REAPED,
    THROTTLED,
    Metric,
)

TOPIC = "AlertsTopic"

MINUTE, HOUR = 60, 3600  # s

# A hop takes seconds. A message that waits for 15 minutes needs attention.
STALE_SECONDS = 900

# Rescue takes seconds. It cannot handle a dead letter that is still there after so many minutes.
RESCUE_MINUTES = 5

# Runs in a row that a scheduled service may miss before the alarm.
MISSED_RUNS = 3

# Share of the timeout. A slower invocation may soon be killed, with its whole batch.
NEAR_TIMEOUT = 0.9

# Share of the runs that ended in 15 minutes. Failures with fault `client` do not count.
FAILED_SHARE, FAILED_PERIOD = 0.05, 900  # s

# Throttling that ends within 15 minutes needs no attention.
THROTTLED_PERIODS, THROTTLED_PERIOD = 3, 300  # s

# Repeated effects that an hour may show without an alarm: the end of the hour can split a batch, so
# that its effects and its expected effects are counted in different hours.
ALLOWED_REPEATS = 5
REPEATS_RATIO = 1.1

# The services whose effects cost money or reach subscribers, and the name of the effects.
EFFECTS_OF = {
    "resize": "rendition sets created",
    "analyze": "detections paid",
    "notify": "notifications sent",
}


@dataclass(frozen=True)
class Alarm:
    """One alarm. Thresholds are in the unit of the metric."""

    kind: str  # the heading of its entry in the runbook
    service: str
    problem: str  # what is wrong in the state ALARM
    metric: Json  # a metric with statistic and period, or several and an expression
    above: float = 0
    below: float | None = None  # instead of `above`
    periods: int = 1
    lasting: bool = False  # also notifies on OK
    missing: str = "notBreaching"  # an idle service sends no data

    @property
    def logical(self) -> str:
        words = "".join(word.capitalize() for word in self.kind.split("-"))
        return cfn.logical(self.service, f"{words}Alarm")

    def resource(self, stage: Stage) -> Json:
        actions = [cfn.ref(TOPIC)]
        properties = {
            "AlarmName": stage.called(self.service, self.kind),
            "AlarmDescription": (
                f"{self.service}: {self.problem}. See docs/runbook.md, {self.kind}."
            ),
            **self.metric,
            "EvaluationPeriods": self.periods,
            **self._bound,
            "TreatMissingData": self.missing,
            "AlarmActions": actions,
            **({"OKActions": actions} if self.lasting else {}),
        }
        return cfn.resource("CloudWatch::Alarm", properties)

    @property
    def _bound(self) -> Json:
        if self.below is not None:
            return {"ComparisonOperator": "LessThanThreshold", "Threshold": self.below}
        return {"ComparisonOperator": "GreaterThanThreshold", "Threshold": self.above}


def resources(services: Iterable[Definition], stage: Stage) -> Json:
    """Every alarm of the stage."""
    return {
        alarm.logical: alarm.resource(stage)
        for definition in services
        for alarm in alarms(definition, stage)
    }


def alarms(definition: Definition, stage: Stage) -> list[Alarm]:
    """The alarms of one service."""
    service_alarms = [*_function_alarms(definition)]
    if definition.queued:
        service_alarms += _queue_alarms(definition, stage)
    if definition.schedule:
        service_alarms += [_missed_schedule(definition)]
    if definition.http:
        service_alarms += [_server_errors(definition, stage)]
    return service_alarms + _own_metric_alarms(definition, stage)


def _function_alarms(definition: Definition) -> Iterator[Alarm]:
    """Alarms on Lambda's metrics: errors, long durations and throttles."""
    name = definition.name
    yield Alarm("errors", name, "the function failed or timed out", _lambda(name, "Errors", "Sum"))
    yield Alarm(
        "slow",
        name,
        f"an invocation took {NEAR_TIMEOUT:.0%} of the timeout",
        _lambda(name, "Duration", "Maximum"),
        above=round(1000 * NEAR_TIMEOUT * definition.function.timeout),
    )
    yield Alarm(
        "concurrency-limit",
        name,
        "Lambda refuses to run the function: the account's concurrency is in use",
        _lambda(name, "Throttles", "Sum", THROTTLED_PERIOD),
        periods=THROTTLED_PERIODS,
        lasting=True,
    )


def _queue_alarms(definition: Definition, stage: Stage) -> Iterator[Alarm]:
    """Alarms on a service's queue, its dead-letter queue and its throttled calls.

    Rescue counts the dead letters itself: it receives one before the queue's depth could show it.
    A dead letter on which rescue fails is in flight (not visible) nearly all the time. If rescue
    does not run, dead letters stay visible. Their age is no measure: SQS leaves messages that were
    received three times out of it.
    """
    name = definition.name
    dead = cfn.logical(name, "DeadLetters")
    yield Alarm(
        "stale",
        name,
        f"a message has waited for more than {STALE_SECONDS // MINUTE} minutes",
        _sqs(cfn.logical(name, "Queue"), "ApproximateAgeOfOldestMessage"),
        above=STALE_SECONDS,
        lasting=True,
    )
    yield Alarm(
        "dead-letters", name, "a message was dead-lettered", _own(DEAD_LETTERS, name, stage, "Sum")
    )
    yield Alarm(
        "rescue-fails",
        name,
        "rescue fails on a dead letter",
        _sqs(dead, "ApproximateNumberOfMessagesNotVisible"),
        periods=RESCUE_MINUTES,
        lasting=True,
    )
    yield Alarm(
        "rescue-idle",
        name,
        "dead letters wait: rescue does not run",
        _sqs(dead, "ApproximateNumberOfMessagesVisible"),
        periods=RESCUE_MINUTES,
        lasting=True,
    )
    yield Alarm(
        "throttled",
        name,
        "AWS has throttled the service for 15 minutes",
        _own(THROTTLED, name, stage, "Sum", THROTTLED_PERIOD),
        periods=THROTTLED_PERIODS,
        lasting=True,
    )


def _missed_schedule(definition: Definition) -> Alarm:
    """A scheduled service that is not invoked reports no error, so missing invocations are watched.

    The alarm is active from the first deployment to the first run.
    """
    return Alarm(
        "missed-schedule",
        definition.name,
        f"missed {MISSED_RUNS} runs",
        _lambda(definition.name, "Invocations", "Sum", definition.every),
        below=1,
        periods=MISSED_RUNS,
        lasting=True,
        missing="breaching",
    )


def _server_errors(definition: Definition, stage: Stage) -> Alarm:
    """A 5xx response is no Lambda error: the function returns it."""
    metric = api_gateway.alarm_metric(definition, stage) | {"Statistic": "Sum", "Period": MINUTE}
    return Alarm(
        "server-errors", definition.name, "a request was answered with a 5xx status", metric
    )


def _own_metric_alarms(definition: Definition, stage: Stage) -> list[Alarm]:
    """Alarms on metrics that only this service publishes."""
    name = definition.name
    service_alarms = []
    if name == "store":
        share = _own(FAILED, name, stage, "Average", FAILED_PERIOD)
        problem = f"more than {FAILED_SHARE:.0%} of the runs failed, and not by the client's fault"
        service_alarms += [
            Alarm("failures", name, problem, share, above=FAILED_SHARE, lasting=True)
        ]
    if name == "reap":
        reaped = _own(REAPED, name, stage, "Sum")
        service_alarms += [Alarm("no-outcome", name, "an upload had no outcome for a day", reaped)]
    if name in EFFECTS_OF and not stage.local:  # MiniStack supports no metric math
        service_alarms += [_repeated_effects(name, stage)]
    return service_alarms


def _repeated_effects(name: str, stage: Stage) -> Alarm:
    """More effects than expected: some were paid, or delivered, more than once."""
    problem = f"more {EFFECTS_OF[name]} than expected"
    ratio = (
        f"IF(effects > expected + {ALLOWED_REPEATS}, effects / IF(expected > 0, expected, 1), 1)"
    )
    metrics = [
        {"Id": "effects", "ReturnData": False, "MetricStat": _hourly(EFFECTS, name, stage)},
        {
            "Id": "counted",
            "ReturnData": False,
            "MetricStat": _hourly(EXPECTED_EFFECTS, name, stage),
        },
        {"Id": "expected", "ReturnData": False, "Expression": "FILL(counted, 0)"},
        {
            "Id": "ratio",
            "ReturnData": True,
            "Expression": ratio,
            "Label": "effects per expected effect",
        },
    ]
    return Alarm("repeated-effects", name, problem, {"Metrics": metrics}, above=REPEATS_RATIO)


def _hourly(metric: Metric, service: str, stage: Stage) -> Json:
    source = {
        "Namespace": NAMESPACE,
        "MetricName": metric.name,
        "Dimensions": dimensions(service, stage),
    }
    return {"Metric": source, "Period": HOUR, "Stat": "Sum", "Unit": metric.unit}


def _own(metric: Metric, service: str, stage: Stage, statistic: str, period: int = MINUTE) -> Json:
    return {
        "Namespace": NAMESPACE,
        "MetricName": metric.name,
        "Dimensions": dimensions(service, stage),
        "Unit": metric.unit,
        "Statistic": statistic,
        "Period": period,
    }


def dimensions(service: str, stage: Stage) -> list[Json]:
    """The dimensions of every metric that Darkroom publishes."""
    values = zip(DIMENSIONS, (stage.name, service), strict=True)
    return [{"Name": name, "Value": value} for name, value in values]


def _sqs(queue: str, metric: str) -> Json:
    return {
        "Namespace": "AWS/SQS",
        "MetricName": metric,
        "Dimensions": [{"Name": "QueueName", "Value": cfn.att(queue, "QueueName")}],
        "Statistic": "Maximum",
        "Period": MINUTE,
    }


def _lambda(service: str, metric: str, statistic: str, period: int = MINUTE) -> Json:
    function = cfn.ref(cfn.logical(service, "Function"))
    return {
        "Namespace": "AWS/Lambda",
        "MetricName": metric,
        "Dimensions": [{"Name": "FunctionName", "Value": function}],
        "Statistic": statistic,
        "Period": period,
    }
