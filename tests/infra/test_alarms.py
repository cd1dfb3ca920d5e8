"""The alarms: their metrics, thresholds and topic, and their entries in the runbook."""

import json
import re
from pathlib import Path

import pytest

from infra.cloudformation import alarms
from infra.deploy.stage_template import stage_template

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
DOCUMENTED = json.loads((Path(__file__).parent / "aws_metrics.json").read_text())


@pytest.fixture(scope="module")
def resources(services, stage):
    return stage_template(services, stage)["Resources"]


@pytest.fixture(scope="module")
def named_alarms(resources):
    """Every alarm of the template, by its name."""
    properties = [
        each["Properties"]
        for each in resources.values()
        if each["Type"] == "AWS::CloudWatch::Alarm"
    ]
    return {alarm["AlarmName"]: alarm for alarm in properties}


@pytest.fixture(scope="module")
def named(named_alarms, stage):
    """An alarm by its service and kind."""
    return lambda service, kind: named_alarms[stage.called(service, kind)]


@pytest.fixture(scope="module")
def queued(services):
    return [definition.name for definition in services if definition.queued]


def metrics_of(alarm):
    """Every metric of an alarm."""
    if "Metrics" not in alarm:
        return [alarm]
    return [each["MetricStat"]["Metric"] for each in alarm["Metrics"] if "MetricStat" in each]


def test_every_alarm_publishes_to_the_alerts_topic(named_alarms):
    assert named_alarms
    for alarm in named_alarms.values():
        assert alarm["AlarmActions"] == [{"Ref": "AlertsTopic"}]
        assert alarm.get("OKActions", alarm["AlarmActions"]) == alarm["AlarmActions"]


def test_only_cloudwatch_may_publish_alerts_and_only_for_this_stages_alarms(resources, stage):
    policy = resources["AlertsTopicPolicy"]["Properties"]
    statement, *others = policy["PolicyDocument"]["Statement"]
    alarms = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm"
    assert {other["Effect"] for other in others} <= {"Deny"}
    assert policy["Topics"] == [{"Ref": "AlertsTopic"}]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["sns:Publish"],
        "Resource": {"Ref": "AlertsTopic"},
        "Condition": {
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
            "ArnLike": {"aws:SourceArn": {"Fn::Sub": f"{alarms}:darkroom-{stage.name}-*"}},
        },
    }


def test_missing_data_is_a_breach_only_for_a_missed_schedule(named_alarms, stage):
    scheduled = {stage.called("reap", "missed-schedule")}
    for name, alarm in named_alarms.items():
        treated = "breaching" if name in scheduled else "notBreaching"
        assert alarm["TreatMissingData"] == treated


def test_every_alarm_has_an_entry_in_the_runbook_and_every_entry_an_alarm(
    services, stage, named_alarms
):
    section = RUNBOOK.read_text().split("## Alarms")[1].split("\n## ")[0]
    written = set(re.findall(r"^### `([a-z-]+)`", section, re.MULTILINE))
    kinds = {each.kind for one in services for each in alarms.alarms(one, stage)}
    assert kinds <= written
    assert written - kinds <= ({"repeated-effects"} if stage.local else set())
    for name, alarm in named_alarms.items():
        kind = alarm["AlarmDescription"].removesuffix(".").rsplit(" ", 1)[-1]
        assert kind in kinds
        assert name.endswith(f"-{kind}")


def test_every_entry_of_the_runbook_has_commands():
    section = RUNBOOK.read_text().split("## Alarms")[1].split("\n## ")[0]
    entries = re.split(r"^### ", section, flags=re.MULTILINE)[1:]
    assert [entry for entry in entries if "```sh\n" not in entry] == []


def test_every_aws_metric_is_documented_by_aws(named_alarms):
    """aws_metrics.json names its sources. An alarm on a misspelt metric would never fire."""
    for alarm in named_alarms.values():
        for metric in metrics_of(alarm):
            if metric["Namespace"].startswith("AWS/"):
                documented = DOCUMENTED[metric["Namespace"]]["metrics"][metric["MetricName"]]
                names = [each["Name"] for each in metric["Dimensions"]]
                assert names in documented["dimensions"]
                assert alarm["Statistic"] in documented["statistics"]


def test_a_message_that_waits_for_15_minutes_is_an_alarm(named, queued):
    for name in queued:
        alarm = named(name, "stale")
        assert (alarm["MetricName"], alarm["Threshold"]) == ("ApproximateAgeOfOldestMessage", 900)
        assert alarm["OKActions"]


def test_every_dead_letter_is_an_alarm_even_if_it_is_rescued_at_once(named, queued):
    for name in queued:
        alarm = named(name, "dead-letters")
        assert (alarm["MetricName"], alarm["Statistic"]) == ("DeadLetters", "Sum")
        assert (alarm["Threshold"], alarm["Period"]) == (0, 60)


@pytest.mark.parametrize(
    ("kind", "where"), [("rescue-idle", "Visible"), ("rescue-fails", "NotVisible")]
)
def test_a_dead_letter_that_is_not_rescued_is_an_alarm(named, queued, resources, kind, where):
    """It is visible if rescue does not run, and in flight if rescue fails on it."""
    for name in queued:
        alarm = named(name, kind)
        dead = alarms.cfn.logical(name, "DeadLetters")
        assert alarm["MetricName"] == f"ApproximateNumberOfMessages{where}"
        assert alarm["Dimensions"][0]["Value"] == {"Fn::GetAtt": [dead, "QueueName"]}
        assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (0, 5)
        assert "RedrivePolicy" not in resources[dead]["Properties"]


def test_every_function_has_alarms_on_errors_throttles_and_its_timeout(named, services):
    for each in services:
        function = {"Ref": alarms.cfn.logical(each.name, "Function")}
        for kind, metric in (
            ("errors", "Errors"),
            ("concurrency-limit", "Throttles"),
            ("slow", "Duration"),
        ):
            alarm = named(each.name, kind)
            assert (alarm["MetricName"], alarm["Dimensions"][0]["Value"]) == (metric, function)
        assert named(each.name, "slow")["Threshold"] == 900 * each.function.timeout  # ms


def test_a_scheduled_service_that_does_not_run_is_an_alarm(named, services):
    scheduled = [each for each in services if each.schedule]
    assert scheduled
    for each in scheduled:
        alarm = named(each.name, "missed-schedule")
        assert (alarm["Period"], alarm["EvaluationPeriods"]) == (each.every, 3)
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)


def test_a_5xx_response_is_an_alarm(named, stage):
    alarm = named("api", "server-errors")
    dimensions = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
    assert dimensions == {"ApiName": stage.called("api"), "Stage": stage.name}
    assert (alarm["MetricName"], alarm["Threshold"]) == ("5XXError", 0)


def test_an_alarm_on_a_single_event_has_no_ok_action(named, services):
    assert "OKActions" not in named("resize", "dead-letters")
    assert all("OKActions" not in named(each.name, "errors") for each in services)


def test_only_stages_on_aws_have_metric_math(named_alarms, stage):
    """MiniStack 1.5.33 rejects a stack with metric math."""
    assert any("Metrics" in alarm for alarm in named_alarms.values()) is not stage.local


def test_all_alarms_together_have_fewer_than_60_metrics(named_alarms, stage):
    """CloudWatch bills $0.10 a month for each metric of an alarm: less than $6 in total."""
    assert sum(len(metrics_of(alarm)) for alarm in named_alarms.values()) < 60
