"""The Lambda function of a service, with its event sources, log group and schedule."""

from collections.abc import Iterable

from infra.cloudformation import api_gateway, auth, cfn, encryption, iam, messaging, storage
from infra.cloudformation.cfn import Json
from infra.config.definitions import Definition
from infra.config.stages import Stage
from infra.packaging.package import HANDLER
from shared.contracts.cost import Rates

# The service that publishes this event also estimates the cost of the run.
COMPLETED = "image.completed.v1"


def resources(
    definition: Definition, services: tuple[Definition, ...], stage: Stage, rates: Rates | None
) -> Json:
    """Every resource of one service. Rescue receives the dead letters of all `services`."""
    created = function(definition, services, stage, rates)
    if definition.queued:
        created |= messaging.queues(definition, services, stage)
    if definition.subscribes:
        created |= messaging.subscription(definition)
    if definition.schedule:
        created |= schedule(definition, stage)
    if definition.http:
        created |= api_gateway.resources(definition, stage)
    return created


def schedule(definition: Definition, stage: Stage) -> Json:
    """The schedule of a service, and the role with which EventBridge Scheduler invokes it."""
    name = definition.name
    target = {
        "Arn": _arn(name, "Function"),
        "RoleArn": _arn(name, "ScheduleRole"),
        # An invocation is retried until the next one is due.
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
    # Only schedules of this account may assume the role.
    this_account = {"StringEquals": {"aws:SourceAccount": cfn.ref("AWS::AccountId")}}
    return {
        cfn.logical(name, "ScheduleRole"): iam.role("scheduler", name, [may_invoke], this_account),
        cfn.logical(name, "Schedule"): cfn.resource("Scheduler::Schedule", properties),
    }


def function(
    definition: Definition, services: tuple[Definition, ...], stage: Stage, rates: Rates | None
) -> Json:
    """The Lambda function, its log group, role and event sources."""
    name = definition.name
    return {
        cfn.logical(name, "Logs"): _logs(definition, stage),
        cfn.logical(name, "Role"): iam.role(
            "lambda", name, iam.grants(definition, services, stage)
        ),
        cfn.logical(name, "Function"): _function(definition, stage, rates),
        **sources(definition, services),
    }


def sources(definition: Definition, services: Iterable[Definition]) -> Json:
    """The event source mappings: the service's queue, or for rescue each dead-letter queue."""
    name = definition.name
    if definition.queued:
        return {cfn.logical(name, "Source"): _source(definition, _arn(name, "Queue"))}
    if not definition.rescues:
        return {}
    return {
        cfn.logical(name, cfn.logical(other, "Source")): _source(
            definition, _arn(other, "DeadLetters")
        )
        for other in iam.rescued(services)
    }


def variables(definition: Definition, stage: Stage, rates: Rates | None) -> Json:
    """The function's environment variables: resource names, limits, and the stage's variables."""
    run = definition.function
    environment = {
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
    environment |= (
        _queue_urls(definition) | _http_variables(definition, stage) | _emulator_variables(stage)
    )
    environment |= _rates(definition, rates)
    return environment | stage.variables_of(definition.name)


def _queue_urls(definition: Definition) -> Json:
    if not definition.queued:
        return {}
    return {
        "QUEUE_URL": cfn.ref(cfn.logical(definition.name, "Queue")),
        "DEAD_LETTER_QUEUE_URL": cfn.ref(cfn.logical(definition.name, "DeadLetters")),
    }


def reports_cost(definition: Definition) -> bool:
    """Whether the service estimates the cost of a completed run, and so needs the rates."""
    return COMPLETED in definition.publishes


def _rates(definition: Definition, rates: Rates | None) -> Json:
    if rates is None or not reports_cost(definition):
        return {}
    return {"RATES": rates.model_dump_json()}


def _http_variables(definition: Definition, stage: Stage) -> Json:
    """Access, the page's origin (for CORS), and the hosts of presigned URLs."""
    if not definition.http:
        return {}
    variables = auth.variables(stage)
    if origin := storage.page_origin(stage):
        variables |= {"PAGE_ORIGIN": origin}
    if stage.local:
        return variables | {"PUBLIC_ENDPOINT": cfn.ref("PublicEndpoint")}
    # The page's distribution forwards links that were signed for the bucket: see cloudfront.py.
    return variables | ({"PICTURES_ORIGIN": origin} if origin else {})


def _emulator_variables(stage: Stage) -> Json:
    """The endpoint of the local Rekognition, which serves Bedrock too.

    The emulators set AWS_ENDPOINT_URL themselves.
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
    # These are CloudFormation's defaults, written out.
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
