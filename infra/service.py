"""All that one service is deployed as: queues, subscription, role, function, sources, alarms."""

from collections.abc import Iterable
from typing import Any

from infra import cfn, core, http, retention
from infra.cfn import Json
from infra.definitions import Allow, Definition
from infra.stages import Stage

QUEUE_RETENTION = retention.QUEUE * retention.DAY
DEAD_LETTER_RETENTION = retention.DEAD_LETTERS * retention.DAY

# A backstop, not the retry budget: that is the ledger's attempts. A receive is no try: a message
# handed back because it was busy, or because the batch ran out of time, was received all the same.
MAX_RECEIVES = 100

# A hop takes seconds. A message that waits a quarter of an hour waits for somebody to look.
STALE_SECONDS = 900

# Rescue takes seconds. A dead letter still there after this many minutes is one it cannot rescue.
RESCUE_MINUTES = 5

# Runs that a scheduled service may miss in a row before someone has to look.
MISSED_RUNS = 3

# Lambda advises six timeouts; and a lease lasts the timeout and 10 s, and must end within it.
VISIBILITY_TIMEOUTS = 6
LEASE_TAIL = 10

RECEIVE = (
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ChangeMessageVisibility*",  # one right on AWS; MiniStack has another for several at once
)


def resources(definition: Definition, everyone: tuple[Definition, ...], stage: Stage) -> Json:
    """Every resource of one service; `everyone` tells a rescuing one whose dead letters to take."""
    found = function(definition, everyone, stage)
    if definition.queued:
        found |= queues(definition, everyone, stage)
    found |= alarms(definition, stage)
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
    dead = _queue(stage.called(name, "dead"), DEAD_LETTER_RETENTION)
    if rescuers:
        dead["VisibilityTimeout"] = max(rescuers)
    redrive = {"deadLetterTargetArn": _arn(name, "DeadLetters"), "maxReceiveCount": MAX_RECEIVES}
    queue = _queue(stage.called(name), QUEUE_RETENTION) | {
        "VisibilityTimeout": visibility(definition),
        "RedrivePolicy": redrive,
    }
    return {
        cfn.logical(name, "DeadLetters"): cfn.resource("SQS::Queue", dead),
        cfn.logical(name, "Queue"): cfn.resource("SQS::Queue", queue),
        cfn.logical(name, "QueuePolicy"): _queue_policy(definition, stage),
    }


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


def alarms(definition: Definition, stage: Stage) -> Json:
    """Someone has to look, because nothing here makes it good by itself."""
    if definition.queued:
        return queue_alarm(definition) | dead_letter_alarms(definition)
    # What a queued service's function fails on is still on its queue; here no one else has it.
    errors = _of_function(definition.name, "Errors")
    failed = _alarm(f"{definition.name}: the function failed", errors, Statistic="Sum")
    found = {cfn.logical(definition.name, "ErrorsAlarm"): failed}
    if definition.http:
        found |= answers_alarm(definition, stage)
    return found | (silence_alarm(definition) if definition.schedule else {})


def answers_alarm(definition: Definition, stage: Stage) -> Json:
    """A request was answered with 5xx: the function says so itself, without failing."""
    failed = f"{definition.name}: a request was answered with 5xx"
    metric = http.alarm_metric(definition, stage)
    alarm = _alarm(failed, metric, Statistic="Sum")
    return {cfn.logical(definition.name, "AnswersAlarm"): alarm}


def queue_alarm(definition: Definition) -> Json:
    """A message waits for too long."""
    queue = cfn.logical(definition.name, "Queue")
    waits = f"{definition.name}: a message waits for more than {STALE_SECONDS // 60} minutes"
    age = _of_queue(queue, "ApproximateAgeOfOldestMessage")
    return {f"{queue}Alarm": _alarm(waits, age, Threshold=STALE_SECONDS)}


def dead_letter_alarms(definition: Definition) -> Json:
    """A message was given up; and what rescue does not manage to keep is still there.

    The first shows in what is received: rescue has a letter before a depth could show it. A letter
    on which rescue fails is in its hands for nearly all the time, until it is visible again and
    taken again; where rescue does not run, letters wait. Their age tells nothing: SQS leaves out
    what was received three times.
    """
    dead = cfn.logical(definition.name, "DeadLetters")
    received = _of_queue(dead, "NumberOfMessagesReceived")
    in_hand = _of_queue(dead, "ApproximateNumberOfMessagesNotVisible")
    waiting = _of_queue(dead, "ApproximateNumberOfMessagesVisible")
    fails = f"{definition.name}: rescue fails on a dead letter"
    rests = f"{definition.name}: nobody rescues the dead letters"
    lasting = {"EvaluationPeriods": RESCUE_MINUTES}
    return {
        f"{dead}Alarm": _alarm(f"{definition.name}: dead letters", received, Statistic="Sum"),
        f"{dead}InHandAlarm": _alarm(fails, in_hand, **lasting),
        f"{dead}WaitingAlarm": _alarm(rests, waiting, **lasting),
    }


def silence_alarm(definition: Definition) -> Json:
    """A scheduled service that nobody wakes any more fails at nothing: that it does not run shows.

    It rings from the first deployment to the first run.
    """
    name = definition.name
    silent = _alarm(
        f"{name}: missed {MISSED_RUNS} runs",
        _of_function(name, "Invocations"),
        Statistic="Sum",
        Period=definition.every,
        EvaluationPeriods=MISSED_RUNS,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="breaching",
    )
    return {cfn.logical(name, "SilenceAlarm"): silent}


def grants(definition: Definition, everyone: Iterable[Definition], stage: Stage) -> list[Json]:
    """The statements of the function's role: what every service needs, then its own `allow`."""
    found = [_may_log(definition, stage)]
    if definition.queued:
        found += _may_work(definition)
    if definition.rescues:
        found += [cfn.allow(RECEIVE, [_arn(name, "DeadLetters") for name in _rescued(everyone)])]
    if definition.announces:
        found += [cfn.allow(["sns:Publish"], cfn.ref("EventsTopic"))]
    if stage.tracing:  # X-Ray has no resource to name
        found += [cfn.allow(["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*")]
    return found + [_allowed(allow, stage) for allow in definition.allow]


def place(on: str, stage: Stage) -> Any:
    """The ARN of a place in Darkroom's own words (see Allow.on)."""
    if on == "*":
        return on
    kind, slash, keys = on.partition("/")
    if kind in core.BUCKETS:
        return core.bucket_arn(stage, kind, slash + keys)
    if kind in core.TOPICS:
        return cfn.ref(f"{kind.capitalize()}Topic")
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
        **({"ATTEMPTS": str(run.attempts)} if run.attempts else {}),
        "MODERATION": stage.moderation,
        "TOMBSTONE_DAYS": str(stage.retention.tombstones),
        "LOG_LEVEL": stage.log_level,
        "TRACING": "on" if stage.tracing else "off",
    }
    found |= _queue_urls(definition) | _of_http(definition, stage) | _emulated(stage)
    return found | stage.variables_of(definition.name)


def _queue_urls(definition: Definition) -> Json:
    if not definition.queued:
        return {}
    return {
        "QUEUE_URL": cfn.ref(cfn.logical(definition.name, "Queue")),
        "DEAD_LETTER_QUEUE_URL": cfn.ref(cfn.logical(definition.name, "DeadLetters")),
    }


def _of_http(definition: Definition, stage: Stage) -> Json:
    """From where a browser may call it, and how whoever calls it reaches the buckets."""
    if not definition.http:
        return {}
    found = {"PAGE_ORIGIN": origin} if (origin := core.page_origin(stage)) else {}
    return found | ({"PUBLIC_ENDPOINT": cfn.ref("PublicEndpoint")} if stage.local else {})


def _emulated(stage: Stage) -> Json:
    """Where the local Rekognition listens; the emulators give AWS_ENDPOINT_URL themselves."""
    return {"AWS_ENDPOINT_URL_REKOGNITION": cfn.ref("RekognitionEndpoint")} if stage.local else {}


def _function(definition: Definition, stage: Stage) -> Json:
    name, run = definition.name, definition.function
    properties = {
        "FunctionName": stage.called(name),
        "Description": definition.purpose,
        "Runtime": cfn.ref("Runtime"),
        "Architectures": [cfn.ref(cfn.logical(name, "Architecture"))],
        "Handler": f"services.{name}.handler.handle",
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


def _queue(name: str, retention: int) -> Json:
    # SQS's own key costs nothing, and lets S3 and SNS send without a key policy.
    return {
        "QueueName": name,
        "MessageRetentionPeriod": retention,
        "SqsManagedSseEnabled": True,
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
    properties = {
        "Queues": [cfn.ref(cfn.logical(name, "Queue"))],
        "PolicyDocument": cfn.policy(*statements),
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
    """Take from the own queue, bury in the own dead-letter queue, claim, and read the record."""
    name = definition.name
    return [
        cfn.allow(RECEIVE, _arn(name, "Queue")),
        cfn.allow(["sqs:SendMessage"], _arn(name, "DeadLetters")),
        cfn.allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], cfn.att("LedgerTable")),
        cfn.allow(["dynamodb:GetItem"], cfn.att("RecordsTable")),
    ]


def _allowed(allow: Allow, stage: Stage) -> Json:
    condition = {"StringLike": {"s3:prefix": allow.prefix}} if allow.prefix else None
    return cfn.allow(allow.actions, place(allow.on, stage), condition)


def _alarm(description: str, metric: Json, **otherwise: Any) -> Json:
    """An alarm on any value above 0 in one minute, unless it is told otherwise."""
    properties = {
        "AlarmDescription": description,
        **metric,
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",  # what is idle reports nothing
        **otherwise,
    }
    return cfn.resource("CloudWatch::Alarm", properties)


def _of_queue(queue: str, metric: str) -> Json:
    name = {"Name": "QueueName", "Value": cfn.att(queue, "QueueName")}
    return {"Namespace": "AWS/SQS", "MetricName": metric, "Dimensions": [name]}


def _of_function(service: str, metric: str) -> Json:
    name = {"Name": "FunctionName", "Value": cfn.ref(cfn.logical(service, "Function"))}
    return {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": [name]}


def _rescued(everyone: Iterable[Definition]) -> list[str]:
    return [definition.name for definition in everyone if definition.queued]


def _arn(name: str, kind: str) -> Json:
    return cfn.att(cfn.logical(name, kind))
