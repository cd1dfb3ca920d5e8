"""The dashboard draws what there is: a misspelt metric would be an empty chart for ever."""

import json
import re
from itertools import combinations

import pytest

from infra.cloudformation import alarms
from infra.config.prices import Prices
from infra.config.stages import Stage
from infra.deploy.stage_template import stage_template
from shared.errors import Fault, PermanentError
from shared.metrics import METRICS, NAMESPACE
from tests.captured_logs import LoggedSaga, captured_logs, lines
from tests.infra.test_alarms import DOCUMENTED
from tests.pictures import encoded, photo

PROD = Stage.load("prod")
WORDS = {"filter", "stats", "sort", "count", "as", "by", "and", "desc", "ispresent"}


@pytest.fixture(scope="module")
def widgets(everyone):
    properties = stage_template(everyone, PROD)["Resources"]["Dashboard"]["Properties"]
    body = properties["DashboardBody"]["Fn::Sub"]
    assert set(re.findall(r"\$\{([^}]*)\}", body)) == {
        "AWS::AccountId",
        "AWS::Partition",
        "AWS::Region",
    }
    return json.loads(body)["widgets"]


def rows(widgets):
    """Every metric that is drawn: namespace, name, and its dimensions."""
    for widget in widgets:
        for row in widget["properties"].get("metrics", ()):
            if isinstance(row[0], str):
                namespace, name, *dimensions = row[:-1]
                yield namespace, name, dict(zip(dimensions[::2], dimensions[1::2], strict=True))


def chart(widgets, title):
    (found,) = [w["properties"] for w in widgets if w["properties"]["title"].startswith(title)]
    return found


@pytest.mark.parametrize("name", ["local", "dev", "prod"])
def test_every_stage_but_an_emulators_has_its_own(everyone, name):
    stage = Stage.load(name)
    found = stage_template(everyone, stage)["Resources"].get("Dashboard")
    assert (found and found["Properties"]["DashboardName"]) == (
        None if stage.local else f"darkroom-{name}"
    )


def test_widgets_lie_side_by_side(widgets):
    spots = [
        {(w["x"] + x, w["y"] + y) for x in range(w["width"]) for y in range(w["height"])}
        for w in widgets
    ]
    assert not any(one & other for one, other in combinations(spots, 2))
    assert max(x for spot in spots for x, _ in spot) < 24


def test_every_number_of_ours_is_drawn_of_services_that_there_are(widgets, everyone):
    ours = [(name, of) for namespace, name, of in rows(widgets) if namespace == NAMESPACE]
    assert {name for name, _ in ours} == {metric.name for metric in METRICS}
    assert {of["stage"] for _, of in ours} == {"prod"}
    assert {of["service"] for _, of in ours} <= {each.name for each in everyone}


def test_what_is_drawn_of_aws_is_what_aws_documents(widgets):
    for namespace, name, of in rows(widgets):
        if namespace != NAMESPACE:
            assert list(of) in DOCUMENTED[namespace]["metrics"][name]["dimensions"]


def test_every_alarm_is_shown(widgets, everyone):
    shown = {each.rpartition(":")[2] for each in widgets[0]["properties"]["alarms"]}
    assert shown == {
        PROD.called(alarm.service, alarm.kind)
        for each in PROD.run(everyone)
        for alarm in alarms.alarms(each, PROD)
    }


def test_an_expression_uses_what_its_chart_has(widgets):
    for widget in widgets:
        found = [row[-1] for row in widget["properties"].get("metrics", ())]
        known = {each["id"] for each in found if "id" in each}
        for each in found:
            used = set(re.findall(r"\b[a-z]\w*\b", each.get("expression", "")))
            assert used <= known


def test_a_query_groups_by_what_the_lines_say(widgets):
    with captured_logs("store") as out:
        saga = LoggedSaga()
        saga.recognizer.failures = [PermanentError("refused", "no", fault=Fault.INTERNAL)]
        saga.upload(encoded(photo(120, 80), "JPEG"))
        saga.run()
    said = {"hop": set(), "the run ended": set()}
    for line in lines(out):
        said.setdefault(line["message"], set()).update(line)
    queries = [w["properties"]["query"] for w in widgets if w["type"] == "log"]
    for query, message in zip(queries, ("the run ended", "hop"), strict=True):
        words = re.sub(r"SOURCE '[^']*' \| |'[^']*'", "", query)
        named = set(re.findall(r"[a-z]+", words)) - WORDS - {"runs", "tries"}
        assert named <= said[message]


def test_a_query_reads_logs_that_there_are(widgets, everyone):
    groups = {f"/aws/lambda/{PROD.called(each.name)}" for each in everyone}
    queries = [w["properties"]["query"] for w in widgets if w["type"] == "log"]
    assert all(set(re.findall(r"SOURCE '([^']*)'", query)) <= groups for query in queries)


def test_the_cost_is_that_of_detections_and_of_the_functions_time(widgets, everyone):
    found = {row[-1]["id"]: row[-1] for row in chart(widgets, "Cost")["metrics"]}
    values = dict.fromkeys(found, None) | {"detections": 4000, "runs": 1000}
    values |= {"ms_resize": 1_000_000, "calls_resize": 1000}
    known = {name: Missing() if value is None else value for name, value in values.items()}
    known["FILL"] = lambda value, filling: filling if isinstance(value, Missing) else value
    for name in ("rekognition", "functions", "total", "each"):
        known[name] = eval(found[name]["expression"], {}, known)
    (resize,) = [each for each in everyone if each.name == "resize"]
    seconds = (
        1000 * resize.function.memory / 1024 * Prices.load().functions.gigabyte_second["x86_64"]
    )
    assert known["rekognition"] == pytest.approx(4.0)
    assert known["functions"] == pytest.approx(seconds + 1000 * 0.0000002, rel=1e-4)
    assert known["each"] == pytest.approx(known["total"])


class Missing:
    """A metric without data: whatever is made of it has none either."""

    def __mul__(self, other):
        return self
