"""Least privilege: the roles of functions and the policies of queues."""

import json

import botocore.session
import pytest

from infra.cloudformation.cfn import logical
from infra.deploy.stage_template import stage_template
from services.analyze.logic import EMBEDDING_MODEL

# Actions without a resource ARN.
WITHOUT_ARN = {
    "rekognition:DetectFaces",
    "rekognition:DetectLabels",
    "rekognition:DetectModerationLabels",
    "rekognition:DetectText",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
RECORDS = {"Fn::GetAtt": ["RecordsTable", "Arn"]}
S3 = {"Service": "s3.amazonaws.com"}


@pytest.fixture(scope="module")
def resources(services, stage):
    return stage_template(services, stage)["Resources"]


@pytest.fixture(scope="module")
def roles(resources, services):
    """The statements of each function's role, by service."""
    return {each.name: statements(resources, each.name) for each in services}


def statements(resources, name):
    (policy,) = resources[logical(name, "Role")]["Properties"]["Policies"]
    return policy["PolicyDocument"]["Statement"]


def everything(roles):
    return [statement for granted in roles.values() for statement in granted]


def test_every_function_has_a_role_of_its_own(resources, services):
    for each in services:
        function = resources[logical(each.name, "Function")]["Properties"]
        assert function["Role"] == {"Fn::GetAtt": [logical(each.name, "Role"), "Arn"]}


def test_no_action_is_a_wildcard(roles):
    actions = [action for each in everything(roles) for action in each["Action"]]
    assert actions
    assert {action for action in actions if "*" in action} == {"sqs:ChangeMessageVisibility*"}


def test_the_wildcard_covers_two_operations_of_one_action():
    model = botocore.session.get_session().get_service_model("sqs")
    operations = [
        name for name in model.operation_names if name.startswith("ChangeMessageVisibility")
    ]
    assert operations == ["ChangeMessageVisibility", "ChangeMessageVisibilityBatch"]


def test_only_actions_without_an_arn_are_allowed_on_all_resources(roles):
    for each in everything(roles):
        if each["Resource"] == "*":
            assert set(each["Action"]) <= WITHOUT_ARN


def test_no_resource_is_a_whole_service(roles):
    for each in everything(roles):
        arn = json.dumps(each["Resource"])
        assert ":::*" not in arn
        assert ":*:*" not in arn


def test_only_store_may_write_records(roles):
    writers = {
        name
        for name, granted in roles.items()
        for each in granted
        if RECORDS in (each["Resource"], *each["Resource"])
        and {action.partition(":")[2] for action in each["Action"]} & WRITES
    }
    assert writers == {"store"}


def test_a_function_receives_only_from_its_own_queue(roles, services):
    for each in services:
        received = [s["Resource"] for s in roles[each.name] if "sqs:ReceiveMessage" in s["Action"]]
        own = [{"Fn::GetAtt": [logical(each.name, "Queue"), "Arn"]}]
        if not each.rescues:
            assert received == (own if each.queued else [])


def test_a_function_dead_letters_only_to_its_own_queue(roles, services):
    for each in services:
        sent = [s["Resource"] for s in roles[each.name] if "sqs:SendMessage" in s["Action"]]
        own = [{"Fn::GetAtt": [logical(each.name, "DeadLetters"), "Arn"]}]
        assert sent == (own if each.queued else [])


def test_only_a_service_that_publishes_events_may_publish(roles, services):
    for each in services:
        published = [s["Resource"] for s in roles[each.name] if "sns:Publish" in s["Action"]]
        assert ({"Ref": "EventsTopic"} in published) is bool(each.publishes)


def test_only_notify_may_publish_notifications(roles):
    topic = {"Ref": "NotificationsTopic"}
    assert {n for n, granted in roles.items() if topic in [s["Resource"] for s in granted]} == {
        "notify"
    }


def test_only_analyze_may_invoke_its_one_bedrock_model(roles):
    arn = "arn:${AWS::Partition}:bedrock:${AWS::Region}::foundation-model/" + EMBEDDING_MODEL
    bedrock = [
        (name, statement)
        for name, granted in roles.items()
        for statement in granted
        if any(action.startswith("bedrock:") for action in statement["Action"])
    ]
    ((name, statement),) = bedrock
    assert (name, statement["Action"]) == ("analyze", ["bedrock:InvokeModel"])
    assert statement["Resource"] == {"Fn::Sub": arn}


def test_a_schedule_may_invoke_only_its_function(resources, services):
    scheduled = [each.name for each in services if each.schedule]
    assert scheduled
    for name in scheduled:
        role = resources[logical(name, "ScheduleRole")]["Properties"]
        ((statement,),) = [p["PolicyDocument"]["Statement"] for p in role["Policies"]]
        assert statement["Action"] == ["lambda:InvokeFunction"]
        assert statement["Resource"] == {"Fn::GetAtt": [logical(name, "Function"), "Arn"]}


def test_a_schedule_of_another_account_may_not_assume_the_role(resources):
    (assume,) = resources["ReapScheduleRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert assume["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert assume["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_reap_reads_records_and_writes_only_its_cursor(roles):
    allowed = {
        action: json.dumps(statement["Resource"])
        for statement in roles["reap"]
        for action in statement["Action"]
        if not action.startswith(("logs:", "xray:", "sns:", "kms:"))
    }
    changing = {action for action in allowed if "Put" in action or "Delete" in action}
    assert changing == {"s3:PutObject"}
    assert "-processed" in allowed["s3:PutObject"]
    assert "/reap/*" in allowed["s3:PutObject"]
    assert set(allowed) - changing == {
        "dynamodb:BatchGetItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:ListBucketVersions",
    }


def test_no_function_may_create_log_groups(roles):
    assert "logs:CreateLogGroup" not in json.dumps(roles)


def test_a_list_permission_is_limited_to_its_prefix(resources):
    list_statements = [
        s for s in statements(resources, "resize") if "StringLike" in s.get("Condition", {})
    ]
    prefixes = {(*s["Action"], s["Condition"]["StringLike"]["s3:prefix"]) for s in list_statements}
    assert prefixes == {
        ("s3:ListBucket", "renditions/*"),
        ("s3:ListBucket", "dead-letters/*"),
        ("s3:ListBucketVersions", "uploads/*"),
    }


def test_a_queue_accepts_only_messages_of_the_events_topic_and_the_uploads_bucket(
    resources, services
):
    for each in services:
        if not each.queued:
            continue
        policy = resources[logical(each.name, "QueuePolicy")]["Properties"]["PolicyDocument"]
        allowed = [s for s in policy["Statement"] if s["Effect"] == "Allow"]
        senders = {s["Principal"]["Service"]: s["Condition"] for s in allowed}
        expected = {"sns.amazonaws.com"} | ({"s3.amazonaws.com"} if each.uploads else set())
        assert set(senders) == expected
        assert all("aws:SourceArn" in granted["ArnEquals"] for granted in senders.values())


def test_a_bucket_of_another_account_may_not_send(resources):
    policy = resources["ResizeQueuePolicy"]["Properties"]["PolicyDocument"]
    (bucket,) = [s for s in policy["Statement"] if s["Principal"] == S3]
    assert bucket["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
