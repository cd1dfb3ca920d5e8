"""Every alarm: on what Darkroom promises, and on what would let it break a promise unseen.

Each is called darkroom-<stage>-<service>-<kind>, acts on the topic `alerts`, and has an entry under
its kind in docs/runbook.md. What is over by itself (a dead letter, an error) only rings; what lasts
also reports its end.
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

# A hop takes seconds. A message that waits a quarter of an hour waits for somebody to look.
STALE_SECONDS = 900

# Rescue takes seconds. A dead letter still there after this many minutes is one it cannot rescue.
RESCUE_MINUTES = 5

# Runs that a scheduled service may miss in a row before someone has to look.
MISSED_RUNS = 3

# Of its timeout: what takes longer than this is about to be killed, with its whole batch.
NEAR_TIMEOUT = 0.9

# Of the runs that ended in a quarter of an hour; what the uploader has to mend is no failure here.
FAILED_SHARE, FAILED_PERIOD = 0.05, 900  # s

# Throttling that is over within a quarter of an hour mends itself.
THROTTLED_PERIODS, THROTTLED_PERIOD = 3, 300  # s

# Repeated effects in an hour: so many may be those of a batch that an hour's end has cut in two.
SURPLUS = 5
SURPLUS_SHARE = 1.1

# Who has effects that cost or are heard, and which.
EFFECTS_OF = {
    "resize": "sets of renditions made",
    "analyze": "detections paid for",
    "notify": "notifications sent",
}


@dataclass(frozen=True)
class Alarm:
    """One alarm; the figures are in the unit of what it watches."""

    kind: str  # its entry in the runbook
    service: str
    says: str  # what is wrong when it rings
    watches: Json  # one metric with its statistic and period, or several and an expression
    above: float = 0
    below: float | None = None  # instead of `above`
    periods: int = 1
    lasting: bool = False  # also reports its end
    missing: str = "notBreaching"  # what is idle reports nothing

    @property
    def logical(self) -> str:
        words = "".join(word.capitalize() for word in self.kind.split("-"))
        return cfn.logical(self.service, f"{words}Alarm")

    def resource(self, stage: Stage) -> Json:
        rings = [cfn.ref(TOPIC)]
        properties = {
            "AlarmName": stage.called(self.service, self.kind),
            "AlarmDescription": f"{self.service}: {self.says}. See docs/runbook.md, {self.kind}.",
            **self.watches,
            "EvaluationPeriods": self.periods,
            **self._bound,
            "TreatMissingData": self.missing,
            "AlarmActions": rings,
            **({"OKActions": rings} if self.lasting else {}),
        }
        return cfn.resource("CloudWatch::Alarm", properties)

    @property
    def _bound(self) -> Json:
        if self.below is not None:
            return {"ComparisonOperator": "LessThanThreshold", "Threshold": self.below}
        return {"ComparisonOperator": "GreaterThanThreshold", "Threshold": self.above}


def resources(everyone: Iterable[Definition], stage: Stage) -> Json:
    """Every alarm of the stage."""
    found = [alarm for definition in everyone for alarm in alarms(definition, stage)]
    return {alarm.logical: alarm.resource(stage) for alarm in found}


def alarms(definition: Definition, stage: Stage) -> list[Alarm]:
    """The alarms of one service."""
    found = [*_of_function(definition)]
    if definition.queued:
        found += _of_queues(definition, stage)
    if definition.schedule:
        found += [_silent(definition)]
    if definition.http:
        found += [_server_errors(definition, stage)]
    return found + _of_its_own(definition, stage)


def _of_function(definition: Definition) -> Iterator[Alarm]:
    """What Lambda says of a function: it failed, nearly timed out, or was not let run."""
    name = definition.name
    yield Alarm("errors", name, "the function failed or timed out", _lambda(name, "Errors", "Sum"))
    yield Alarm(
        "slow",
        name,
        f"the function took {NEAR_TIMEOUT:.0%} of its timeout",
        _lambda(name, "Duration", "Maximum"),
        above=round(1000 * NEAR_TIMEOUT * definition.function.timeout),
    )
    yield Alarm(
        "held-back",
        name,
        "Lambda keeps the function from running: the account's concurrency is used up",
        _lambda(name, "Throttles", "Sum", THROTTLED_PERIOD),
        periods=THROTTLED_PERIODS,
        lasting=True,
    )


def _of_queues(definition: Definition, stage: Stage) -> Iterator[Alarm]:
    """A message waits too long, or was given up, or is given up and not kept either.

    A letter is counted by rescue, which has it before a depth could show it. One on which rescue
    fails is in its hands for nearly all the time, until it is visible again and taken again; where
    rescue does not run, letters wait. Their age is no measure: SQS leaves out what was received
    three times.
    """
    name = definition.name
    dead = cfn.logical(name, "DeadLetters")
    yield Alarm(
        "stale",
        name,
        f"a message waits for more than {STALE_SECONDS // MINUTE} minutes",
        _sqs(cfn.logical(name, "Queue"), "ApproximateAgeOfOldestMessage"),
        above=STALE_SECONDS,
        lasting=True,
    )
    yield Alarm("dead-letters", name, "gave up a message", _own(DEAD_LETTERS, name, stage, "Sum"))
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
        "nobody rescues the dead letters",
        _sqs(dead, "ApproximateNumberOfMessagesVisible"),
        periods=RESCUE_MINUTES,
        lasting=True,
    )
    yield Alarm(
        "throttled",
        name,
        "AWS goes on asking to slow down",
        _own(THROTTLED, name, stage, "Sum", THROTTLED_PERIOD),
        periods=THROTTLED_PERIODS,
        lasting=True,
    )


def _silent(definition: Definition) -> Alarm:
    """A scheduled service that nobody wakes any more fails at nothing: that it does not run shows.

    It rings from the first deployment to the first run.
    """
    return Alarm(
        "silent",
        definition.name,
        f"missed {MISSED_RUNS} runs",
        _lambda(definition.name, "Invocations", "Sum", definition.every),
        below=1,
        periods=MISSED_RUNS,
        lasting=True,
        missing="breaching",
    )


def _server_errors(definition: Definition, stage: Stage) -> Alarm:
    """The function says so itself, without failing."""
    metric = api_gateway.alarm_metric(definition, stage) | {"Statistic": "Sum", "Period": MINUTE}
    return Alarm("server-errors", definition.name, "a request was answered with 5xx", metric)


def _of_its_own(definition: Definition, stage: Stage) -> list[Alarm]:
    """Alarms on the metrics that only this service writes."""
    name = definition.name
    found = []
    if name == "store":
        share = _own(FAILED, name, stage, "Average", FAILED_PERIOD)
        says = f"more than {FAILED_SHARE:.0%} of the runs failed, not by the uploader's fault"
        found += [Alarm("failures", name, says, share, above=FAILED_SHARE, lasting=True)]
    if name == "reap":
        forgotten = _own(REAPED, name, stage, "Sum")
        found += [Alarm("forgotten", name, "an upload has not ended within a day", forgotten)]
    if name in EFFECTS_OF and not stage.local:  # MiniStack refuses expressions
        found += [_surplus(name, stage)]
    return found


def _surplus(name: str, stage: Stage) -> Alarm:
    """Each effect happens once for each event that calls for it. More is paid, or heard, twice."""
    says = f"more {EFFECTS_OF[name]} than were called for"
    ratio = f"IF(taken > called + {SURPLUS}, taken / IF(called > 0, called, 1), 1)"
    metrics = [
        {"Id": "taken", "ReturnData": False, "MetricStat": _hourly(EFFECTS, name, stage)},
        {"Id": "wanted", "ReturnData": False, "MetricStat": _hourly(EXPECTED_EFFECTS, name, stage)},
        {"Id": "called", "ReturnData": False, "Expression": "FILL(wanted, 0)"},
        {"Id": "ratio", "ReturnData": True, "Expression": ratio, "Label": "effects for one wanted"},
    ]
    return Alarm("surplus", name, says, {"Metrics": metrics}, above=SURPLUS_SHARE)


def _hourly(metric: Metric, service: str, stage: Stage) -> Json:
    watched = {
        "Namespace": NAMESPACE,
        "MetricName": metric.name,
        "Dimensions": dimensions(service, stage),
    }
    return {"Metric": watched, "Period": HOUR, "Stat": "Sum", "Unit": metric.unit}


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
    """Those of every metric of ours."""
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
