"""One service: its Lambda function, event sources, log group and schedule."""

from collections.abc import Iterable

from infra.cloudformation import api_gateway, auth, cfn, encryption, iam, messaging, storage
from infra.cloudformation.cfn import Json
from infra.config.definitions import Definition
from infra.config.stages import Stage
from infra.packaging.package import HANDLER
from shared.contracts.cost import Rates

# The service that publishes this event also estimates what the run cost.
COMPLETED = "image.completed.v1"


def resources(
    definition: Definition, everyone: tuple[Definition, ...], stage: Stage, rates: Rates | None
) -> Json:
    """Every resource of one service; rescue reads the dead letters of `everyone`."""
    found = function(definition, everyone, stage, rates)
    if definition.queued:
        found |= messaging.queues(definition, everyone, stage)
    if definition.subscribes:
        found |= messaging.subscription(definition)
    if definition.schedule:
        found |= schedule(definition, stage)
    if definition.http:
        found |= api_gateway.resources(definition, stage)
    return found


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
        cfn.logical(name, "ScheduleRole"): iam.role("scheduler", name, [may_invoke], ours),
        cfn.logical(name, "Schedule"): cfn.resource("Scheduler::Schedule", properties),
    }


def function(
    definition: Definition, everyone: tuple[Definition, ...], stage: Stage, rates: Rates | None
) -> Json:
    """The Lambda function, its log group and role, and what feeds it."""
    name = definition.name
    return {
        cfn.logical(name, "Logs"): _logs(definition, stage),
        cfn.logical(name, "Role"): iam.role(
            "lambda", name, iam.grants(definition, everyone, stage)
        ),
        cfn.logical(name, "Function"): _function(definition, stage, rates),
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
        for other in iam.rescued(everyone)
    }


def variables(definition: Definition, stage: Stage, rates: Rates | None) -> Json:
    """The function's environment: every name and limit that it has to know, and the stage's own."""
    run = definition.function
    found = {
        "STAGE": stage.name,
        "SERVICE": definition.name,
        "EVENTS_TOPIC_ARN": cfn.ref("EventsTopic"),
        "NOTIFICATIONS_TOPIC_ARN": cfn.ref("NotificationsTopic"),
        "RECORDS_TABLE": cfn.ref("RecordsTable"),
        "LEDGER_TABLE": cfn.ref("LedgerTable"),
        "UPLOADS_BUCKET": storage.bucket_name(stage, "uploads"),
        "PROCESSED_BUCKET": storage.bucket_name(stage, "processed"),
        "FUNCTION_TIMEOUT": str(run.timeout),
        "WORST_CASE": str(run.worst_case),
        **({"MAX_ATTEMPTS": str(run.max_attempts)} if run.max_attempts else {}),
        "MODERATION": stage.moderation,
        "TOMBSTONE_DAYS": str(stage.retention.tombstones),
        "LOG_LEVEL": stage.log_level,
        "TRACING": "on" if stage.tracing else "off",
    }
    found |= _queue_urls(definition) | _of_http(definition, stage) | _emulated(stage)
    found |= _rates(definition, rates)
    return found | stage.variables_of(definition.name)


def _queue_urls(definition: Definition) -> Json:
    if not definition.queued:
        return {}
    return {
        "QUEUE_URL": cfn.ref(cfn.logical(definition.name, "Queue")),
        "DEAD_LETTER_QUEUE_URL": cfn.ref(cfn.logical(definition.name, "DeadLetters")),
    }


def reports_cost(definition: Definition) -> bool:
    """Whether the service estimates what a completed run cost, and so needs the rates."""
    return COMPLETED in definition.publishes


def _rates(definition: Definition, rates: Rates | None) -> Json:
    if rates is None or not reports_cost(definition):
        return {}
    return {"RATES": rates.model_dump_json()}


def _of_http(definition: Definition, stage: Stage) -> Json:
    """From where a browser may call it, and how whoever calls it reaches the buckets."""
    if not definition.http:
        return {}
    found = auth.variables(stage)
    if origin := storage.page_origin(stage):
        found |= {"PAGE_ORIGIN": origin}
    if stage.local:
        return found | {"PUBLIC_ENDPOINT": cfn.ref("PublicEndpoint")}
    # The page's own distribution hands on what was signed for the bucket: see cloudfront.py.
    return found | ({"PICTURES_ORIGIN": origin} if origin else {})


def _emulated(stage: Stage) -> Json:
    """Where the local Rekognition listens, and answers for Bedrock too; the emulators give
    AWS_ENDPOINT_URL themselves.
    """
    services = ("REKOGNITION", "BEDROCK_RUNTIME") if stage.local else ()
    return {f"AWS_ENDPOINT_URL_{name}": cfn.ref("RekognitionEndpoint") for name in services}


def _function(definition: Definition, stage: Stage, rates: Rates | None) -> Json:
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
        "Environment": {"Variables": variables(definition, stage, rates)},
        "LoggingConfig": {"LogFormat": "JSON", "LogGroup": cfn.ref(cfn.logical(name, "Logs"))},
        "TracingConfig": {"Mode": "Active" if stage.tracing else "PassThrough"},
    }
    return cfn.resource("Lambda::Function", properties)


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


def _arn(name: str, kind: str) -> Json:
    return cfn.att(cfn.logical(name, kind))
