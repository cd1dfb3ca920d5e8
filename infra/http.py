"""A service's door to HTTP: a REST API of API Gateway that hands every request to its function.

The function routes: one proxy takes all paths and methods, so what the door lets in is decided,
documented and tested in one place. REST (v1), because it is what both emulators have.
"""

import hashlib
import json
from typing import Any

from infra import cfn
from infra.cfn import Json
from infra.definitions import Definition
from infra.stages import Stage

# What API Gateway answers by itself, as the problem documents that the function answers with. The
# values are its own variables; `$context.error.messageString` is quoted by itself.
PROBLEM = json.dumps(
    {
        "type": "about:blank",
        "title": "The request did not reach the service",
        "code": "gateway",
        "request_id": "$context.requestId",
    }
)


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
        cfn.logical(name, "Stage"): _stage(api, deployment, stage),
        cfn.logical(name, "Permission"): _permission(name, api),
    }


def alarm_metric(definition: Definition, stage: Stage) -> Json:
    """The answers that were our fault, or the world's."""
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
    host = f"${{{api}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}"
    return cfn.sub(f"https://{host}/{stage.name}")


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
    return {
        api: cfn.resource("ApiGateway::RestApi", properties),
        below: cfn.resource("ApiGateway::Resource", anything),
        cfn.logical(name, "RootMethod"): _method(name, stage, cfn.att(api, "RootResourceId")),
        cfn.logical(name, "AnythingMethod"): _method(name, stage, cfn.ref(below)),
        cfn.logical(name, "Refusals"): _answers(api, "DEFAULT_4XX"),
        cfn.logical(name, "Failures"): _answers(api, "DEFAULT_5XX"),
    }


def _method(name: str, stage: Stage, place: Json) -> Json:
    function = f"${{{cfn.logical(name, 'Function')}.Arn}}"
    invoke = f"lambda:path/2015-03-31/functions/{function}/invocations"
    uri = cfn.sub(f"arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:{invoke}")
    properties = {
        "RestApiId": cfn.ref(cfn.logical(name, "Rest")),
        "ResourceId": place,
        "HttpMethod": "ANY",
        "AuthorizationType": "NONE" if stage.open else "AWS_IAM",
        "Integration": {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": uri},
    }
    return cfn.resource("ApiGateway::Method", properties)


def _answers(api: str, kind: str) -> Json:
    properties = {
        "RestApiId": cfn.ref(api),
        "ResponseType": kind,
        "ResponseTemplates": {"application/problem+json": PROBLEM},
    }
    return cfn.resource("ApiGateway::GatewayResponse", properties)


def _stage(api: str, deployment: str, stage: Stage) -> Json:
    properties = {
        "RestApiId": cfn.ref(api),
        "DeploymentId": cfn.ref(deployment),
        "StageName": stage.name,
        "TracingEnabled": stage.tracing,
    }
    return cfn.resource("ApiGateway::Stage", properties)


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
