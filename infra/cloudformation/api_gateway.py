"""The REST API of a service: API Gateway passes every request to the service's function.

One proxy resource takes all paths and methods, and the function routes them. REST (v1), because
both emulators support it. On AWS the API also authenticates callers (see auth.py), throttles
requests and writes an access log; the emulators do none of that.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from infra.cloudformation import auth, cfn, encryption, storage
from infra.cloudformation.cfn import Json
from infra.config.definitions import Definition
from infra.config.stages import Stage

# The body of API Gateway's own error responses: a problem document like the function's. The values
# are API Gateway's context variables.
PROBLEM = json.dumps(
    {
        "type": "about:blank",
        "title": "The request did not reach the service",
        "code": "gateway",
        "requestId": "$context.requestId",
    }
)

# The access log: enough to find a request and to see which caller sends too many. It has no query
# string and no user agent. `caller` is the user's id in the pool, or the id of the API key.
CALLER_VARIABLE = {
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
    """The API, its deployment and stage, and the permission to invoke the function."""
    name = definition.name
    content = _api(definition, stage)
    deployment = cfn.logical(name, f"Deployment{_digest(content)}")
    api = cfn.logical(name, "Rest")
    # A deployment is a snapshot of the API, so it has to wait for the methods.
    after = [key for key, value in content.items() if value["Type"] != "AWS::ApiGateway::RestApi"]
    return {
        **content,
        deployment: cfn.resource(
            "ApiGateway::Deployment", {"RestApiId": cfn.ref(api)}, DependsOn=sorted(after)
        ),
        cfn.logical(name, "Stage"): _stage(name, deployment, stage),
        cfn.logical(name, "Permission"): _permission(name, api),
        **_usage_plan(name, stage),
        **_access_log(name, stage),
    }


def account(services: Iterable[Definition], stage: Stage) -> Json:
    """The role with which API Gateway writes logs. An account has one per region, for all APIs.

    It is retained when the stack is deleted, because another stage may use it.
    """
    if stage.local or not any(definition.http for definition in services):
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
    retained = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
    return {
        "GatewayLogsRole": cfn.resource("IAM::Role", role, **retained),
        "GatewayAccount": cfn.resource(
            "ApiGateway::Account", {"CloudWatchRoleArn": cfn.att("GatewayLogsRole")}, **retained
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
    """The URL of the API; on an emulator, as the host reaches it."""
    api = cfn.logical(definition.name, "Rest")
    if stage.local:
        return cfn.sub(f"${{PublicEndpoint}}/_aws/execute-api/${{{api}}}/{stage.name}")
    return cfn.sub(f"https://{host(definition)}/{stage.name}")


def _api(definition: Definition, stage: Stage) -> Json:
    """The resources that a deployment is a snapshot of."""
    name = definition.name
    api = cfn.logical(name, "Rest")
    properties = {
        "Name": stage.called(name),
        "Description": definition.purpose,
        "EndpointConfiguration": {"Types": ["REGIONAL"]},
    }
    proxy = {
        "RestApiId": cfn.ref(api),
        "ParentId": cfn.att(api, "RootResourceId"),
        "PathPart": "{proxy+}",
    }
    proxy_id = cfn.logical(name, "Anything")
    resource_ids = {"Root": cfn.att(api, "RootResourceId"), "Anything": cfn.ref(proxy_id)}
    return {
        api: cfn.resource("ApiGateway::RestApi", properties),
        proxy_id: cfn.resource("ApiGateway::Resource", proxy),
        **_authorizer(name, stage),
        **{
            cfn.logical(name, f"{kind}Method"): _method(
                name, "ANY", resource_id, _authorization(name, stage)
            )
            for kind, resource_id in resource_ids.items()
        },
        **_preflights(name, stage, resource_ids),
        cfn.logical(name, "Refusals"): _error_response(api, stage, "DEFAULT_4XX"),
        cfn.logical(name, "Failures"): _error_response(api, stage, "DEFAULT_5XX"),
    }


def _authorizer(name: str, stage: Stage) -> Json:
    """Checks the token, so that a rejected request does not invoke the function."""
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


def _authorization(name: str, stage: Stage) -> Json:
    return auth.method(stage, cfn.logical(name, "Authorizer"))


def _preflights(name: str, stage: Stage, resource_ids: Json) -> Json:
    """CORS preflight requests: a browser sends them without a token, so they need none."""
    if not stage.has_page:
        return {}
    unauthenticated = {"AuthorizationType": "NONE"}
    return {
        cfn.logical(name, f"{kind}Preflight"): _method(
            name, "OPTIONS", resource_id, unauthenticated
        )
        for kind, resource_id in resource_ids.items()
    }


def _method(name: str, verb: str, resource_id: Json, authorization: Json) -> Json:
    function = f"${{{cfn.logical(name, 'Function')}.Arn}}"
    invoke = f"lambda:path/2015-03-31/functions/{function}/invocations"
    uri = cfn.sub(f"arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:{invoke}")
    properties = {
        "RestApiId": cfn.ref(cfn.logical(name, "Rest")),
        "ResourceId": resource_id,
        "HttpMethod": verb,
        **authorization,
        "Integration": {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": uri},
    }
    return cfn.resource("ApiGateway::Method", properties)


def _error_response(api: str, stage: Stage, kind: str) -> Json:
    properties = {
        "RestApiId": cfn.ref(api),
        "ResponseType": kind,
        "ResponseTemplates": {"application/problem+json": PROBLEM},
        **_cors_header(stage),
    }
    return cfn.resource("ApiGateway::GatewayResponse", properties)


def _cors_header(stage: Stage) -> Json:
    """Let the page read an error response that did not come from the function."""
    if not stage.has_page:
        return {}
    quoted = cfn.sub_if_needed(f"'https://{storage.page_host(stage)}'")
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
    line = LOG_LINE | {"caller": CALLER_VARIABLE[stage.access]}
    log = {"DestinationArn": cfn.att(cfn.logical(name, "AccessLog")), "Format": json.dumps(line)}
    properties |= {"AccessLogSetting": log, "MethodSettings": [_method_settings(stage)]}
    return cfn.resource("ApiGateway::Stage", properties, DependsOn=["GatewayAccount"])


def _method_settings(stage: Stage) -> Json:
    """Throttling for all callers together. Errors are logged, but no request or response bodies."""
    return {
        "HttpMethod": "*",
        "ResourcePath": "/*",
        "ThrottlingRateLimit": stage.rate,
        "ThrottlingBurstLimit": stage.burst,
        "MetricsEnabled": True,
        "LoggingLevel": "ERROR",
        "DataTraceEnabled": False,
    }


def _usage_plan(name: str, stage: Stage) -> Json:
    """The limits of an API key. Further keys are created outside the stack and added here."""
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
    api_arn = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}"
    properties = {
        "Action": "lambda:InvokeFunction",
        "FunctionName": cfn.ref(cfn.logical(name, "Function")),
        "Principal": "apigateway.amazonaws.com",
        "SourceArn": cfn.sub(f"{api_arn}:${{{api}}}/*/*"),
    }
    return cfn.resource("Lambda::Permission", properties)


def _digest(content: Any) -> str:
    """Part of the deployment's logical id, because only a new resource is a new snapshot."""
    text = json.dumps(content, sort_keys=True).encode()
    return hashlib.sha256(text).hexdigest()[:10]
