"""Every alarm on a metric of Darkroom fires when its problem occurs, and only then.

The real services run in memory. Their metrics on standard output are read as CloudWatch reads them
and compared with prod's alarms: namespace, name, unit and dimensions have to match. Metrics of AWS
are in test_alarms.py (names) and tests/e2e (firing).
"""

import ast
from collections import defaultdict
from pathlib import Path
from statistics import fmean

import pytest

from infra.cloudformation import alarms
from infra.config.definitions import definitions
from infra.config.stages import Stage
from infra.deploy.stage_template import stage_template
from services.reap.logic import BEGINNING
from shared.errors import Fault, PermanentError, Throttled
from shared.metrics import NAMESPACE
from tests.captured_logs import LoggedSaga, captured_logs, lines
from tests.infra.test_template import PIPELINE
from tests.pictures import encoded, photo
from tests.saga.test_reuse import completed
from tests.unit.reap.conftest import Bench as ReapBench
from tests.unit.reap.conftest import resized

PROD = Stage.load("prod")
PHOTO = encoded(photo(160, 120), "JPEG")
SERVICES = Path(__file__).parents[2] / "services"
MANY = 12
"""Images: enough for more repeated effects than the alarm allows."""


def own_alarms():
    """Prod's alarms on Darkroom's own metrics, by service and kind.

    Optional services are left out: they are no part of the saga in memory.
    """
    services = [definition for definition in definitions() if definition.name in PIPELINE]
    resources = stage_template(services, PROD)["Resources"]
    return {
        (alarm.service, alarm.kind): resources[alarm.logical]["Properties"]
        for definition in services
        for alarm in alarms.alarms(definition, PROD)
        if NAMESPACE in str(alarm.metric)
    }


OWN_ALARMS = own_alarms()


# ---- the problems ------------------------------------------------------------------------------


def dead_letter(service):
    saga = LoggedSaga()
    saga.post(service, "nonsense")
    saga.run()


def throttled(service):
    """The first AWS call of the service is throttled."""
    saga = LoggedSaga()
    slow = Throttled("throttled", "slow down")
    {
        "resize": lambda: refuse(saga.uploads, "get", slow),
        "analyze": lambda: saga.recognizer.failures.append(slow),
        "store": lambda: refuse(saga.records, "read", slow),
        "notify": lambda: refuse(saga.notifications, "send", slow),
    }[service]()
    saga.upload(PHOTO)
    saga.run()


def refuse(part, name, error):
    """Let the first call of a method fail."""
    real, errors = getattr(part, name), [error]

    def refusing(*words, **more):
        if errors:
            raise errors.pop()
        return real(*words, **more)

    setattr(part, name, refusing)


def repeated_effects(service):
    """Each worker dies between its effect and recording it."""
    moment = {
        "resize": "resize: before bus.publish",
        "analyze": "analyze: before processed.replace",
        "notify": "notify: before ledger.complete",
    }
    saga = LoggedSaga()
    saga.kill_once = moment[service]
    for n in range(MANY):
        saga.killed.clear()
        saga.upload(encoded(photo(160, 120, seed=n), "JPEG"), f"{n}.jpg")
        saga.run()


def failed_run(_service):
    saga = LoggedSaga()
    saga.recognizer.failures = [
        PermanentError("refused-by-rekognition", "no", fault=Fault.INTERNAL)
    ]
    saga.upload(PHOTO)
    saga.run()


def no_outcome(_service):
    bench = ReapBench()
    bench.store(resized(1))
    bench.upload("nobody-heard.jpg")
    bench.steps.reap(AtTheStart(), lambda: True)


class AtTheStart:
    """A sweep cursor at the start."""

    def read(self):
        return BEGINNING

    def write(self, position):
        pass


PROBLEMS = {
    "dead-letters": dead_letter,
    "throttled": throttled,
    "repeated-effects": repeated_effects,
    "failures": failed_run,
    "no-outcome": no_outcome,
}


# ---- CloudWatch ------------------------------------------------------------------------------


def points(log_lines):
    """Every value of every metric in these log lines."""
    measured = defaultdict(list)
    for line in log_lines:
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
            for names in directive["Dimensions"]:
                of = tuple(sorted((name, line[name]) for name in names))
                for each in directive["Metrics"]:
                    named = directive["Namespace"], each["Name"], each["Unit"], of
                    measured[named].append(line[each["Name"]])
    return measured


def values(metric, measured):
    """The values of an alarm's metric."""
    of = tuple(sorted((each["Name"], each["Value"]) for each in metric["Dimensions"]))
    return measured.get((metric["Namespace"], metric["MetricName"], metric["Unit"], of), [])


def value(alarm, measured):
    """The value that the alarm compares with its threshold; None without data."""
    if "Metrics" in alarm:
        return expression(alarm["Metrics"], measured)
    data = values(alarm, measured)
    statistic = {"Sum": sum, "Average": fmean}[alarm["Statistic"]]
    return statistic(data) if data else None


def expression(queries, measured):
    """Evaluate the metric math of an alarm for one period. Its syntax is also valid Python."""
    names = {"IF": lambda true, this, that: this if true else that}
    names["FILL"] = lambda value, otherwise: otherwise if value is None else value
    for query in queries:
        if "MetricStat" in query:
            stat = query["MetricStat"]
            data = values(stat["Metric"] | {"Unit": stat["Unit"]}, measured)
            names[query["Id"]] = sum(data) if data else None
        elif None in (names.get("effects"), names.get(query["Id"], 0)):
            return None
        else:
            names[query["Id"]] = eval(query["Expression"], {}, names)
    (shown,) = [query["Id"] for query in queries if query["ReturnData"]]
    return names[shown]


def fires(alarm, measured):
    figure = value(alarm, measured)
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    return figure is not None and figure > alarm["Threshold"]


# ---- the tests ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("service", "kind"), OWN_ALARMS)
def test_an_alarm_fires_when_its_problem_occurs(service, kind):
    with captured_logs("reap", stage="prod") as out:
        PROBLEMS[kind](service)
    assert fires(OWN_ALARMS[service, kind], points(lines(out)))


def test_no_alarm_fires_for_completed_runs_and_client_faults():
    with captured_logs("reap", stage="prod") as out:
        saga = LoggedSaga(copies=2)
        for n in range(MANY):
            saga.upload(encoded(photo(160, 120, seed=n), "JPEG"), f"{n}.jpg")
        saga.upload(b"no picture", "notes.txt")
        saga.run()
        ReapBench().steps.reap(AtTheStart(), lambda: True)
    measured = points(lines(out))
    assert {key for key, alarm in OWN_ALARMS.items() if fires(alarm, measured)} == set()
    assert {
        value(OWN_ALARMS[name, "repeated-effects"], measured) for name in alarms.EFFECTS_OF
    } == {1}


def test_a_run_that_fails_by_the_clients_fault_is_no_failure():
    with captured_logs("reap", stage="prod") as out:
        saga = LoggedSaga()
        saga.upload(b"no picture", "notes.txt")
        saga.run()
    measured = points(lines(out))
    assert value(OWN_ALARMS["store", "failures"], measured) == 0


def test_an_event_without_an_effect_expects_none():
    """Content that was analysed before is not paid again, and no effect is expected."""
    with captured_logs("reap", stage="prod") as out:
        saga = LoggedSaga()
        for name in ("one.jpg", "two.jpg"):
            completed(saga, name)
    measured = points(lines(out))
    stats = [
        q["MetricStat"]
        for q in OWN_ALARMS["analyze", "repeated-effects"]["Metrics"]
        if "MetricStat" in q
    ]
    sums = [sum(values(stat["Metric"] | {"Unit": stat["Unit"]}, measured)) for stat in stats]
    assert sums == [1, 1]


def test_every_service_with_effects_has_an_alarm_on_repeats():
    with_effects = {
        path.parent.name
        for path in SERVICES.glob("*/steps.py")
        if any(
            isinstance(node, ast.Name) and node.id == "EFFECTS"
            for node in ast.walk(ast.parse(path.read_text()))
        )
    }
    assert with_effects == set(alarms.EFFECTS_OF)


def test_every_problem_here_belongs_to_an_alarm():
    assert set(PROBLEMS) == {kind for _, kind in OWN_ALARMS}


def test_there_are_at_most_40_metrics_whatever_fails():
    """Each metric costs $0.30 a month, so image ids and reasons are fields and not dimensions."""
    with captured_logs("reap", stage="prod") as out:
        for service, kind in OWN_ALARMS:
            PROBLEMS[kind](service)
    assert len(points(lines(out))) <= 40
