"""What encrypts a stage's data: AWS's own keys, or with `kms = true` one key of the stage's own.

An emulator encrypts nothing that anyone could check, so a local stage has neither.
"""

from collections.abc import Iterable
from typing import Any

from infra.cloudformation import cfn
from infra.cloudformation.cfn import Json
from infra.config.stages import Stage

KEY = "DataKey"

# What S3, SNS and SQS ask of a key for an object or a message, whoever calls them.
READ_AND_WRITE = ("kms:Decrypt", "kms:GenerateDataKey")

# What DynamoDB asks beyond that, in the name of whoever reads or writes an item.
OF_TABLES = ("kms:DescribeKey", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo")

# The services through which a function may use the key; it never may by itself.
THROUGH = ("dynamodb", "s3", "sns", "sqs")

WAITING_DAYS = 30  # KMS's longest: so long a deleted key, and the data with it, can be saved


def resources(stage: Stage, kept: Json) -> Json:
    """The stage's own key, if it has one; `kept` says what becomes of it when the stack goes."""
    if not stage.kms:
        return {}
    properties = {
        "Description": f"encrypts the data of {stage.called()}",
        "EnableKeyRotation": True,
        "PendingWindowInDays": WAITING_DAYS,
        "KeyPolicy": cfn.policy(*_who_may(stage)),
    }
    alias = {"AliasName": f"alias/{stage.called()}", "TargetKeyId": cfn.ref(KEY)}
    return {
        KEY: cfn.resource("KMS::Key", properties, **kept),
        f"{KEY}Alias": cfn.resource("KMS::Alias", alias),
    }


def of_bucket(stage: Stage) -> Json:
    """S3's rule for what nobody encrypted otherwise."""
    if not stage.kms:
        return {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": cfn.att(KEY)}
    # A key for the bucket: KMS is asked, and paid, once in a while and not for every object.
    return {"ServerSideEncryptionByDefault": by_default, "BucketKeyEnabled": True}


def of_queue(stage: Stage) -> Json:
    # SQS's own key costs nothing, and lets S3 and SNS send without a key policy.
    return {"KmsMasterKeyId": cfn.att(KEY)} if stage.kms else {"SqsManagedSseEnabled": True}


def of_topic(stage: Stage) -> Json:
    if stage.local:
        return {}
    # AWS's key for SNS lets every principal of this account in, and no other service of AWS.
    return {"KmsMasterKeyId": cfn.att(KEY) if stage.kms else "alias/aws/sns"}


def of_table(stage: Stage) -> Json:
    """Without a key of the stage's own, the table's is DynamoDB's."""
    if not stage.kms:
        return {}
    said = {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": cfn.att(KEY)}
    return {"SSESpecification": said}


def of_logs(stage: Stage) -> Json:
    return {"KmsKeyId": cfn.att(KEY)} if stage.kms else {}


def tls_only(actions: Iterable[str], on: Any) -> Json:
    """The statement of a resource's policy that refuses who does not come by TLS, whoever it is."""
    plain = {"Bool": {"aws:SecureTransport": "false"}}
    return cfn.deny(actions, on, plain, Principal="*")


def grant(stage: Stage) -> list[Json]:
    """What a function's role needs of the key, to use what it is allowed to use elsewhere."""
    if not stage.kms:
        return []
    services = [cfn.sub(f"{name}.${{AWS::Region}}.amazonaws.com") for name in THROUGH]
    through = {"StringEquals": {"kms:ViaService": services}}
    return [cfn.allow(sorted(READ_AND_WRITE + OF_TABLES), cfn.att(KEY), through)]


def _who_may(stage: Stage) -> list[Json]:
    """The account's IAM, and the services that act for nobody's role."""
    account = cfn.sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")
    return [
        # "*" is this key: a key's policy speaks of nothing else.
        cfn.allow(["kms:*"], "*", Principal={"AWS": account}),
        _service("s3", cfn.sub(f"arn:${{AWS::Partition}}:s3:::{_uploads(stage)}")),
        _service("sns", _named(stage, "sns")),
        _service("cloudwatch", _named(stage, "cloudwatch", "alarm:")),
        _logs(stage),
    ]


def _service(name: str, source: Any) -> Json:
    """For its messages, from this stage of this account: it is not talked into others'."""
    condition = {
        "StringEquals": {"aws:SourceAccount": cfn.ref("AWS::AccountId")},
        "ArnLike": {"aws:SourceArn": source},
    }
    principal = {"Service": f"{name}.amazonaws.com"}
    return cfn.allow(READ_AND_WRITE, "*", condition, Principal=principal)


def _logs(stage: Stage) -> Json:
    context = "kms:EncryptionContext:aws:logs:arn"
    condition = {"ArnLike": {context: _named(stage, "logs", "log-group:/aws/*/")}}
    principal = {"Service": cfn.sub("logs.${AWS::Region}.amazonaws.com")}
    actions = (*READ_AND_WRITE, *OF_TABLES)
    return cfn.allow(sorted(actions), "*", condition, Principal=principal)


def _named(stage: Stage, service: str, kind: str = "") -> Json:
    """Everything of a service whose name is this stage's: the thing itself waits for its key."""
    here = f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}"
    return cfn.sub(f"{here}:{kind}{stage.called()}-*")


def _uploads(stage: Stage) -> str:
    return stage.bucket("uploads", "${AWS::AccountId}")
