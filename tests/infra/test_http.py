"""The door to HTTP, read off the template."""

import json

import pytest

from infra.cloudformation import api_gateway
from infra.cloudformation.cfn import logical
from infra.deploy.stage_template import stage_template
from infra.errors import InfraError

DEPLOYMENT = "ApiGateway::Deployment"


@pytest.fixture(scope="module")
def resources(everyone, stage):
    return stage_template(everyone, stage)["Resources"]


def of_type(resources, kind):
    return {name: each for name, each in resources.items() if each["Type"] == f"AWS::{kind}"}


def methods(resources, verb):
    found = of_type(resources, "ApiGateway::Method").values()
    return [each["Properties"] for each in found if each["Properties"]["HttpMethod"] == verb]


def test_every_path_and_method_comes_to_the_function(resources):
    anything = methods(resources, "ANY")
    (below,) = of_type(resources, "ApiGateway::Resource").values()
    assert below["Properties"]["PathPart"] == "{proxy+}"
    places = [json.dumps(each["ResourceId"]) for each in anything]
    assert sorted(places) == [
        '{"Fn::GetAtt": ["ApiRest", "RootResourceId"]}',
        '{"Ref": "ApiAnything"}',
    ]
    for each in anything:
        uri = each["Integration"]["Uri"]["Fn::Sub"]
        assert uri.endswith("functions/${ApiFunction.Arn}/invocations")


def test_a_deployment_waits_for_all_that_it_is_a_picture_of(resources, stage):
    (deployment,) = of_type(resources, "ApiGateway::Deployment").values()
    kinds = {resources[name]["Type"] for name in deployment["DependsOn"]}
    assert kinds == {
        "AWS::ApiGateway::Method",
        "AWS::ApiGateway::Resource",
        "AWS::ApiGateway::GatewayResponse",
        *(() if stage.local else ["AWS::ApiGateway::Authorizer"]),
    }


def test_another_content_is_another_deployment(project, dev):
    path = project.door("toy")
    (before,) = of_type(stage_template(project.definitions(), dev)["Resources"], DEPLOYMENT)
    path.write_text(path.read_text().replace('purpose = "answers"', 'purpose = "more"'))
    (after,) = of_type(stage_template(project.definitions(), dev)["Resources"], DEPLOYMENT)
    (again,) = of_type(stage_template(project.definitions(), dev)["Resources"], DEPLOYMENT)
    assert before != after == again


def test_only_this_api_may_call_the_function(resources):
    (permission,) = of_type(resources, "Lambda::Permission").values()
    assert permission["Properties"]["Principal"] == "apigateway.amazonaws.com"
    assert permission["Properties"]["SourceArn"]["Fn::Sub"].endswith(":${ApiRest}/*/*")


def test_what_the_gateway_answers_by_itself_is_a_problem_too(resources):
    answers = of_type(resources, "ApiGateway::GatewayResponse").values()
    kinds = {each["Properties"]["ResponseType"] for each in answers}
    assert kinds == {"DEFAULT_4XX", "DEFAULT_5XX"}
    for each in answers:
        body = each["Properties"]["ResponseTemplates"]["application/problem+json"]
        assert json.loads(body)["requestId"] == "$context.requestId"


def test_a_browser_may_use_presigned_urls_from_the_page_alone(resources, stage):
    rules = {
        name: resources[name]["Properties"].get("CorsConfiguration")
        for name in ("UploadsBucket", "ProcessedBucket")
    }
    on_aws = {"Fn::Sub": "https://${PageDistribution.DomainName}"}
    page = {"Ref": "PublicEndpoint"} if stage.local else on_aws
    allowed = {"UploadsBucket": ["POST", "PUT"], "ProcessedBucket": ["GET", "HEAD"]}
    if not stage.local:  # there a picture's link is the page's own
        del allowed["ProcessedBucket"]
    assert {name for name, rule in rules.items() if rule} == set(allowed)
    for name, verbs in allowed.items():
        (rule,) = rules[name]["CorsRules"]
        assert rule["AllowedOrigins"] == [page]
        assert rule["AllowedMethods"] == verbs


def test_the_address_is_an_output(everyone, stage, local):
    found = stage_template(everyone, stage)["Outputs"]["ApiAddress"]["Value"]["Fn::Sub"]
    assert found.endswith(f"/{stage.name}")
    assert found.startswith("${PublicEndpoint}/_aws/" if stage.local else "https://${ApiRest}.")


def test_the_api_reads_and_signs_and_writes_nothing(resources):
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
def test_a_service_with_an_api_consumes_no_events(project, old, new, message):
    path = project.door("toy")
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InfraError) as refusal:
        project.definitions()
    assert message in str(refusal.value)


def test_a_door_has_no_queue(project, local):
    project.door("toy")
    (toy,) = project.definitions()
    made = api_gateway.resources(toy, local)
    assert not toy.queued
    assert logical("toy", "Rest") in made
