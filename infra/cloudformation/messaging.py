"""SNS topics, SQS queues, their policies and subscriptions."""

from collections.abc import Iterable

from infra.cloudformation import cfn, encryption, storage
from infra.cloudformation.cfn import Json
from infra.config import retention
from infra.config.definitions import Definition
from infra.config.stages import Stage

TOPICS = ("events", "notifications")

QUEUE_RETENTION = retention.QUEUE * retention.DAY
DEAD_LETTER_RETENTION = retention.DEAD_LETTERS * retention.DAY

# A backstop only: the ledger counts attempts. A receive is not an attempt: a message that waits for
# a lock or for the next invocation is received again, too.
MAX_RECEIVES = 100

# AWS recommends a visibility timeout of six function timeouts. It must also outlast a lease, which
# is the function timeout and 10 s.
VISIBILITY_TIMEOUTS = 6
LEASE_TAIL = 10  # s


def topics(stage: Stage) -> Json:
    """The topics `events`, between services, and `notifications`, for subscribers outside.

    On AWS their policy denies plain HTTP. The roles of this account grant publishing and
    subscribing.
    """
    created = {
        f"{kind.capitalize()}Topic": cfn.resource(
            "SNS::Topic", {"TopicName": stage.called(kind), **encryption.of_topic(stage)}
        )
        for kind in TOPICS
    }
    if stage.local:
        return created
    return created | {f"{kind.capitalize()}TopicPolicy": _topic_policy(kind) for kind in TOPICS}


def visibility(definition: Definition) -> int:
    """The visibility timeout of the service's queue, in seconds."""
    timeout = definition.function.timeout
    return max(VISIBILITY_TIMEOUTS * timeout, timeout + LEASE_TAIL) + definition.function.window


def queues(definition: Definition, services: Iterable[Definition], stage: Stage) -> Json:
    """The service's queue, its dead-letter queue, and the policies that allow sending."""
    name = definition.name
    rescue_timeouts = [visibility(other) for other in services if other.rescues]
    dead = _queue(stage, stage.called(name, "dead"), DEAD_LETTER_RETENTION)
    if rescue_timeouts:
        dead["VisibilityTimeout"] = max(rescue_timeouts)
    redrive = {"deadLetterTargetArn": _arn(name, "DeadLetters"), "maxReceiveCount": MAX_RECEIVES}
    queue = _queue(stage, stage.called(name), QUEUE_RETENTION) | {
        "VisibilityTimeout": visibility(definition),
        "RedrivePolicy": redrive,
    }
    created = {
        cfn.logical(name, "DeadLetters"): cfn.resource("SQS::Queue", dead),
        cfn.logical(name, "Queue"): cfn.resource("SQS::Queue", queue),
        cfn.logical(name, "QueuePolicy"): _queue_policy(definition, stage),
    }
    if stage.local:  # the emulators speak plain HTTP
        return created
    return created | {cfn.logical(name, "DeadLettersPolicy"): _dead_letters_policy(name)}


def subscription(definition: Definition) -> Json:
    """Deliver the event types that the service consumes, with raw message delivery."""
    name = definition.name
    properties = {
        "TopicArn": cfn.ref("EventsTopic"),
        "Protocol": "sqs",
        "Endpoint": _arn(name, "Queue"),
        "RawMessageDelivery": True,
        "FilterPolicyScope": "MessageAttributes",
        "FilterPolicy": {"type": list(definition.subscribes)},
    }
    # Without its policy, the queue rejects events.
    policy = [cfn.logical(name, "QueuePolicy")]
    return {
        cfn.logical(name, "Subscription"): cfn.resource(
            "SNS::Subscription", properties, DependsOn=policy
        )
    }


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
        # Another account can take over a deleted bucket's name, so the account is checked too.
        bucket = {
            "ArnEquals": {"aws:SourceArn": storage.bucket_arn(stage, "uploads")},
            "StringEquals": {"aws:SourceAccount": cfn.ref("AWS::AccountId")},
        }
        statements += [_may_send(name, "s3", bucket)]
    if not stage.local:
        statements += [encryption.tls_only(["sqs:*"], _arn(name, "Queue"))]
    properties = {
        "Queues": [cfn.ref(cfn.logical(name, "Queue"))],
        "PolicyDocument": cfn.policy(*statements),
    }
    return cfn.resource("SQS::QueuePolicy", properties)


def _dead_letters_policy(name: str) -> Json:
    """Deny plain HTTP. SQS's redrive and the roles of this account may send."""
    dead = cfn.logical(name, "DeadLetters")
    properties = {
        "Queues": [cfn.ref(dead)],
        "PolicyDocument": cfn.policy(encryption.tls_only(["sqs:*"], cfn.att(dead))),
    }
    return cfn.resource("SQS::QueuePolicy", properties)


def _may_send(name: str, sender: str, condition: Json) -> Json:
    principal = {"Service": f"{sender}.amazonaws.com"}
    return cfn.allow(["sqs:SendMessage"], _arn(name, "Queue"), condition, Principal=principal)


def _topic_policy(kind: str) -> Json:
    topic = cfn.ref(f"{kind.capitalize()}Topic")
    properties = {
        "Topics": [topic],
        # sns:Publish is the only data action that a topic policy can restrict.
        "PolicyDocument": cfn.policy(encryption.tls_only(["sns:Publish"], topic)),
    }
    return cfn.resource("SNS::TopicPolicy", properties)


def _arn(name: str, kind: str) -> Json:
    return cfn.att(cfn.logical(name, kind))
