"""Encryption of a stage's data: with AWS's own keys, or with `kms = true` with the stage's KMS key.

A local stage has no KMS key: the emulators do not encrypt.
"""

from collections.abc import Iterable
from typing import Any

from infra.cloudformation import cfn
from infra.cloudformation.cfn import Json
from infra.config.stages import Stage

KEY = "DataKey"

# The key permissions that S3, SNS and SQS need for an object or a message.
READ_AND_WRITE = ("kms:Decrypt", "kms:GenerateDataKey")

# The further permissions that DynamoDB needs, on behalf of the caller.
OF_TABLES = ("kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo")

# The services through which a function may use the key. It may not call KMS directly.
THROUGH = ("dynamodb", "s3", "sns", "sqs")

WAITING_DAYS = (
    30  # the longest that KMS allows; until then, the deletion of the key can be cancelled
)


def resources(stage: Stage, policies: Json) -> Json:
    """The stage's KMS key, if it has one. `policies` are its deletion policies."""
    if not stage.kms:
        return {}
    properties = {
        "Description": f"encrypts the data of {stage.called()}",
        "EnableKeyRotation": True,
        "PendingWindowInDays": WAITING_DAYS,
        "KeyPolicy": cfn.policy(*_key_policy(stage)),
    }
    alias = {"AliasName": f"alias/{stage.called()}", "TargetKeyId": cfn.ref(KEY)}
    return {
        KEY: cfn.resource("KMS::Key", properties, **policies),
        f"{KEY}Alias": cfn.resource("KMS::Alias", alias),
    }


def of_bucket(stage: Stage) -> Json:
    """The default encryption of a bucket."""
    if not stage.kms:
        return {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": cfn.att(KEY)}
    # With a bucket key, S3 calls KMS rarely instead of for every object.
    return {"ServerSideEncryptionByDefault": by_default, "BucketKeyEnabled": True}


def of_queue(stage: Stage) -> Json:
    """The encryption of a queue. SQS's own key is free and needs no key policy for S3 and SNS."""
    return {"KmsMasterKeyId": cfn.att(KEY)} if stage.kms else {"SqsManagedSseEnabled": True}


def of_topic(stage: Stage) -> Json:
    """The encryption of a topic. AWS's key for SNS admits only principals of this account."""
    if stage.local:
        return {}
    return {"KmsMasterKeyId": cfn.att(KEY) if stage.kms else "alias/aws/sns"}


def of_table(stage: Stage) -> Json:
    """The encryption of a table; without a KMS key it is DynamoDB's default."""
    if not stage.kms:
        return {}
    specification = {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": cfn.att(KEY)}
    return {"SSESpecification": specification}


def of_logs(stage: Stage) -> Json:
    """The encryption of a log group; without a KMS key it is CloudWatch's default."""
    return {"KmsKeyId": cfn.att(KEY)} if stage.kms else {}


def tls_only(actions: Iterable[str], on: Any) -> Json:
    """The statement of a resource policy that denies every request without TLS."""
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    return cfn.deny(actions, on, insecure, Principal="*")


def grant(stage: Stage) -> list[Json]:
    """The key permissions of a function's role, for the data that its other statements allow."""
    if not stage.kms:
        return []
    services = [cfn.sub(f"{name}.${{AWS::Region}}.amazonaws.com") for name in THROUGH]
    through = {"StringEquals": {"kms:ViaService": services}}
    return [cfn.allow(sorted(READ_AND_WRITE + OF_TABLES), cfn.att(KEY), through)]


def _key_policy(stage: Stage) -> list[Json]:
    """The key policy: the account's IAM, and the AWS services that send without a role."""
    account = cfn.sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")
    return [
        # In a key policy, "*" means this key.
        cfn.allow(["kms:*"], "*", Principal={"AWS": account}),
        _allow_service("s3", cfn.sub(f"arn:${{AWS::Partition}}:s3:::{_uploads(stage)}")),
        _allow_service("sns", _arn_pattern(stage, "sns")),
        _allow_service("cloudwatch", _arn_pattern(stage, "cloudwatch", "alarm:")),
        _allow_logs(stage),
    ]


def _allow_service(name: str, source: Any) -> Json:
    """Let an AWS service use the key for this stage's sources in this account only."""
    condition = {
        "StringEquals": {"aws:SourceAccount": cfn.ref("AWS::AccountId")},
        "ArnLike": {"aws:SourceArn": source},
    }
    principal = {"Service": f"{name}.amazonaws.com"}
    return cfn.allow(READ_AND_WRITE, "*", condition, Principal=principal)


def _allow_logs(stage: Stage) -> Json:
    context = "kms:EncryptionContext:aws:logs:arn"
    condition = {"ArnLike": {context: _arn_pattern(stage, "logs", "log-group:/aws/*/")}}
    principal = {"Service": cfn.sub("logs.${AWS::Region}.amazonaws.com")}
    actions = (*READ_AND_WRITE, *OF_TABLES)
    return cfn.allow(sorted(actions), "*", condition, Principal=principal)


def _arn_pattern(stage: Stage, service: str, kind: str = "") -> Json:
    """The ARNs of this stage's resources, by name: a reference would be circular."""
    arn = f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}"
    return cfn.sub(f"{arn}:{kind}{stage.called()}-*")


def _uploads(stage: Stage) -> str:
    return stage.bucket("uploads", "${AWS::AccountId}")
