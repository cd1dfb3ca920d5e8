"""IAM: the role of each function and schedule, with the least rights that it needs."""

from collections.abc import Iterable
from typing import Any

from infra.cloudformation import cfn, encryption, messaging, storage
from infra.cloudformation.cfn import Json
from infra.config.definitions import Allow, Definition
from infra.config.stages import Stage

RECEIVE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
RETRY_LATER = "sqs:ChangeMessageVisibility*"  # one right on AWS; MiniStack has another for several


def role(service: str, name: str, statements: list[Json], condition: Json | None = None) -> Json:
    """A role that only this service of AWS may take, and what it may do."""
    assume = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
        **({"Condition": condition} if condition else {}),
    }
    properties = {
        "AssumeRolePolicyDocument": cfn.policy(assume),
        "Policies": [{"PolicyName": name, "PolicyDocument": cfn.policy(*statements)}],
    }
    return cfn.resource("IAM::Role", properties)


def grants(definition: Definition, everyone: Iterable[Definition], stage: Stage) -> list[Json]:
    """The statements of the function's role: what every service needs, then its own `allow`."""
    found = [_may_log(definition, stage)]
    if definition.queued:
        found += _may_work(definition)
    if definition.rescues:
        found += [cfn.allow(RECEIVE, [_arn(name, "DeadLetters") for name in rescued(everyone)])]
    if definition.publishes:
        found += [cfn.allow(["sns:Publish"], cfn.ref("EventsTopic"))]
    if stage.tracing:  # X-Ray has no resource to name
        found += [cfn.allow(["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*")]
    found += [_allowed(allow, stage) for allow in definition.allow]
    return found + encryption.grant(stage)


def arn_of(on: str, stage: Stage) -> Any:
    """The ARN of a place in Darkroom's own words (see Allow.on)."""
    if on == "*":
        return on
    kind, slash, keys = on.partition("/")
    if kind == "model":  # Bedrock's own, of no account
        return cfn.sub(f"arn:${{AWS::Partition}}:bedrock:${{AWS::Region}}::foundation-model/{keys}")
    if kind in storage.BUCKETS:
        return storage.bucket_arn(stage, kind, slash + keys)
    if kind in messaging.TOPICS:
        return cfn.ref(f"{kind.capitalize()}Topic")
    if kind == "bus":
        here = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}"
        return cfn.sub(f"{here}:event-bus/default")
    table = f"{kind.capitalize()}Table"
    return cfn.sub(f"${{{table}.Arn}}/{keys}") if keys else cfn.att(table)


def _may_log(definition: Definition, stage: Stage) -> Json:
    group = f"log-group:/aws/lambda/{stage.called(definition.name)}:*"
    arn = cfn.sub(f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:{group}")
    return cfn.allow(["logs:CreateLogStream", "logs:PutLogEvents"], arn)


def _may_work(definition: Definition) -> list[Json]:
    """Take from the own queue, send to the own dead-letter queue, claim, and read the record."""
    name = definition.name
    claim = cfn.allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], cfn.att("LedgerTable"))
    return [
        cfn.allow([*RECEIVE, RETRY_LATER], _arn(name, "Queue")),
        cfn.allow(["sqs:SendMessage"], _arn(name, "DeadLetters")),
        *([claim] if definition.claims else []),
        cfn.allow(["dynamodb:GetItem"], cfn.att("RecordsTable")),
    ]


def _allowed(allow: Allow, stage: Stage) -> Json:
    condition = {"StringLike": {"s3:prefix": allow.prefix}} if allow.prefix else None
    return cfn.allow(allow.actions, arn_of(allow.on, stage), condition)


def rescued(everyone: Iterable[Definition]) -> list[str]:
    return [definition.name for definition in everyone if definition.queued]


def _arn(name: str, kind: str) -> Json:
    return cfn.att(cfn.logical(name, kind))
