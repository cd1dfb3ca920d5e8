"""IAM roles of functions and schedules, with the least privilege that each needs."""

from collections.abc import Iterable
from typing import Any

from infra.cloudformation import cfn, encryption, messaging, storage
from infra.cloudformation.cfn import Json
from infra.config.definitions import Allow, Definition
from infra.config.stages import Stage

RECEIVE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
RETRY_LATER = "sqs:ChangeMessageVisibility*"  # MiniStack has an action of its own for batches


def role(service: str, name: str, statements: list[Json], condition: Json | None = None) -> Json:
    """A role that only this AWS service may assume, with these statements."""
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


def grants(definition: Definition, services: Iterable[Definition], stage: Stage) -> list[Json]:
    """The statements of a function's role: what every service needs, then the service's own."""
    statements = [_may_log(definition, stage)]
    if definition.queued:
        statements += _may_handle_messages(definition)
    if definition.rescues:
        statements += [
            cfn.allow(RECEIVE, [_arn(name, "DeadLetters") for name in rescued(services)])
        ]
    if definition.publishes:
        statements += [cfn.allow(["sns:Publish"], cfn.ref("EventsTopic"))]
    if stage.tracing:  # X-Ray has no resource ARNs
        statements += [cfn.allow(["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*")]
    statements += [_statement(allow, stage) for allow in definition.allow]
    return statements + encryption.grant(stage)


def arn_of(on: str, stage: Stage) -> Any:
    """The ARN of a resource alias (see Allow.on)."""
    if on == "*":
        return on
    kind, slash, keys = on.partition("/")
    if kind == "model":  # Bedrock's foundation models belong to no account
        return cfn.sub(f"arn:${{AWS::Partition}}:bedrock:${{AWS::Region}}::foundation-model/{keys}")
    if kind in storage.BUCKETS:
        return storage.bucket_arn(stage, kind, slash + keys)
    if kind in messaging.TOPICS:
        return cfn.ref(f"{kind.capitalize()}Topic")
    if kind == "bus":
        bus = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}"
        return cfn.sub(f"{bus}:event-bus/default")
    table = f"{kind.capitalize()}Table"
    return cfn.sub(f"${{{table}.Arn}}/{keys}") if keys else cfn.att(table)


def _may_log(definition: Definition, stage: Stage) -> Json:
    group = f"log-group:/aws/lambda/{stage.called(definition.name)}:*"
    arn = cfn.sub(f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:{group}")
    return cfn.allow(["logs:CreateLogStream", "logs:PutLogEvents"], arn)


def _may_handle_messages(definition: Definition) -> list[Json]:
    """Receive from the queue, send to the dead-letter queue, claim, and read the record."""
    name = definition.name
    claim = cfn.allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], cfn.att("LedgerTable"))
    return [
        cfn.allow([*RECEIVE, RETRY_LATER], _arn(name, "Queue")),
        cfn.allow(["sqs:SendMessage"], _arn(name, "DeadLetters")),
        *([claim] if definition.claims else []),
        cfn.allow(["dynamodb:GetItem"], cfn.att("RecordsTable")),
    ]


def _statement(allow: Allow, stage: Stage) -> Json:
    condition = {"StringLike": {"s3:prefix": allow.prefix}} if allow.prefix else None
    return cfn.allow(allow.actions, arn_of(allow.on, stage), condition)


def rescued(services: Iterable[Definition]) -> list[str]:
    """The services whose dead letters rescue receives."""
    return [definition.name for definition in services if definition.queued]


def _arn(name: str, kind: str) -> Json:
    return cfn.att(cfn.logical(name, kind))
