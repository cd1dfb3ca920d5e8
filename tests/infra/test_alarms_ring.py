"""Every alarm on a number of ours rings when what it watches for really happens, and else does not.

The services are the real ones, in memory; what they put on standard output is read as CloudWatch
reads it, and held against prod's alarms: namespace, name, unit and dimensions have to be the very
ones. What AWS counts by itself is in test_alarms.py (its names) and tests/e2e (it rings).
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
"""Images: enough for a surplus that is more than what an hour's end may cut off."""


def ours():
    """Prod's alarms on what the pipeline tells of itself, by service and kind.

    A further service is watched by the same rules, but is no part of the saga in memory.
    """
    everyone = [definition for definition in definitions() if definition.name in PIPELINE]
    found = stage_template(everyone, PROD)["Resources"]
    return {
        (alarm.service, alarm.kind): found[alarm.logical]["Properties"]
        for definition in everyone
        for alarm in alarms.alarms(definition, PROD)
        if NAMESPACE in str(alarm.watches)
    }


OURS = ours()


# ---- what happens ------------------------------------------------------------------------------


def dead_letter(service):
    saga = LoggedSaga()
    saga.post(service, "nonsense")
    saga.run()


def throttled(service):
    """The service's first touch of its saga is asked to slow down."""
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
    """Let the first call of this part fail."""
    real, errors = getattr(part, name), [error]

    def refusing(*words, **more):
        if errors:
            raise errors.pop()
        return real(*words, **more)

    setattr(part, name, refusing)


def surplus(service):
    """Each worker dies between its effect and the note of it."""
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


def forgotten(_service):
    bench = ReapBench()
    bench.store(resized(1))
    bench.upload("nobody-heard.jpg")
    bench.steps.reap(Nowhere(), lambda: True)


class Nowhere:
    """A bookmark at the beginning."""

    def read(self):
        return BEGINNING

    def write(self, position):
        pass


HAPPENS = {
    "dead-letters": dead_letter,
    "throttled": throttled,
    "surplus": surplus,
    "failures": failed_run,
    "forgotten": forgotten,
}


# ---- how CloudWatch sees it --------------------------------------------------------------------


def points(lines):
    """Every value of every metric on these lines."""
    found = defaultdict(list)
    for line in lines:
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
            for names in directive["Dimensions"]:
                of = tuple(sorted((name, line[name]) for name in names))
                for each in directive["Metrics"]:
                    named = directive["Namespace"], each["Name"], each["Unit"], of
                    found[named].append(line[each["Name"]])
    return found


def values(watched, found):
    """Those of exactly the metric that is watched."""
    of = tuple(sorted((each["Name"], each["Value"]) for each in watched["Dimensions"]))
    return found.get((watched["Namespace"], watched["MetricName"], watched["Unit"], of), [])


def seen(alarm, found):
    """The figure that the alarm compares with its threshold; None where there is no data."""
    if "Metrics" in alarm:
        return expression(alarm["Metrics"], found)
    data = values(alarm, found)
    statistic = {"Sum": sum, "Average": fmean}[alarm["Statistic"]]
    return statistic(data) if data else None


def expression(queries, found):
    """CloudWatch's metric math, as much of it as we use, on one period. It reads as Python."""
    known = {"IF": lambda true, this, that: this if true else that}
    known["FILL"] = lambda value, otherwise: otherwise if value is None else value
    for query in queries:
        if "MetricStat" in query:
            stat = query["MetricStat"]
            data = values(stat["Metric"] | {"Unit": stat["Unit"]}, found)
            known[query["Id"]] = sum(data) if data else None
        elif None in (known.get("taken"), known.get(query["Id"], 0)):
            return None
        else:
            known[query["Id"]] = eval(query["Expression"], {}, known)
    (shown,) = [query["Id"] for query in queries if query["ReturnData"]]
    return known[shown]


def rings(alarm, found):
    figure = seen(alarm, found)
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    return figure is not None and figure > alarm["Threshold"]


# ---- the promises ------------------------------------------------------------------------------


@pytest.mark.parametrize(("service", "kind"), OURS)
def test_an_alarm_rings_when_what_it_watches_for_happens(service, kind):
    with captured_logs("reap", stage="prod") as out:
        HAPPENS[kind](service)
    assert rings(OURS[service, kind], points(lines(out)))


def test_no_alarm_rings_when_all_goes_well_and_an_uploader_errs():
    with captured_logs("reap", stage="prod") as out:
        saga = LoggedSaga(copies=2)
        for n in range(MANY):
            saga.upload(encoded(photo(160, 120, seed=n), "JPEG"), f"{n}.jpg")
        saga.upload(b"no picture", "notes.txt")
        saga.run()
        ReapBench().steps.reap(Nowhere(), lambda: True)
    found = points(lines(out))
    assert {key for key, alarm in OURS.items() if rings(alarm, found)} == set()
    assert {seen(OURS[name, "surplus"], found) for name in alarms.EFFECTS_OF} == {1}


def test_a_run_that_fails_by_the_uploaders_fault_counts_as_a_run_alone():
    with captured_logs("reap", stage="prod") as out:
        saga = LoggedSaga()
        saga.upload(b"no picture", "notes.txt")
        saga.run()
    found = points(lines(out))
    assert seen(OURS["store", "failures"], found) == 0


def test_an_event_that_calls_for_no_effect_wants_none():
    """Content that was analysed before is not paid again, and so none is missing either."""
    with captured_logs("reap", stage="prod") as out:
        saga = LoggedSaga()
        for name in ("one.jpg", "two.jpg"):
            completed(saga, name)
    found = points(lines(out))
    stats = [q["MetricStat"] for q in OURS["analyze", "surplus"]["Metrics"] if "MetricStat" in q]
    sums = [sum(values(stat["Metric"] | {"Unit": stat["Unit"]}, found)) for stat in stats]
    assert sums == [1, 1]


def test_every_service_that_has_effects_is_watched_for_their_surplus():
    telling_of_effects = {
        path.parent.name
        for path in SERVICES.glob("*/steps.py")
        if any(
            isinstance(node, ast.Name) and node.id == "EFFECTS"
            for node in ast.walk(ast.parse(path.read_text()))
        )
    }
    assert telling_of_effects == set(alarms.EFFECTS_OF)


def test_every_kind_of_what_happens_belongs_to_an_alarm():
    assert set(HAPPENS) == {kind for _, kind in OURS}


def test_our_metrics_are_a_few_dozen_however_much_goes_wrong():
    """Each costs $0.30 a month; what would multiply them stands beside them on the line."""
    with captured_logs("reap", stage="prod") as out:
        for service, kind in OURS:
            HAPPENS[kind](service)
    assert len(points(lines(out))) <= 40
