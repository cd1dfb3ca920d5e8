"""Observability of a stage: the topic `alerts`, the alarms that publish to it, and a dashboard."""

from infra.cloudformation import alarms, cfn, dashboard, encryption
from infra.cloudformation.cfn import Json
from infra.config.definitions import Definition
from infra.config.stages import Stage


def resources(services: tuple[Definition, ...], stage: Stage) -> Json:
    """The topic, the alarms and, on AWS, the dashboard."""
    created = alerts(stage) | alarms.resources(services, stage)
    # LocalStack 4.14 has no dashboards, and MiniStack stores them without showing them.
    return created if stage.local else created | dashboard.resources(services, stage)


def alerts(stage: Stage) -> Json:
    """The topic of the alarms. Only CloudWatch may publish, and only for this stage's alarms."""
    cloudwatch_arn = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}"
    this_stage = {
        "StringEquals": {"aws:SourceAccount": cfn.ref("AWS::AccountId")},
        "ArnLike": {"aws:SourceArn": cfn.sub(f"{cloudwatch_arn}:alarm:{stage.called()}-*")},
    }
    cloudwatch = {"Service": "cloudwatch.amazonaws.com"}
    statement = cfn.allow(["sns:Publish"], cfn.ref(alarms.TOPIC), this_stage, Principal=cloudwatch)
    statements = [statement]
    if not stage.local:  # the emulators speak plain HTTP
        statements.append(encryption.tls_only(["sns:Publish"], cfn.ref(alarms.TOPIC)))
    policy = {"Topics": [cfn.ref(alarms.TOPIC)], "PolicyDocument": cfn.policy(*statements)}
    # CloudWatch cannot use AWS's own key for SNS.
    encrypted = encryption.of_topic(stage) if stage.kms else {}
    properties = {"TopicName": stage.called("alerts"), **encrypted}
    return {
        alarms.TOPIC: cfn.resource("SNS::Topic", properties),
        f"{alarms.TOPIC}Policy": cfn.resource("SNS::TopicPolicy", policy),
    }


def outputs() -> Json:
    """What `python -m infra outputs` reads back (see infra/deploy/outputs.py)."""
    return {alarms.TOPIC: cfn.output(cfn.ref(alarms.TOPIC), "the alerts topic")}
