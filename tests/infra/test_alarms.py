"""Every alarm rings where it should, for what it says, and somebody wrote down what to do then."""

import json
import re
from pathlib import Path

import pytest

from infra.cloudformation import alarms
from infra.deploy.stage_template import stage_template

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
DOCUMENTED = json.loads((Path(__file__).parent / "aws_metrics.json").read_text())


@pytest.fixture(scope="module")
def resources(everyone, stage):
    return stage_template(everyone, stage)["Resources"]


@pytest.fixture(scope="module")
def found(resources):
    """Every alarm of the template, by its name."""
    every = [
        each["Properties"]
        for each in resources.values()
        if each["Type"] == "AWS::CloudWatch::Alarm"
    ]
    return {alarm["AlarmName"]: alarm for alarm in every}


@pytest.fixture(scope="module")
def named(found, stage):
    """An alarm by its service and kind."""
    return lambda service, kind: found[stage.called(service, kind)]


@pytest.fixture(scope="module")
def queued(everyone):
    return [definition.name for definition in everyone if definition.queued]


def watched(alarm):
    """Every metric that an alarm looks at."""
    if "Metrics" not in alarm:
        return [alarm]
    return [each["MetricStat"]["Metric"] for each in alarm["Metrics"] if "MetricStat" in each]


def test_every_alarm_rings_on_the_alerts_topic(found):
    assert found
    for alarm in found.values():
        assert alarm["AlarmActions"] == [{"Ref": "AlertsTopic"}]
        assert alarm.get("OKActions", alarm["AlarmActions"]) == alarm["AlarmActions"]


def test_only_cloudwatch_may_ring_and_for_this_stages_alarms_alone(resources, stage):
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


def test_every_alarm_says_what_it_makes_of_silence(found, stage):
    silent = {stage.called("reap", "silent")}
    for name, alarm in found.items():
        treated = "breaching" if name in silent else "notBreaching"
        assert alarm["TreatMissingData"] == treated


def test_every_alarm_has_an_entry_in_the_runbook_and_every_entry_an_alarm(everyone, stage, found):
    section = RUNBOOK.read_text().split("## Alarms")[1].split("\n## ")[0]
    written = set(re.findall(r"^### `([a-z-]+)`", section, re.MULTILINE))
    kinds = {each.kind for one in everyone for each in alarms.alarms(one, stage)}
    assert kinds <= written
    assert written - kinds <= ({"surplus"} if stage.local else set())
    for name, alarm in found.items():
        kind = alarm["AlarmDescription"].removesuffix(".").rsplit(" ", 1)[-1]
        assert kind in kinds
        assert name.endswith(f"-{kind}")


def test_every_entry_says_what_to_type():
    section = RUNBOOK.read_text().split("## Alarms")[1].split("\n## ")[0]
    entries = re.split(r"^### ", section, flags=re.MULTILINE)[1:]
    assert [entry for entry in entries if "```sh\n" not in entry] == []


def test_what_is_watched_of_aws_is_what_aws_documents(found):
    """The list names the pages it was taken from; a misspelt metric would never ring."""
    for alarm in found.values():
        for metric in watched(alarm):
            if metric["Namespace"].startswith("AWS/"):
                known = DOCUMENTED[metric["Namespace"]]["metrics"][metric["MetricName"]]
                names = [each["Name"] for each in metric["Dimensions"]]
                assert names in known["dimensions"]
                assert alarm["Statistic"] in known["statistics"]


def test_a_message_that_waits_for_a_quarter_of_an_hour_is_an_alarm(named, queued):
    for name in queued:
        alarm = named(name, "stale")
        assert (alarm["MetricName"], alarm["Threshold"]) == ("ApproximateAgeOfOldestMessage", 900)
        assert alarm["OKActions"]


def test_every_dead_letter_is_an_alarm_however_soon_it_is_rescued(named, queued):
    for name in queued:
        alarm = named(name, "dead-letters")
        assert (alarm["MetricName"], alarm["Statistic"]) == ("DeadLetters", "Sum")
        assert (alarm["Threshold"], alarm["Period"]) == (0, 60)


@pytest.mark.parametrize(
    ("kind", "where"), [("rescue-idle", "Visible"), ("rescue-fails", "NotVisible")]
)
def test_a_dead_letter_that_rescue_fails_on_stays_and_is_an_alarm(
    named, queued, resources, kind, where
):
    """Visible if rescue does not run; else in its hands, over and over."""
    for name in queued:
        alarm = named(name, kind)
        dead = alarms.cfn.logical(name, "DeadLetters")
        assert alarm["MetricName"] == f"ApproximateNumberOfMessages{where}"
        assert alarm["Dimensions"][0]["Value"] == {"Fn::GetAtt": [dead, "QueueName"]}
        assert (alarm["Threshold"], alarm["EvaluationPeriods"]) == (0, 5)
        assert "RedrivePolicy" not in resources[dead]["Properties"]


def test_every_function_is_watched_for_errors_throttles_and_its_timeout(named, everyone):
    for each in everyone:
        function = {"Ref": alarms.cfn.logical(each.name, "Function")}
        for kind, metric in (
            ("errors", "Errors"),
            ("held-back", "Throttles"),
            ("slow", "Duration"),
        ):
            alarm = named(each.name, kind)
            assert (alarm["MetricName"], alarm["Dimensions"][0]["Value"]) == (metric, function)
        assert named(each.name, "slow")["Threshold"] == 900 * each.function.timeout  # ms


def test_a_scheduled_service_that_does_not_run_is_an_alarm(named, everyone):
    scheduled = [each for each in everyone if each.schedule]
    assert scheduled
    for each in scheduled:
        alarm = named(each.name, "silent")
        assert (alarm["Period"], alarm["EvaluationPeriods"]) == (each.every, 3)
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)


def test_an_answer_that_is_our_fault_is_an_alarm(named, stage):
    alarm = named("api", "server-errors")
    said = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
    assert said == {"ApiName": stage.called("api"), "Stage": stage.name}
    assert (alarm["MetricName"], alarm["Threshold"]) == ("5XXError", 0)


def test_a_short_alarm_sends_no_ok_notification(named, everyone):
    assert "OKActions" not in named("resize", "dead-letters")
    assert all("OKActions" not in named(each.name, "errors") for each in everyone)


def test_no_emulator_is_given_expressions(found, stage):
    """MiniStack 1.5.33 refuses them, and with them the whole stack."""
    assert any("Metrics" in alarm for alarm in found.values()) is not stage.local


def test_an_alarm_costs_what_its_metrics_do_and_they_are_few(found, stage):
    """CloudWatch bills $0.10 a month for each metric of an alarm: ours come to less than $6."""
    assert sum(len(watched(alarm)) for alarm in found.values()) < 60
