"""Observability of a stage: the topic `alerts`, the alarms that publish to it, and a dashboard."""

from infra.cloudformation import alarms, cfn, dashboard, encryption
from infra.cloudformation.cfn import Json
from infra.config.definitions import Definition
from infra.config.stages import Stage


def resources(everyone: tuple[Definition, ...], stage: Stage) -> Json:
    """The topic, every alarm, and where somebody can look at it the dashboard."""
    found = alerts(stage) | alarms.resources(everyone, stage)
    # LocalStack 4.14 has no dashboards, and MiniStack keeps them without drawing any.
    return found if stage.local else found | dashboard.resources(everyone, stage)


def alerts(stage: Stage) -> Json:
    """Where alarms ring. Only CloudWatch may, and only for this stage's alarms."""
    here = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}"
    ours = {
        "StringEquals": {"aws:SourceAccount": cfn.ref("AWS::AccountId")},
        "ArnLike": {"aws:SourceArn": cfn.sub(f"{here}:alarm:{stage.called()}-*")},
    }
    cloudwatch = {"Service": "cloudwatch.amazonaws.com"}
    statement = cfn.allow(["sns:Publish"], cfn.ref(alarms.TOPIC), ours, Principal=cloudwatch)
    statements = [statement]
    if not stage.local:  # the emulators speak plain HTTP
        statements.append(encryption.tls_only(["sns:Publish"], cfn.ref(alarms.TOPIC)))
    policy = {"Topics": [cfn.ref(alarms.TOPIC)], "PolicyDocument": cfn.policy(*statements)}
    # AWS's own key for SNS lets no other service of AWS in: CloudWatch could not ring.
    encrypted = encryption.of_topic(stage) if stage.kms else {}
    named = {"TopicName": stage.called("alerts"), **encrypted}
    return {
        alarms.TOPIC: cfn.resource("SNS::Topic", named),
        f"{alarms.TOPIC}Policy": cfn.resource("SNS::TopicPolicy", policy),
    }


def outputs() -> Json:
    """What `python -m infra outputs` reads back (see infra/deploy/outputs.py)."""
    return {alarms.TOPIC: cfn.output(cfn.ref(alarms.TOPIC), "the alerts topic")}
