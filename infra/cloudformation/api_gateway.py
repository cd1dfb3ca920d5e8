"""A service's door to HTTP: a REST API of API Gateway that hands every request to its function.

The function routes: one proxy takes all paths and methods, so what the door lets in is decided,
documented and tested in one place. REST (v1), because it is what both emulators have. On AWS the
door asks who calls (see auth.py), takes no more than so many requests a second, and keeps
an access log; the emulators do none of that.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from infra.cloudformation import auth, cfn, encryption, storage
from infra.cloudformation.cfn import Json
from infra.config.definitions import Definition
from infra.config.stages import Stage

# What API Gateway answers by itself, as the problem documents that the function answers with. The
# values are its own variables; `$context.error.messageString` is quoted by itself.
PROBLEM = json.dumps(
    {
        "type": "about:blank",
        "title": "The request did not reach the service",
        "code": "gateway",
        "requestId": "$context.requestId",
    }
)

# Of each request: enough to find it again and to see who asks too much; no query, no user agent.
# `caller` is the user's id in the pool, or the id of the key.
LOGGED = {
    "cognito": "$context.authorizer.claims.sub",
    "keys": "$context.identity.apiKeyId",
}
LOG_LINE = {
    "time": "$context.requestTime",
    "request_id": "$context.requestId",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "ms": "$context.responseLatency",
    "address": "$context.identity.sourceIp",
    "error": "$context.error.responseType",
}


def resources(definition: Definition, stage: Stage) -> Json:
    """The API, its stage, and the right to call the function."""
    name = definition.name
    content = _api(definition, stage)
    deployment = cfn.logical(name, f"Deployment{_digest(content)}")
    api = cfn.logical(name, "Rest")
    # A deployment is a picture of the API as it is at that moment: without the methods, of nothing.
    after = [key for key, each in content.items() if each["Type"] != "AWS::ApiGateway::RestApi"]
    return {
        **content,
        deployment: cfn.resource(
            "ApiGateway::Deployment", {"RestApiId": cfn.ref(api)}, DependsOn=sorted(after)
        ),
        cfn.logical(name, "Stage"): _stage(name, deployment, stage),
        cfn.logical(name, "Permission"): _permission(name, api),
        **_plan(name, stage),
        **_access_log(name, stage),
    }


def account(everyone: Iterable[Definition], stage: Stage) -> Json:
    """The role by which API Gateway writes logs: one for all APIs of an account and region.

    So it stays when this stack goes: another stage's may need it. It can write logs, and no more.
    """
    if stage.local or not any(definition.http for definition in everyone):
        return {}
    assume = {
        "Effect": "Allow",
        "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": cfn.ref("AWS::AccountId")}},
    }
    managed = "policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
    role = {
        "AssumeRolePolicyDocument": cfn.policy(assume),
        "ManagedPolicyArns": [cfn.sub(f"arn:${{AWS::Partition}}:iam::aws:{managed}")],
    }
    stays = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
    return {
        "GatewayLogsRole": cfn.resource("IAM::Role", role, **stays),
        "GatewayAccount": cfn.resource(
            "ApiGateway::Account", {"CloudWatchRoleArn": cfn.att("GatewayLogsRole")}, **stays
        ),
    }


def host(definition: Definition) -> str:
    """The API's host on AWS, as text for Fn::Sub."""
    api = cfn.logical(definition.name, "Rest")
    return f"${{{api}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}"


def alarm_metric(definition: Definition, stage: Stage) -> Json:
    """The 5xx responses: faults of Darkroom or of its dependencies."""
    values = {"ApiName": stage.called(definition.name), "Stage": stage.name}
    return {
        "Namespace": "AWS/ApiGateway",
        "MetricName": "5XXError",
        "Dimensions": [{"Name": key, "Value": value} for key, value in values.items()],
    }


def address(definition: Definition, stage: Stage) -> Json:
    """Where the API is reached; on an emulator, by whoever deployed it."""
    api = cfn.logical(definition.name, "Rest")
    if stage.local:
        return cfn.sub(f"${{PublicEndpoint}}/_aws/execute-api/${{{api}}}/{stage.name}")
    return cfn.sub(f"https://{host(definition)}/{stage.name}")


def _api(definition: Definition, stage: Stage) -> Json:
    """All that a deployment is a picture of."""
    name = definition.name
    api = cfn.logical(name, "Rest")
    properties = {
        "Name": stage.called(name),
        "Description": definition.purpose,
        "EndpointConfiguration": {"Types": ["REGIONAL"]},
    }
    anything = {
        "RestApiId": cfn.ref(api),
        "ParentId": cfn.att(api, "RootResourceId"),
        "PathPart": "{proxy+}",
    }
    below = cfn.logical(name, "Anything")
    places = {"Root": cfn.att(api, "RootResourceId"), "Anything": cfn.ref(below)}
    return {
        api: cfn.resource("ApiGateway::RestApi", properties),
        below: cfn.resource("ApiGateway::Resource", anything),
        **_authorizer(name, stage),
        **{
            cfn.logical(name, f"{kind}Method"): _method(name, "ANY", place, _asked(name, stage))
            for kind, place in places.items()
        },
        **_preflights(name, stage, places),
        cfn.logical(name, "Refusals"): _answers(api, stage, "DEFAULT_4XX"),
        cfn.logical(name, "Failures"): _answers(api, stage, "DEFAULT_5XX"),
    }


def _authorizer(name: str, stage: Stage) -> Json:
    """Looks at the token before the function is called, and paid for."""
    if stage.access != "cognito":
        return {}
    properties = {
        "Name": stage.called(name),
        "RestApiId": cfn.ref(cfn.logical(name, "Rest")),
        "Type": "COGNITO_USER_POOLS",
        "IdentitySource": "method.request.header.Authorization",
        "ProviderARNs": [cfn.att(auth.POOL)],
    }
    authorizer = cfn.resource("ApiGateway::Authorizer", properties)
    return {cfn.logical(name, "Authorizer"): authorizer}


def _asked(name: str, stage: Stage) -> Json:
    return auth.method(stage, cfn.logical(name, "Authorizer"))


def _preflights(name: str, stage: Stage, places: Json) -> Json:
    """A browser asks whether it may ask before it shows any token: that much anyone may."""
    if not stage.has_page:
        return {}
    anyone = {"AuthorizationType": "NONE"}
    return {
        cfn.logical(name, f"{kind}Preflight"): _method(name, "OPTIONS", place, anyone)
        for kind, place in places.items()
    }


def _method(name: str, verb: str, place: Json, asked: Json) -> Json:
    function = f"${{{cfn.logical(name, 'Function')}.Arn}}"
    invoke = f"lambda:path/2015-03-31/functions/{function}/invocations"
    uri = cfn.sub(f"arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:{invoke}")
    properties = {
        "RestApiId": cfn.ref(cfn.logical(name, "Rest")),
        "ResourceId": place,
        "HttpMethod": verb,
        **asked,
        "Integration": {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": uri},
    }
    return cfn.resource("ApiGateway::Method", properties)


def _answers(api: str, stage: Stage, kind: str) -> Json:
    properties = {
        "RestApiId": cfn.ref(api),
        "ResponseType": kind,
        "ResponseTemplates": {"application/problem+json": PROBLEM},
        **_readable(stage),
    }
    return cfn.resource("ApiGateway::GatewayResponse", properties)


def _readable(stage: Stage) -> Json:
    """Let the page read why it was refused, where the function was not asked to say so."""
    if not stage.has_page:
        return {}
    quoted = cfn.filled(f"'https://{storage.page_host(stage)}'")
    return {"ResponseParameters": {"gatewayresponse.header.Access-Control-Allow-Origin": quoted}}


def _stage(name: str, deployment: str, stage: Stage) -> Json:
    properties = {
        "RestApiId": cfn.ref(cfn.logical(name, "Rest")),
        "DeploymentId": cfn.ref(deployment),
        "StageName": stage.name,
        "TracingEnabled": stage.tracing,
    }
    if stage.local:
        return cfn.resource("ApiGateway::Stage", properties)
    line = LOG_LINE | {"caller": LOGGED[stage.access]}
    log = {"DestinationArn": cfn.att(cfn.logical(name, "AccessLog")), "Format": json.dumps(line)}
    properties |= {"AccessLogSetting": log, "MethodSettings": [_limits(stage)]}
    return cfn.resource("ApiGateway::Stage", properties, DependsOn=["GatewayAccount"])


def _limits(stage: Stage) -> Json:
    """Of all callers together; and errors are logged, but never what a request or answer says."""
    return {
        "HttpMethod": "*",
        "ResourcePath": "/*",
        "ThrottlingRateLimit": stage.rate,
        "ThrottlingBurstLimit": stage.burst,
        "MetricsEnabled": True,
        "LoggingLevel": "ERROR",
        "DataTraceEnabled": False,
    }


def _plan(name: str, stage: Stage) -> Json:
    """What a key is good for. Further keys are made beside the stack, and added to this plan."""
    if stage.access != "keys":
        return {}
    plan = cfn.logical(name, "Plan")
    api = {"ApiId": cfn.ref(cfn.logical(name, "Rest")), "Stage": stage.name}
    properties = {
        "UsagePlanName": stage.called(name),
        "ApiStages": [api],
        "Throttle": {"RateLimit": stage.rate, "BurstLimit": stage.burst},
        "Quota": {"Limit": stage.quota, "Period": "DAY"},
    }
    key = {
        "KeyId": cfn.ref(auth.OPERATORS_KEY),
        "KeyType": "API_KEY",
        "UsagePlanId": cfn.ref(plan),
    }
    return {
        plan: cfn.resource(
            "ApiGateway::UsagePlan", properties, DependsOn=[cfn.logical(name, "Stage")]
        ),
        f"{plan}Key": cfn.resource("ApiGateway::UsagePlanKey", key),
    }


def _access_log(name: str, stage: Stage) -> Json:
    if stage.local:
        return {}
    properties = {
        "LogGroupName": f"/aws/apigateway/{stage.called(name)}",
        "RetentionInDays": stage.log_retention,
        **encryption.of_logs(stage),
    }
    group = cfn.resource(
        "Logs::LogGroup", properties, DeletionPolicy="Delete", UpdateReplacePolicy="Delete"
    )
    return {cfn.logical(name, "AccessLog"): group}


def _permission(name: str, api: str) -> Json:
    here = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}"
    properties = {
        "Action": "lambda:InvokeFunction",
        "FunctionName": cfn.ref(cfn.logical(name, "Function")),
        "Principal": "apigateway.amazonaws.com",
        "SourceArn": cfn.sub(f"{here}:${{{api}}}/*/*"),
    }
    return cfn.resource("Lambda::Permission", properties)


def _digest(content: Any) -> str:
    """A new deployment for new content: CloudFormation never makes an old one again."""
    said = json.dumps(content, sort_keys=True).encode()
    return hashlib.sha256(said).hexdigest()[:10]
