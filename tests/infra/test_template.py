"""The template: properties that no emulator checks.

The golden templates show in review how a change affects the pipeline's services: prod's whole
template, and the differences of dev and local from it, apart from the stage's name. Optional
services are not in them. After an intended change run
`.venv/bin/python -m tests.infra.test_template`.
"""

import json
import re
from pathlib import Path

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from infra.cloudformation import cfn
from infra.config.definitions import UPLOADED, definitions
from infra.config.stages import Stage
from infra.deploy.stage_template import stage_template
from tests.infra.differences import differences

GOLDEN = Path(__file__).parent / "golden"
PIPELINE = {"analyze", "api", "notify", "reap", "rescue", "resize", "store"}
STAGES = ("local", "dev", "prod")
WHOLE = "prod"
REGIONS = ManualArgs(regions=["us-east-1", "eu-central-1"])


def template_text(stage):
    own = [definition for definition in definitions() if definition.name in PIPELINE]
    return cfn.as_text(stage_template(own, Stage.load(stage)))


def without_its_name(stage):
    """The template with a placeholder for the stage's name."""
    return json.loads(re.sub(rf"\b{stage}\b", "{stage}", template_text(stage)))


def golden(stage):
    """The text of a stage's golden file."""
    if stage == WHOLE:
        return template_text(stage)
    return cfn.as_text(differences(without_its_name(WHOLE), without_its_name(stage)))


@pytest.fixture(scope="module")
def template(services, stage):
    return stage_template(services, stage)


@pytest.fixture(scope="module")
def resources(template):
    return template["Resources"]


@pytest.fixture(scope="module")
def queued(services):
    return [definition for definition in services if definition.queued]


def of(resources, name, kind):
    return resources[cfn.logical(name, kind)]["Properties"]


@pytest.mark.parametrize("name", STAGES)
def test_the_template_equals_the_golden_template(name):
    written = (GOLDEN / f"{name}.json").read_text()
    assert golden(name).splitlines() == written.splitlines()


def test_cfn_lint_reports_nothing(template):
    assert [str(match) for match in lint(json.dumps(template), config=REGIONS)] == []


@pytest.mark.slow
def test_cfn_lint_reports_an_unknown_property(template):
    broken = json.loads(json.dumps(template))
    broken["Resources"]["EventsTopic"]["Properties"]["TopicNname"] = "x"
    assert lint(json.dumps(broken), config=REGIONS)


def test_the_template_is_flat(template):
    assert "Transform" not in template
    kinds = {resource["Type"] for resource in template["Resources"].values()}
    assert not {kind for kind in kinds if "Stack" in kind or kind.startswith("Custom::")}


def test_a_message_stays_invisible_for_six_timeouts(resources, queued):
    for each in queued:
        visible = of(resources, each.name, "Queue")["VisibilityTimeout"]
        assert visible >= 6 * of(resources, each.name, "Function")["Timeout"]


def test_a_dead_letter_stays_invisible_for_six_timeouts_of_rescue(resources, queued):
    for each in queued:
        visible = of(resources, each.name, "DeadLetters")["VisibilityTimeout"]
        assert visible >= 6 * of(resources, "rescue", "Function")["Timeout"]


def test_every_queue_has_a_dead_letter_queue(resources, queued):
    for each in queued:
        redrive = of(resources, each.name, "Queue")["RedrivePolicy"]
        dead = cfn.logical(each.name, "DeadLetters")
        assert redrive == {
            "deadLetterTargetArn": {"Fn::GetAtt": [dead, "Arn"]},
            "maxReceiveCount": 100,
        }


def test_messages_are_retained_for_7_days_and_dead_letters_for_14(resources, queued):
    day = 24 * 60 * 60
    for each in queued:
        assert of(resources, each.name, "Queue")["MessageRetentionPeriod"] == 7 * day
        assert of(resources, each.name, "DeadLetters")["MessageRetentionPeriod"] == 14 * day


def test_a_subscription_filters_the_events_that_the_service_consumes(resources, services):
    for each in services:
        wanted = set(each.consumes) - {UPLOADED}
        subscription = resources.get(cfn.logical(each.name, "Subscription"))
        filtered = subscription["Properties"]["FilterPolicy"]["type"] if subscription else []
        assert set(filtered) == wanted


def test_a_subscription_delivers_raw_messages_after_the_queue_policy(resources, queued):
    for each in queued:
        subscription = resources[cfn.logical(each.name, "Subscription")]
        assert subscription["Properties"]["RawMessageDelivery"] is True
        assert subscription["Properties"]["FilterPolicyScope"] == "MessageAttributes"
        assert subscription["DependsOn"] == [cfn.logical(each.name, "QueuePolicy")]


def test_a_batch_can_fail_in_parts(resources):
    sources = [
        each["Properties"]
        for each in resources.values()
        if each["Type"] == "AWS::Lambda::EventSourceMapping"
    ]
    assert sources
    for each in sources:
        assert each["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert each["ScalingConfig"]["MaximumConcurrency"] >= 2


def test_rescue_is_fed_by_every_dead_letter_queue(resources, queued):
    fed = {
        each["Properties"]["EventSourceArn"]["Fn::GetAtt"][0]
        for each in resources.values()
        if each["Type"] == "AWS::Lambda::EventSourceMapping"
        and each["Properties"]["FunctionName"] == {"Ref": "RescueFunction"}
    }
    assert fed == {cfn.logical(each.name, "DeadLetters") for each in queued}


def test_uploads_are_versioned_and_notify_resize(resources):
    uploads = resources["UploadsBucket"]
    assert uploads["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    assert uploads["Properties"]["NotificationConfiguration"]["QueueConfigurations"] == [
        {"Event": "s3:ObjectCreated:*", "Queue": {"Fn::GetAtt": ["ResizeQueue", "Arn"]}}
    ]
    assert uploads["DependsOn"] == ["ResizeQueuePolicy"]


@pytest.mark.parametrize("bucket", ["UploadsBucket", "ProcessedBucket"])
def test_a_bucket_is_private_and_aborts_unfinished_uploads(resources, bucket):
    properties = resources[bucket]["Properties"]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    rules = properties["LifecycleConfiguration"]["Rules"]
    assert {"DaysAfterInitiation": 7} in [r.get("AbortIncompleteMultipartUpload") for r in rules]


def test_a_table_has_a_ttl_and_recovery_if_the_stage_sets_it(resources, stage):
    for name in ("RecordsTable", "LedgerTable"):
        properties = resources[name]["Properties"]
        expiry = {"AttributeName": "expires", "Enabled": True}
        assert properties["TimeToLiveSpecification"] == expiry
        recovery = properties["PointInTimeRecoverySpecification"]
        assert recovery == {"PointInTimeRecoveryEnabled": stage.recovery}


def test_only_prod_retains_buckets_and_tables(resources, stage):
    for name in ("UploadsBucket", "ProcessedBucket", "RecordsTable", "LedgerTable"):
        retained = resources[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert retained is stage.retain


def test_a_bucket_name_on_aws_has_the_account_id(resources, stage):
    name = resources["UploadsBucket"]["Properties"]["BucketName"]
    if stage.local:
        assert name == "darkroom-local-uploads"
    else:
        assert name == {"Fn::Sub": f"darkroom-{stage.name}-uploads-${{AWS::AccountId}}"}


@pytest.mark.parametrize("name", ["api", "rescue", "reap"])
def test_a_service_without_a_queue_has_no_queue_variables(resources, name):
    environment = of(resources, name, "Function")["Environment"]["Variables"]
    assert not {"QUEUE_URL", "DEAD_LETTER_QUEUE_URL"} & set(environment)


def test_a_scheduled_service_has_its_schedule(project, dev):
    project.service("first", consumes='["image.uploaded.v1"]', uploads="true")
    before = stage_template(project.definitions(), dev)["Resources"]
    project.scheduled_service("toy")
    after = stage_template(project.definitions(), dev)["Resources"]
    schedule = after["ToySchedule"]["Properties"]
    assert schedule["ScheduleExpression"] == "rate(1 hour)"
    assert schedule["Target"]["Arn"] == {"Fn::GetAtt": ["ToyFunction", "Arn"]}
    assert {after[name]["Type"] for name in set(after) - set(before)} == {
        "AWS::CloudWatch::Alarm",
        "AWS::IAM::Role",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
        "AWS::Scheduler::Schedule",
    }


def test_reap_runs_every_hour_with_the_longest_timeout(resources):
    assert of(resources, "reap", "Schedule")["ScheduleExpression"] == "rate(1 hour)"
    assert of(resources, "reap", "Function")["Timeout"] == 900


def test_only_an_emulator_has_its_own_rekognition(resources, stage):
    environment = of(resources, "analyze", "Function")["Environment"]["Variables"]
    for name in ("REKOGNITION", "BEDROCK_RUNTIME"):
        assert (f"AWS_ENDPOINT_URL_{name}" in environment) is stage.local


def test_a_new_service_needs_only_its_folder(project, dev):
    project.service("first", consumes='["image.uploaded.v1"]', uploads="true")
    before = stage_template(project.definitions(), dev)["Resources"]
    project.service("image_search")
    after = stage_template(project.definitions(), dev)["Resources"]
    added = set(after) - set(before)
    changed = {"Dashboard"}  # it shows all services
    assert {name: after[name] for name in before if name not in changed} == {
        name: each for name, each in before.items() if name not in changed
    }
    assert {"ImageSearchQueue", "ImageSearchFunction", "ImageSearchSubscription"} < added
    assert all(name.startswith("ImageSearch") for name in added)


def test_a_batch_window_lengthens_the_visibility_timeout(project, dev):
    path = project.service("toy")
    path.write_text(path.read_text().replace("batch = 5", "batch = 50\nwindow = 20"))
    resources = stage_template(project.definitions(), dev)["Resources"]
    assert resources["ToyQueue"]["Properties"]["VisibilityTimeout"] == 6 * 10 + 20
    assert resources["ToySource"]["Properties"]["MaximumBatchingWindowInSeconds"] == 20


if __name__ == "__main__":
    for each in STAGES:
        (GOLDEN / f"{each}.json").write_text(golden(each))
