"""Least privilege, read off the roles and the queues' policies."""

import json

import botocore.session
import pytest

from infra.cloudformation.cfn import logical
from infra.deploy.stage_template import stage_template
from services.analyze.logic import EMBEDDING_MODEL

# What AWS gives no resource to name.
UNNAMED = {
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
def resources(everyone, stage):
    return stage_template(everyone, stage)["Resources"]


@pytest.fixture(scope="module")
def roles(resources, everyone):
    """Service name to the statements of its function's role."""
    return {each.name: statements(resources, each.name) for each in everyone}


def statements(resources, name):
    (policy,) = resources[logical(name, "Role")]["Properties"]["Policies"]
    return policy["PolicyDocument"]["Statement"]


def everything(roles):
    return [statement for found in roles.values() for statement in found]


def test_every_function_has_a_role_of_its_own(resources, everyone):
    for each in everyone:
        function = resources[logical(each.name, "Function")]["Properties"]
        assert function["Role"] == {"Fn::GetAtt": [logical(each.name, "Role"), "Arn"]}


def test_no_action_is_a_wildcard(roles):
    actions = [action for each in everything(roles) for action in each["Action"]]
    assert actions
    assert {action for action in actions if "*" in action} == {"sqs:ChangeMessageVisibility*"}


def test_the_one_wildcard_stands_for_one_action_on_aws():
    model = botocore.session.get_session().get_service_model("sqs")
    meant = [name for name in model.operation_names if name.startswith("ChangeMessageVisibility")]
    assert meant == ["ChangeMessageVisibility", "ChangeMessageVisibilityBatch"]


def test_a_resource_is_a_wildcard_only_where_aws_has_none(roles):
    for each in everything(roles):
        if each["Resource"] == "*":
            assert set(each["Action"]) <= UNNAMED


def test_nothing_is_allowed_on_all_of_a_service(roles):
    for each in everything(roles):
        arn = json.dumps(each["Resource"])
        assert ":::*" not in arn
        assert ":*:*" not in arn


def test_only_store_may_write_records(roles):
    writers = {
        name
        for name, found in roles.items()
        for each in found
        if RECORDS in (each["Resource"], *each["Resource"])
        and {action.partition(":")[2] for action in each["Action"]} & WRITES
    }
    assert writers == {"store"}


def test_a_function_receives_from_its_own_queue_only(roles, everyone):
    for each in everyone:
        taken = [s["Resource"] for s in roles[each.name] if "sqs:ReceiveMessage" in s["Action"]]
        own = [{"Fn::GetAtt": [logical(each.name, "Queue"), "Arn"]}]
        if not each.rescues:
            assert taken == (own if each.queued else [])


def test_a_function_sends_to_its_own_dead_letter_queue_only(roles, everyone):
    for each in everyone:
        sent = [s["Resource"] for s in roles[each.name] if "sqs:SendMessage" in s["Action"]]
        own = [{"Fn::GetAtt": [logical(each.name, "DeadLetters"), "Arn"]}]
        assert sent == (own if each.queued else [])


def test_a_service_without_published_events_may_not_publish(roles, everyone):
    for each in everyone:
        published = [s["Resource"] for s in roles[each.name] if "sns:Publish" in s["Action"]]
        assert ({"Ref": "EventsTopic"} in published) is bool(each.publishes)


def test_only_notify_may_tell_the_world(roles):
    topic = {"Ref": "NotificationsTopic"}
    assert {n for n, found in roles.items() if topic in [s["Resource"] for s in found]} == {
        "notify"
    }


def test_only_analyze_may_ask_a_model_of_bedrock_and_only_that_one(roles):
    arn = "arn:${AWS::Partition}:bedrock:${AWS::Region}::foundation-model/" + EMBEDDING_MODEL
    asked = [
        (name, statement)
        for name, found in roles.items()
        for statement in found
        if any(action.startswith("bedrock:") for action in statement["Action"])
    ]
    ((name, statement),) = asked
    assert (name, statement["Action"]) == ("analyze", ["bedrock:InvokeModel"])
    assert statement["Resource"] == {"Fn::Sub": arn}


def test_a_schedule_may_start_its_own_function_and_nothing_else(resources, everyone):
    scheduled = [each.name for each in everyone if each.schedule]
    assert scheduled
    for name in scheduled:
        role = resources[logical(name, "ScheduleRole")]["Properties"]
        ((statement,),) = [p["PolicyDocument"]["Statement"] for p in role["Policies"]]
        assert statement["Action"] == ["lambda:InvokeFunction"]
        assert statement["Resource"] == {"Fn::GetAtt": [logical(name, "Function"), "Arn"]}


def test_a_schedule_of_another_account_may_not_take_our_role(resources):
    (assume,) = resources["ReapScheduleRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert assume["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert assume["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_reap_reads_records_and_writes_nothing_but_its_bookmark(roles):
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


def test_a_listing_is_of_the_prefix_that_was_asked_for(resources):
    listed = [s for s in statements(resources, "resize") if "StringLike" in s.get("Condition", {})]
    prefixes = {(*s["Action"], s["Condition"]["StringLike"]["s3:prefix"]) for s in listed}
    assert prefixes == {
        ("s3:ListBucket", "renditions/*"),
        ("s3:ListBucket", "dead-letters/*"),
        ("s3:ListBucketVersions", "uploads/*"),
    }


def test_a_queue_takes_from_our_topic_and_our_bucket_only(resources, everyone):
    for each in everyone:
        if not each.queued:
            continue
        policy = resources[logical(each.name, "QueuePolicy")]["Properties"]["PolicyDocument"]
        allowed = [s for s in policy["Statement"] if s["Effect"] == "Allow"]
        senders = {s["Principal"]["Service"]: s["Condition"] for s in allowed}
        wanted = {"sns.amazonaws.com"} | ({"s3.amazonaws.com"} if each.uploads else set())
        assert set(senders) == wanted
        assert all("aws:SourceArn" in found["ArnEquals"] for found in senders.values())


def test_a_bucket_of_another_account_may_not_send(resources):
    policy = resources["ResizeQueuePolicy"]["Properties"]["PolicyDocument"]
    (bucket,) = [s for s in policy["Statement"] if s["Principal"] == S3]
    assert bucket["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
