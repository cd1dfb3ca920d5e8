"""The REST API of a service, in the template."""

import json

import pytest

from infra.cloudformation import api_gateway
from infra.cloudformation.cfn import logical
from infra.deploy.stage_template import stage_template
from infra.errors import InfraError

DEPLOYMENT = "ApiGateway::Deployment"


@pytest.fixture(scope="module")
def resources(services, stage):
    return stage_template(services, stage)["Resources"]


def of_type(resources, kind):
    return {name: each for name, each in resources.items() if each["Type"] == f"AWS::{kind}"}


def methods(resources, verb):
    methods = of_type(resources, "ApiGateway::Method").values()
    return [each["Properties"] for each in methods if each["Properties"]["HttpMethod"] == verb]


def test_every_path_and_method_invokes_the_function(resources):
    proxy_methods = methods(resources, "ANY")
    (proxy,) = of_type(resources, "ApiGateway::Resource").values()
    assert proxy["Properties"]["PathPart"] == "{proxy+}"
    resource_ids = [json.dumps(each["ResourceId"]) for each in proxy_methods]
    assert sorted(resource_ids) == [
        '{"Fn::GetAtt": ["ApiRest", "RootResourceId"]}',
        '{"Ref": "ApiAnything"}',
    ]
    for each in proxy_methods:
        uri = each["Integration"]["Uri"]["Fn::Sub"]
        assert uri.endswith("functions/${ApiFunction.Arn}/invocations")


def test_a_deployment_depends_on_all_parts_of_the_api(resources, stage):
    (deployment,) = of_type(resources, "ApiGateway::Deployment").values()
    kinds = {resources[name]["Type"] for name in deployment["DependsOn"]}
    assert kinds == {
        "AWS::ApiGateway::Method",
        "AWS::ApiGateway::Resource",
        "AWS::ApiGateway::GatewayResponse",
        *(() if stage.local else ["AWS::ApiGateway::Authorizer"]),
    }


def test_changed_content_is_a_new_deployment(project, dev):
    path = project.http_service("toy")
    (before,) = of_type(stage_template(project.definitions(), dev)["Resources"], DEPLOYMENT)
    path.write_text(path.read_text().replace('purpose = "serves HTTP"', 'purpose = "more"'))
    (after,) = of_type(stage_template(project.definitions(), dev)["Resources"], DEPLOYMENT)
    (again,) = of_type(stage_template(project.definitions(), dev)["Resources"], DEPLOYMENT)
    assert before != after == again


def test_only_this_api_may_invoke_the_function(resources):
    (permission,) = of_type(resources, "Lambda::Permission").values()
    assert permission["Properties"]["Principal"] == "apigateway.amazonaws.com"
    assert permission["Properties"]["SourceArn"]["Fn::Sub"].endswith(":${ApiRest}/*/*")


def test_error_responses_of_the_gateway_are_problem_documents(resources):
    responses = of_type(resources, "ApiGateway::GatewayResponse").values()
    kinds = {each["Properties"]["ResponseType"] for each in responses}
    assert kinds == {"DEFAULT_4XX", "DEFAULT_5XX"}
    for each in responses:
        body = each["Properties"]["ResponseTemplates"]["application/problem+json"]
        assert json.loads(body)["requestId"] == "$context.requestId"


def test_only_the_page_may_use_presigned_urls_in_a_browser(resources, stage):
    rules = {
        name: resources[name]["Properties"].get("CorsConfiguration")
        for name in ("UploadsBucket", "ProcessedBucket")
    }
    on_aws = {"Fn::Sub": "https://${PageDistribution.DomainName}"}
    page = {"Ref": "PublicEndpoint"} if stage.local else on_aws
    allowed = {"UploadsBucket": ["POST", "PUT"], "ProcessedBucket": ["GET", "HEAD"]}
    if not stage.local:  # on AWS, links go through the page's origin
        del allowed["ProcessedBucket"]
    assert {name for name, rule in rules.items() if rule} == set(allowed)
    for name, verbs in allowed.items():
        (rule,) = rules[name]["CorsRules"]
        assert rule["AllowedOrigins"] == [page]
        assert rule["AllowedMethods"] == verbs


def test_the_url_of_the_api_is_an_output(services, stage, local):
    url = stage_template(services, stage)["Outputs"]["ApiAddress"]["Value"]["Fn::Sub"]
    assert url.endswith(f"/{stage.name}")
    assert url.startswith("${PublicEndpoint}/_aws/" if stage.local else "https://${ApiRest}.")


def test_the_api_may_only_read_presign_and_publish(resources):
    (policy,) = resources["ApiRole"]["Properties"]["Policies"]
    allowed = {
        action: json.dumps(statement["Resource"])
        for statement in policy["PolicyDocument"]["Statement"]
        for action in statement["Action"]
        if not action.startswith(("logs:", "xray:", "kms:"))
    }
    assert set(allowed) == {
        "dynamodb:GetItem",
        "dynamodb:Query",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
        "sns:Publish",
    }
    assert "-uploads" in allowed["s3:PutObject"]
    assert "/uploads/*" in allowed["s3:PutObject"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("http = true", 'http = true\nschedule = "rate(1 hour)"', "or serves HTTP"),
        ("http = true", "http = false", "or serves HTTP"),
        (
            "worst_case = 3",
            "worst_case = 3\nmax_attempts = 5",
            "are for services that receive from queues",
        ),
    ],
)
def test_an_http_service_has_no_other_trigger(project, old, new, message):
    path = project.http_service("toy")
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InfraError) as refusal:
        project.definitions()
    assert message in str(refusal.value)


def test_an_http_service_has_no_queue(project, local):
    project.http_service("toy")
    (toy,) = project.definitions()
    created = api_gateway.resources(toy, local)
    assert not toy.queued
    assert logical("toy", "Rest") in created
