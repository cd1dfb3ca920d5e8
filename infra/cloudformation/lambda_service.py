"""All that one service is deployed as: queues, subscription, role, function, sources."""

from collections.abc import Iterable
from typing import Any

from infra.cloudformation import api_gateway as http
from infra.cloudformation import auth as access
from infra.cloudformation import cfn, encryption
from infra.cloudformation import storage as core
from infra.cloudformation.cfn import Json
from infra.config import retention
from infra.config.definitions import Allow, Definition, definitions
from infra.config.stages import Stage
from infra.packaging.package import HANDLER
from infra.planning.rates import rates

# What ends a run well: whoever announces it estimates what the run cost.
STORED = "image.completed.v1"

QUEUE_RETENTION = retention.QUEUE * retention.DAY
DEAD_LETTER_RETENTION = retention.DEAD_LETTERS * retention.DAY

# A backstop, not the retry budget: that is the ledger's attempts. A receive is no try: a message
# returned to the queue because it was busy, or because the batch ran out of time, was received all the same.
MAX_RECEIVES = 100

# Lambda advises six timeouts; and a lease lasts the timeout and 10 s, and must end within it.
VISIBILITY_TIMEOUTS = 6
LEASE_TAIL = 10

RECEIVE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
HAND_BACK = "sqs:ChangeMessageVisibility*"  # one right on AWS; MiniStack has another for several


def resources(definition: Definition, everyone: tuple[Definition, ...], stage: Stage) -> Json:
    """Every resource of one service; `everyone` tells a rescuing one whose dead letters to take."""
    found = function(definition, everyone, stage)
    if definition.queued:
        found |= queues(definition, everyone, stage)
    if definition.subscribes:
        found |= subscription(definition)
    if definition.schedule:
        found |= schedule(definition, stage)
    if definition.http:
        found |= http.resources(definition, stage)
    return found


def visibility(definition: Definition) -> int:
    """Seconds that a message stays invisible while the service works on it."""
    timeout = definition.function.timeout
    return max(VISIBILITY_TIMEOUTS * timeout, timeout + LEASE_TAIL) + definition.function.window


def queues(definition: Definition, everyone: Iterable[Definition], stage: Stage) -> Json:
    """The service's queue, its dead-letter queue, and the policy that says who may send."""
    name = definition.name
    rescuers = [visibility(other) for other in everyone if other.rescues]
    dead = _queue(stage, stage.called(name, "dead"), DEAD_LETTER_RETENTION)
    if rescuers:
        dead["VisibilityTimeout"] = max(rescuers)
    redrive = {"deadLetterTargetArn": _arn(name, "DeadLetters"), "maxReceiveCount": MAX_RECEIVES}
    queue = _queue(stage, stage.called(name), QUEUE_RETENTION) | {
        "VisibilityTimeout": visibility(definition),
        "RedrivePolicy": redrive,
    }
    found = {
        cfn.logical(name, "DeadLetters"): cfn.resource("SQS::Queue", dead),
        cfn.logical(name, "Queue"): cfn.resource("SQS::Queue", queue),
        cfn.logical(name, "QueuePolicy"): _queue_policy(definition, stage),
    }
    if stage.local:  # the emulators speak plain HTTP
        return found
    return found | {cfn.logical(name, "DeadLettersPolicy"): _dead_letters_policy(name)}


def subscription(definition: Definition) -> Json:
    """Deliver the event types that the service answers, as they were published (raw)."""
    name = definition.name
    properties = {
        "TopicArn": cfn.ref("EventsTopic"),
        "Protocol": "sqs",
        "Endpoint": _arn(name, "Queue"),
        "RawMessageDelivery": True,
        "FilterPolicyScope": "MessageAttributes",
        "FilterPolicy": {"type": list(definition.subscribes)},
    }
    # An event that came before the policy would be refused by the queue.
    after = [cfn.logical(name, "QueuePolicy")]
    return {
        cfn.logical(name, "Subscription"): cfn.resource(
            "SNS::Subscription", properties, DependsOn=after
        )
    }


def schedule(definition: Definition, stage: Stage) -> Json:
    """What wakes a scheduled service, and the role by which it may."""
    name = definition.name
    target = {
        "Arn": _arn(name, "Function"),
        "RoleArn": _arn(name, "ScheduleRole"),
        # A run that could not begin until the next one is due is that one's to make up for.
        "RetryPolicy": {"MaximumEventAgeInSeconds": definition.every},
    }
    properties = {
        "Name": stage.called(name),
        "Description": definition.purpose,
        "ScheduleExpression": definition.schedule,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target,
    }
    may_invoke = cfn.allow(["lambda:InvokeFunction"], _arn(name, "Function"))
    # Any account's schedules come from that one service: ours alone may take the role.
    ours = {"StringEquals": {"aws:SourceAccount": cfn.ref("AWS::AccountId")}}
    return {
        cfn.logical(name, "ScheduleRole"): _role("scheduler", name, [may_invoke], ours),
        cfn.logical(name, "Schedule"): cfn.resource("Scheduler::Schedule", properties),
    }


def function(definition: Definition, everyone: tuple[Definition, ...], stage: Stage) -> Json:
    """The Lambda function, its log group and role, and what feeds it."""
    name = definition.name
    return {
        cfn.logical(name, "Logs"): _logs(definition, stage),
        cfn.logical(name, "Role"): _role("lambda", name, grants(definition, everyone, stage)),
        cfn.logical(name, "Function"): _function(definition, stage),
        **sources(definition, everyone),
    }


def sources(definition: Definition, everyone: Iterable[Definition]) -> Json:
    """The queues that feed the function: its own, or for a rescuing one each dead-letter queue."""
    name = definition.name
    if definition.queued:
        return {cfn.logical(name, "Source"): _source(definition, _arn(name, "Queue"))}
    if not definition.rescues:
        return {}
    return {
        cfn.logical(name, cfn.logical(other, "Source")): _source(
            definition, _arn(other, "DeadLetters")
        )
        for other in _rescued(everyone)
    }


def grants(definition: Definition, everyone: Iterable[Definition], stage: Stage) -> list[Json]:
    """The statements of the function's role: what every service needs, then its own `allow`."""
    found = [_may_log(definition, stage)]
    if definition.queued:
        found += _may_work(definition)
    if definition.rescues:
        found += [cfn.allow(RECEIVE, [_arn(name, "DeadLetters") for name in _rescued(everyone)])]
    if definition.publishes:
        found += [cfn.allow(["sns:Publish"], cfn.ref("EventsTopic"))]
    if stage.tracing:  # X-Ray has no resource to name
        found += [cfn.allow(["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*")]
    found += [_allowed(allow, stage) for allow in definition.allow]
    return found + encryption.grant(stage)


def place(on: str, stage: Stage) -> Any:
    """The ARN of a place in Darkroom's own words (see Allow.on)."""
    if on == "*":
        return on
    kind, slash, keys = on.partition("/")
    if kind == "model":  # Bedrock's own, of no account
        return cfn.sub(f"arn:${{AWS::Partition}}:bedrock:${{AWS::Region}}::foundation-model/{keys}")
    if kind in core.BUCKETS:
        return core.bucket_arn(stage, kind, slash + keys)
    if kind in core.TOPICS:
        return cfn.ref(f"{kind.capitalize()}Topic")
    if kind == "bus":
        here = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}"
        return cfn.sub(f"{here}:event-bus/default")
    table = f"{kind.capitalize()}Table"
    return cfn.sub(f"${{{table}.Arn}}/{keys}") if keys else cfn.att(table)


def variables(definition: Definition, stage: Stage) -> Json:
    """The function's environment: every name and limit that it has to know, and the stage's own."""
    run = definition.function
    found = {
        "STAGE": stage.name,
        "SERVICE": definition.name,
        "EVENTS_TOPIC_ARN": cfn.ref("EventsTopic"),
        "NOTIFICATIONS_TOPIC_ARN": cfn.ref("NotificationsTopic"),
        "RECORDS_TABLE": cfn.ref("RecordsTable"),
        "LEDGER_TABLE": cfn.ref("LedgerTable"),
        "UPLOADS_BUCKET": core.bucket_name(stage, "uploads"),
        "PROCESSED_BUCKET": core.bucket_name(stage, "processed"),
        "FUNCTION_TIMEOUT": str(run.timeout),
        "WORST_CASE": str(run.worst_case),
        **({"MAX_ATTEMPTS": str(run.max_attempts)} if run.max_attempts else {}),
        "MODERATION": stage.moderation,
        "TOMBSTONE_DAYS": str(stage.retention.tombstones),
        "LOG_LEVEL": stage.log_level,
        "TRACING": "on" if stage.tracing else "off",
    }
    found |= _queue_urls(definition) | _of_http(definition, stage) | _emulated(stage)
    found |= _rates(definition, stage)
    return found | stage.variables_of(definition.name)


def _queue_urls(definition: Definition) -> Json:
    if not definition.queued:
        return {}
    return {
        "QUEUE_URL": cfn.ref(cfn.logical(definition.name, "Queue")),
        "DEAD_LETTER_QUEUE_URL": cfn.ref(cfn.logical(definition.name, "DeadLetters")),
    }


def _rates(definition: Definition, stage: Stage) -> Json:
    """What an image costs: for whoever says that one is stored, and writes it on its record."""
    if STORED not in definition.publishes:
        return {}
    return {"RATES": rates(stage, definitions(definition.root)).model_dump_json()}


def _of_http(definition: Definition, stage: Stage) -> Json:
    """From where a browser may call it, and how whoever calls it reaches the buckets."""
    if not definition.http:
        return {}
    found = access.variables(stage)
    if origin := core.page_origin(stage):
        found |= {"PAGE_ORIGIN": origin}
    if stage.local:
        return found | {"PUBLIC_ENDPOINT": cfn.ref("PublicEndpoint")}
    # The page's own distribution hands on what was signed for the bucket: see infra/cloudformation/cloudfront.py.
    return found | ({"PICTURES_ORIGIN": origin} if origin else {})


def _emulated(stage: Stage) -> Json:
    """Where the local Rekognition listens, and answers for Bedrock too; the emulators give
    AWS_ENDPOINT_URL themselves.
    """
    services = ("REKOGNITION", "BEDROCK_RUNTIME") if stage.local else ()
    return {f"AWS_ENDPOINT_URL_{name}": cfn.ref("RekognitionEndpoint") for name in services}


def _function(definition: Definition, stage: Stage) -> Json:
    name, run = definition.name, definition.function
    properties = {
        "FunctionName": stage.called(name),
        "Description": definition.purpose,
        "Runtime": cfn.ref("Runtime"),
        "Architectures": [cfn.ref(cfn.logical(name, "Architecture"))],
        "Handler": HANDLER,
        "Code": {"S3Bucket": cfn.ref("CodeBucket"), "S3Key": cfn.ref(cfn.logical(name, "Code"))},
        "MemorySize": run.memory,
        "Timeout": run.timeout,
        "Role": _arn(name, "Role"),
        "Environment": {"Variables": variables(definition, stage)},
        "LoggingConfig": {"LogFormat": "JSON", "LogGroup": cfn.ref(cfn.logical(name, "Logs"))},
        "TracingConfig": {"Mode": "Active" if stage.tracing else "PassThrough"},
    }
    return cfn.resource("Lambda::Function", properties)


def _role(service: str, name: str, statements: list[Json], condition: Json | None = None) -> Json:
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


def _logs(definition: Definition, stage: Stage) -> Json:
    properties = {
        "LogGroupName": f"/aws/lambda/{stage.called(definition.name)}",
        "RetentionInDays": stage.log_retention,
        **encryption.of_logs(stage),
    }
    # Without a policy of its own CloudFormation would delete it too; said, so that nobody asks.
    return cfn.resource(
        "Logs::LogGroup", properties, DeletionPolicy="Delete", UpdateReplacePolicy="Delete"
    )


def _source(definition: Definition, queue: Json) -> Json:
    run = definition.function
    properties = {
        "EventSourceArn": queue,
        "FunctionName": cfn.ref(cfn.logical(definition.name, "Function")),
        "BatchSize": run.batch,
        "MaximumBatchingWindowInSeconds": run.window,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": run.concurrency},
    }
    return cfn.resource("Lambda::EventSourceMapping", properties)


def _queue(stage: Stage, name: str, retention: int) -> Json:
    return {
        "QueueName": name,
        "MessageRetentionPeriod": retention,
        **encryption.of_queue(stage),
    }


def _queue_policy(definition: Definition, stage: Stage) -> Json:
    name = definition.name
    statements = []
    if definition.subscribes:
        topic = {"ArnEquals": {"aws:SourceArn": cfn.ref("EventsTopic")}}
        statements += [_may_send(name, "sns", topic)]
    if definition.uploads:
        # A bucket's name can pass to another account: the account is asked for as well.
        bucket = {
            "ArnEquals": {"aws:SourceArn": core.bucket_arn(stage, "uploads")},
            "StringEquals": {"aws:SourceAccount": cfn.ref("AWS::AccountId")},
        }
        statements += [_may_send(name, "s3", bucket)]
    if not stage.local:
        statements += [core.tls_only(["sqs:*"], _arn(name, "Queue"))]
    properties = {
        "Queues": [cfn.ref(cfn.logical(name, "Queue"))],
        "PolicyDocument": cfn.policy(*statements),
    }
    return cfn.resource("SQS::QueuePolicy", properties)


def _dead_letters_policy(name: str) -> Json:
    """Nobody's resource policy lets anyone in: SQS moves letters itself, roles may dead-letter."""
    dead = cfn.logical(name, "DeadLetters")
    properties = {
        "Queues": [cfn.ref(dead)],
        "PolicyDocument": cfn.policy(core.tls_only(["sqs:*"], cfn.att(dead))),
    }
    return cfn.resource("SQS::QueuePolicy", properties)


def _may_send(name: str, sender: str, condition: Json) -> Json:
    principal = {"Service": f"{sender}.amazonaws.com"}
    return cfn.allow(["sqs:SendMessage"], _arn(name, "Queue"), condition, Principal=principal)


def _may_log(definition: Definition, stage: Stage) -> Json:
    group = f"log-group:/aws/lambda/{stage.called(definition.name)}:*"
    arn = cfn.sub(f"arn:${{AWS::Partition}}:logs:${{AWS::Region}}:${{AWS::AccountId}}:{group}")
    return cfn.allow(["logs:CreateLogStream", "logs:PutLogEvents"], arn)


def _may_work(definition: Definition) -> list[Json]:
    """Take from the own queue, dead-letter in the own dead-letter queue, claim, and read the record."""
    name = definition.name
    claim = cfn.allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], cfn.att("LedgerTable"))
    return [
        cfn.allow([*RECEIVE, HAND_BACK], _arn(name, "Queue")),
        cfn.allow(["sqs:SendMessage"], _arn(name, "DeadLetters")),
        *([claim] if definition.claims else []),
        cfn.allow(["dynamodb:GetItem"], cfn.att("RecordsTable")),
    ]


def _allowed(allow: Allow, stage: Stage) -> Json:
    condition = {"StringLike": {"s3:prefix": allow.prefix}} if allow.prefix else None
    return cfn.allow(allow.actions, place(allow.on, stage), condition)


def _rescued(everyone: Iterable[Definition]) -> list[str]:
    return [definition.name for definition in everyone if definition.queued]


def _arn(name: str, kind: str) -> Json:
    return cfn.att(cfn.logical(name, kind))
