"""The dashboard: every metric exists. A misspelt metric would be an empty chart."""

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
def widgets(services):
    properties = stage_template(services, PROD)["Resources"]["Dashboard"]["Properties"]
    body = properties["DashboardBody"]["Fn::Sub"]
    assert set(re.findall(r"\$\{([^}]*)\}", body)) == {
        "AWS::AccountId",
        "AWS::Partition",
        "AWS::Region",
    }
    return json.loads(body)["widgets"]


def rows(widgets):
    """Every metric of the widgets: namespace, name and dimensions."""
    for widget in widgets:
        for row in widget["properties"].get("metrics", ()):
            if isinstance(row[0], str):
                namespace, name, *dimensions = row[:-1]
                yield namespace, name, dict(zip(dimensions[::2], dimensions[1::2], strict=True))


def chart(widgets, title):
    (found,) = [w["properties"] for w in widgets if w["properties"]["title"].startswith(title)]
    return found


@pytest.mark.parametrize("name", ["local", "dev", "prod"])
def test_every_stage_on_aws_has_a_dashboard(services, name):
    stage = Stage.load(name)
    found = stage_template(services, stage)["Resources"].get("Dashboard")
    assert (found and found["Properties"]["DashboardName"]) == (
        None if stage.local else f"darkroom-{name}"
    )


def test_widgets_do_not_overlap(widgets):
    spots = [
        {(w["x"] + x, w["y"] + y) for x in range(w["width"]) for y in range(w["height"])}
        for w in widgets
    ]
    assert not any(one & other for one, other in combinations(spots, 2))
    assert max(x for spot in spots for x, _ in spot) < 24


def test_every_metric_of_darkroom_is_shown_for_existing_services(widgets, services):
    own = [(name, of) for namespace, name, of in rows(widgets) if namespace == NAMESPACE]
    assert {name for name, _ in own} == {metric.name for metric in METRICS}
    assert {of["stage"] for _, of in own} == {"prod"}
    assert {of["service"] for _, of in own} <= {each.name for each in services}


def test_every_aws_metric_is_documented_by_aws(widgets):
    for namespace, name, of in rows(widgets):
        if namespace != NAMESPACE:
            assert list(of) in DOCUMENTED[namespace]["metrics"][name]["dimensions"]


def test_every_alarm_is_shown(widgets, services):
    shown = {each.rpartition(":")[2] for each in widgets[0]["properties"]["alarms"]}
    assert shown == {
        PROD.called(alarm.service, alarm.kind)
        for each in PROD.run(services)
        for alarm in alarms.alarms(each, PROD)
    }


def test_an_expression_uses_only_ids_of_its_chart(widgets):
    for widget in widgets:
        found = [row[-1] for row in widget["properties"].get("metrics", ())]
        known = {each["id"] for each in found if "id" in each}
        for each in found:
            used = set(re.findall(r"\b[a-z]\w*\b", each.get("expression", "")))
            assert used <= known


def test_a_query_groups_by_fields_of_the_log_lines(widgets):
    with captured_logs("store") as out:
        saga = LoggedSaga()
        saga.recognizer.failures = [PermanentError("refused", "no", fault=Fault.INTERNAL)]
        saga.upload(encoded(photo(120, 80), "JPEG"))
        saga.run()
    fields = {"hop": set(), "the run ended": set()}
    for line in lines(out):
        fields.setdefault(line["message"], set()).update(line)
    queries = [w["properties"]["query"] for w in widgets if w["type"] == "log"]
    for query, message in zip(queries, ("the run ended", "hop"), strict=True):
        words = re.sub(r"SOURCE '[^']*' \| |'[^']*'", "", query)
        named = set(re.findall(r"[a-z]+", words)) - WORDS - {"runs", "attempts"}
        assert named <= fields[message]


def test_a_query_reads_existing_log_groups(widgets, services):
    groups = {f"/aws/lambda/{PROD.called(each.name)}" for each in services}
    queries = [w["properties"]["query"] for w in widgets if w["type"] == "log"]
    assert all(set(re.findall(r"SOURCE '([^']*)'", query)) <= groups for query in queries)


def test_the_cost_is_that_of_detections_and_lambda(widgets, services):
    found = {row[-1]["id"]: row[-1] for row in chart(widgets, "Cost")["metrics"]}
    values = dict.fromkeys(found, None) | {"detections": 4000, "runs": 1000}
    values |= {"ms_resize": 1_000_000, "calls_resize": 1000}
    known = {name: Missing() if value is None else value for name, value in values.items()}
    known["FILL"] = lambda value, filling: filling if isinstance(value, Missing) else value
    for name in ("rekognition", "functions", "total", "per_thousand"):
        known[name] = eval(found[name]["expression"], {}, known)
    (resize,) = [each for each in services if each.name == "resize"]
    seconds = (
        1000 * resize.function.memory / 1024 * Prices.load().functions.gigabyte_second["x86_64"]
    )
    assert known["rekognition"] == pytest.approx(4.0)
    assert known["functions"] == pytest.approx(seconds + 1000 * 0.0000002, rel=1e-4)
    assert known["per_thousand"] == pytest.approx(known["total"])


class Missing:
    """A metric without data; a product with it has no data either."""

    def __mul__(self, other):
        return self
