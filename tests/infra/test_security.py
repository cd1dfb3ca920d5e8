"""Access, encryption and throttling in the template, for every combination of a stage's settings.

No emulator enforces them.
"""

import json
import re
from dataclasses import replace
from functools import cache

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from infra.cloudformation import encryption
from infra.config.definitions import definitions
from infra.config.stages import Stage
from infra.deploy.stage_template import stage_template

CERTIFICATE = f"arn:aws:acm:us-east-1:{'1' * 12}:certificate/00000000-0000-4000-8000-000000000000"
DOMAIN = {"domain": "photos.example.org", "certificate": CERTIFICATE}
SETTINGS = {
    "local": ("local", {}),
    **{
        f"{access}-{'kms' if kms else 'plain'}": ("dev", {"access": access, "kms": kms})
        for access in ("cognito", "keys")
        for kms in (False, True)
    },
    "domain": ("prod", DOMAIN),
}
REGIONS = ManualArgs(regions=["us-east-1", "eu-central-1"])
WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}
THIS_ACCOUNT = {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
SOURCES = {
    "sns": "EventsTopic",
    "s3": "-uploads",
    "cloudfront": "distribution/${PageDistribution}",
    "cloudwatch": ":alarm:darkroom-",
}
DATA_KEY = {"Fn::GetAtt": ["DataKey", "Arn"]}
ROOT = {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}


def stage_of(name):
    base, changes = SETTINGS[name]
    optional = tuple(each.name for each in definitions() if each.optional)
    return replace(Stage.load(base), also=optional, **changes)


@cache
def template_of(name):
    return stage_template(definitions(), stage_of(name))


@pytest.fixture(params=SETTINGS)
def name(request):
    return request.param


@pytest.fixture(params=[name for name in SETTINGS if name != "local"])
def deployed(request):
    """Every combination of settings on AWS."""
    return request.param


def of_type(name, kind):
    resources = template_of(name)["Resources"].items()
    return {
        key: resource["Properties"]
        for key, resource in resources
        if resource["Type"] == f"AWS::{kind}"
    }


@pytest.mark.slow
def test_cfn_lint_reports_nothing(name):
    assert [str(match) for match in lint(json.dumps(template_of(name)), config=REGIONS)] == []


def test_no_function_has_a_secret_in_its_environment(name):
    """No variable is named like a secret, or has a value like a hash, key or token."""
    for function in of_type(name, "Lambda::Function").values():
        for variable, value in function["Environment"]["Variables"].items():
            assert not any(
                word in variable
                for word in ("SECRET", "TOKEN", "PASSWORD", "PRIVATE", "CREDENTIAL")
            ), variable
            text = value if isinstance(value, str) else ""
            assert max(map(len, re.findall(r"[\w+/=-]*", text))) < 40, variable
            assert not text.startswith(("AKIA", "ASIA", "-----BEGIN")), variable
    assert "resolve:secretsmanager" not in json.dumps(template_of(name))


def test_every_bucket_is_private_and_owns_its_objects(name):
    buckets = of_type(name, "S3::Bucket").values()
    assert len(buckets) == (3 if "PageBucket" in template_of(name)["Resources"] else 2)
    for bucket in buckets:
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        assert bucket["OwnershipControls"] == {
            "Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]
        }


@pytest.mark.parametrize(
    ("kind", "policies", "named"),
    [
        ("S3::Bucket", "S3::BucketPolicy", "Bucket"),
        ("SQS::Queue", "SQS::QueuePolicy", "Queues"),
        ("SNS::Topic", "SNS::TopicPolicy", "Topics"),
    ],
)
def test_every_resource_policy_denies_requests_without_tls(deployed, kind, policies, named):
    denying = {
        json.dumps(each[named]).strip("[]")
        for each in of_type(deployed, policies).values()
        for statement in each["PolicyDocument"]["Statement"]
        if (statement["Effect"], statement["Principal"], statement["Condition"])
        == ("Deny", "*", WITHOUT_TLS)
    }
    assert denying == {json.dumps({"Ref": name}) for name in of_type(deployed, kind)}


def allowed(name, *policies):
    """Every Allow statement of these policies, as (principal, actions, condition)."""
    return [
        (statement["Principal"], statement["Action"], statement.get("Condition"))
        for kind in policies
        for each in of_type(name, kind).values()
        for statement in each["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]


def test_every_allowed_principal_is_a_service_with_a_source_of_this_stage(name):
    found = allowed(name, "SQS::QueuePolicy", "SNS::TopicPolicy", "S3::BucketPolicy")
    assert found
    for principal, (action,), condition in found:
        service = principal["Service"].removesuffix(".amazonaws.com")
        assert (service, action) in {
            ("sns", "sqs:SendMessage"),
            ("s3", "sqs:SendMessage"),
            ("cloudfront", "s3:GetObject"),
            ("cloudwatch", "sns:Publish"),
        }
        source = {key: statement for kind in condition.values() for key, statement in kind.items()}
        assert SOURCES[service] in json.dumps(source["aws:SourceArn"])


def test_only_alarms_may_use_a_topic_and_no_policy_allows_a_dead_letter_queue(deployed):
    ((principal, _, _),) = allowed(deployed, "SNS::TopicPolicy")
    assert principal == {"Service": "cloudwatch.amazonaws.com"}
    dead = [key for key in of_type(deployed, "SQS::QueuePolicy") if "DeadLetters" in key]
    assert dead
    for key in dead:
        document = template_of(deployed)["Resources"][key]["Properties"]["PolicyDocument"]
        assert {statement["Effect"] for statement in document["Statement"]} == {"Deny"}


def test_all_stored_data_is_encrypted(name):
    stage = stage_of(name)
    queues, topics = of_type(name, "SQS::Queue"), of_type(name, "SNS::Topic")
    own = {"KmsMasterKeyId": DATA_KEY}
    for queue in queues.values():
        assert queue.items() >= (own if stage.kms else {"SqsManagedSseEnabled": True}).items()
    for key, topic in topics.items():
        # CloudWatch cannot use AWS's own key for SNS.
        aws_key = None if key == "AlertsTopic" else "alias/aws/sns"
        expected = None if stage.local else DATA_KEY if stage.kms else aws_key
        assert topic.get("KmsMasterKeyId") == expected
    for key, bucket in of_type(name, "S3::Bucket").items():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        kind = rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"]
        assert kind == ("aws:kms" if stage.kms and key != "PageBucket" else "AES256")


def test_a_stage_with_a_kms_key_encrypts_tables_and_logs_with_it(name):
    stage = stage_of(name)
    assert len(of_type(name, "KMS::Key")) == stage.kms
    for table in of_type(name, "DynamoDB::Table").values():
        specification = table.get("SSESpecification", {})
        assert specification.get("KMSMasterKeyId") == (DATA_KEY if stage.kms else None)
    groups = of_type(name, "Logs::LogGroup").values()
    assert {group.get("KmsKeyId") == DATA_KEY for group in groups} == {stage.kms}


def test_the_key_rotates_and_its_deletion_waits_for_30_days():
    (key,) = of_type("cognito-kms", "KMS::Key").values()
    assert (key["EnableKeyRotation"], key["PendingWindowInDays"]) == (True, 30)


def test_the_key_policy_allows_only_services_of_this_stage():
    (key,) = of_type("cognito-kms", "KMS::Key").values()
    account, *services = key["KeyPolicy"]["Statement"]
    assert account["Principal"] == ROOT
    assert "Condition" not in account
    conditions = {
        json.dumps(statement["Principal"]["Service"]): statement["Condition"]
        for statement in services
    }
    assert [
        name for name in ("s3", "sns", "cloudwatch", "logs") if name not in str(conditions)
    ] == []
    assert len(conditions) == 4
    for condition in conditions.values():
        (source,) = condition["ArnLike"].values()
        assert "darkroom-dev-" in source["Fn::Sub"]
        assert "${AWS::AccountId}" in source["Fn::Sub"] or condition["StringEquals"] == THIS_ACCOUNT


def test_a_function_may_use_the_key_only_through_aws_services():
    roles = [
        role
        for key, role in of_type("cognito-kms", "IAM::Role").items()
        if f"{key.removesuffix('Role')}Function" in template_of("cognito-kms")["Resources"]
    ]
    assert len(roles) == len(definitions())
    for role in roles:
        (policy,) = role["Policies"]
        statements = policy["PolicyDocument"]["Statement"]
        (statement,) = [each for each in statements if str(each["Action"]).count("kms:")]
        assert statement["Resource"] == DATA_KEY
        assert not [action for action in statement["Action"] if "*" in action]
        (services,) = statement["Condition"]["StringEquals"].values()
        through = [each["Fn::Sub"].partition(".")[0] for each in services]
        assert tuple(through) == encryption.THROUGH


def test_a_stage_without_a_kms_key_allows_no_kms_actions(name):
    assert ("kms:" in json.dumps(of_type(name, "IAM::Role"))) is stage_of(name).kms


def test_every_log_group_has_the_retention_of_the_stage(name):
    groups = of_type(name, "Logs::LogGroup")
    assert len(groups) == len(definitions()) + (not stage_of(name).local)
    assert {each["RetentionInDays"] for each in groups.values()} == {stage_of(name).log_retention}


def test_every_function_logs_to_a_log_group_of_the_template(name):
    groups = of_type(name, "Logs::LogGroup")
    for function in of_type(name, "Lambda::Function").values():
        assert function["LoggingConfig"]["LogGroup"]["Ref"] in groups
