"""What is closed, encrypted and limited, for every combination of a stage's switches.

No emulator enforces any of it, so it is read off the template.
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
SWITCHES = {
    "local": ("local", {}),
    **{
        f"{access}-{'kms' if kms else 'plain'}": ("dev", {"access": access, "kms": kms})
        for access in ("cognito", "keys")
        for kms in (False, True)
    },
    "domain": ("prod", DOMAIN),
}
LINTED = ManualArgs(regions=["us-east-1", "eu-central-1"])
PLAIN = {"Bool": {"aws:SecureTransport": "false"}}
HERE = {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
SOURCES = {
    "sns": "EventsTopic",
    "s3": "-uploads",
    "cloudfront": "distribution/${PageDistribution}",
    "cloudwatch": ":alarm:darkroom-",
}
OURS = {"Fn::GetAtt": ["DataKey", "Arn"]}
ROOT = {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}


def chosen(name):
    base, changes = SWITCHES[name]
    optional = tuple(each.name for each in definitions() if each.optional)
    return replace(Stage.load(base), also=optional, **changes)


@cache
def made(name):
    return stage_template(definitions(), chosen(name))


@pytest.fixture(params=SWITCHES)
def name(request):
    return request.param


@pytest.fixture(params=[name for name in SWITCHES if name != "local"])
def deployed(request):
    """Every combination that goes to AWS."""
    return request.param


def of_type(name, kind):
    resources = made(name)["Resources"].items()
    return {key: each["Properties"] for key, each in resources if each["Type"] == f"AWS::{kind}"}


def test_cfn_lint_finds_nothing_whatever_is_switched_on(name):
    assert [str(match) for match in lint(json.dumps(made(name)), config=LINTED)] == []


def test_no_function_holds_a_secret_in_its_environment(name):
    """Names that secrets have, and values that look drawn: hashes, keys, tokens."""
    for function in of_type(name, "Lambda::Function").values():
        for variable, value in function["Environment"]["Variables"].items():
            assert not any(
                word in variable
                for word in ("SECRET", "TOKEN", "PASSWORD", "PRIVATE", "CREDENTIAL")
            ), variable
            text = value if isinstance(value, str) else ""
            assert max(map(len, re.findall(r"[\w+/=-]*", text))) < 40, variable
            assert not text.startswith(("AKIA", "ASIA", "-----BEGIN")), variable
    assert "resolve:secretsmanager" not in json.dumps(made(name))


def test_every_bucket_is_private_and_its_objects_are_their_owners(name):
    buckets = of_type(name, "S3::Bucket").values()
    assert len(buckets) == (3 if "PageBucket" in made(name)["Resources"] else 2)
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
    refusing = {
        json.dumps(each[named]).strip("[]")
        for each in of_type(deployed, policies).values()
        for said in each["PolicyDocument"]["Statement"]
        if (said["Effect"], said["Principal"], said["Condition"]) == ("Deny", "*", PLAIN)
    }
    assert refusing == {json.dumps({"Ref": name}) for name in of_type(deployed, kind)}


def allowed(name, *policies):
    """Every Allow of these kinds of policy, as (who, what, on which condition)."""
    return [
        (said["Principal"], said["Action"], said.get("Condition"))
        for kind in policies
        for each in of_type(name, kind).values()
        for said in each["PolicyDocument"]["Statement"]
        if said["Effect"] == "Allow"
    ]


def test_what_a_policy_lets_in_is_a_service_with_a_source_of_ours(name):
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
        source = {key: said for kind in condition.values() for key, said in kind.items()}
        assert SOURCES[service] in json.dumps(source["aws:SourceArn"])


def test_nobody_but_alarms_is_let_into_a_topic_or_a_dead_letter_queue(deployed):
    ((who, _, _),) = allowed(deployed, "SNS::TopicPolicy")
    assert who == {"Service": "cloudwatch.amazonaws.com"}
    dead = [key for key in of_type(deployed, "SQS::QueuePolicy") if "DeadLetters" in key]
    assert dead
    for key in dead:
        document = made(deployed)["Resources"][key]["Properties"]["PolicyDocument"]
        assert {said["Effect"] for said in document["Statement"]} == {"Deny"}


def test_everything_that_keeps_data_is_encrypted(name):
    stage = chosen(name)
    queues, topics = of_type(name, "SQS::Queue"), of_type(name, "SNS::Topic")
    own = {"KmsMasterKeyId": OURS}
    for queue in queues.values():
        assert queue.items() >= (own if stage.kms else {"SqsManagedSseEnabled": True}).items()
    for key, topic in topics.items():
        # AWS's own key for SNS would keep CloudWatch out.
        ours = None if key == "AlertsTopic" else "alias/aws/sns"
        expected = None if stage.local else OURS if stage.kms else ours
        assert topic.get("KmsMasterKeyId") == expected
    for key, bucket in of_type(name, "S3::Bucket").items():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        kind = rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"]
        assert kind == ("aws:kms" if stage.kms and key != "PageBucket" else "AES256")


def test_with_a_key_of_its_own_a_stage_encrypts_tables_and_logs_with_it(name):
    stage = chosen(name)
    assert len(of_type(name, "KMS::Key")) == stage.kms
    for table in of_type(name, "DynamoDB::Table").values():
        said = table.get("SSESpecification", {})
        assert said.get("KMSMasterKeyId") == (OURS if stage.kms else None)
    groups = of_type(name, "Logs::LogGroup").values()
    assert {group.get("KmsKeyId") == OURS for group in groups} == {stage.kms}


def test_the_key_turns_and_waits_as_long_as_it_can_before_it_is_gone():
    (key,) = of_type("cognito-kms", "KMS::Key").values()
    assert (key["EnableKeyRotation"], key["PendingWindowInDays"]) == (True, 30)


def test_the_key_serves_our_things_through_the_services_that_need_it():
    (key,) = of_type("cognito-kms", "KMS::Key").values()
    account, *services = key["KeyPolicy"]["Statement"]
    assert account["Principal"] == ROOT
    assert "Condition" not in account
    known = {json.dumps(said["Principal"]["Service"]): said["Condition"] for said in services}
    assert [name for name in ("s3", "sns", "cloudwatch", "logs") if name not in str(known)] == []
    assert len(known) == 4
    for condition in known.values():
        (source,) = condition["ArnLike"].values()
        assert "darkroom-dev-" in source["Fn::Sub"]
        assert "${AWS::AccountId}" in source["Fn::Sub"] or condition["StringEquals"] == HERE


def test_a_function_uses_the_key_through_services_alone():
    roles = [
        role
        for key, role in of_type("cognito-kms", "IAM::Role").items()
        if f"{key.removesuffix('Role')}Function" in made("cognito-kms")["Resources"]
    ]
    assert len(roles) == len(definitions())
    for role in roles:
        (policy,) = role["Policies"]
        statements = policy["PolicyDocument"]["Statement"]
        (said,) = [each for each in statements if str(each["Action"]).count("kms:")]
        assert said["Resource"] == OURS
        assert not [action for action in said["Action"] if "*" in action]
        (services,) = said["Condition"]["StringEquals"].values()
        through = [each["Fn::Sub"].partition(".")[0] for each in services]
        assert tuple(through) == encryption.THROUGH


def test_without_a_key_of_its_own_nobody_is_allowed_anything_on_keys(name):
    assert ("kms:" in json.dumps(of_type(name, "IAM::Role"))) is chosen(name).kms


def test_every_log_group_has_the_stages_retention(name):
    groups = of_type(name, "Logs::LogGroup")
    assert len(groups) == len(definitions()) + (not chosen(name).local)
    assert {each["RetentionInDays"] for each in groups.values()} == {chosen(name).log_retention}


def test_every_function_logs_into_a_group_of_the_template(name):
    groups = of_type(name, "Logs::LogGroup")
    for function in of_type(name, "Lambda::Function").values():
        assert function["LoggingConfig"]["LogGroup"]["Ref"] in groups
