"""The page behind CloudFront, in the template."""

import json
from dataclasses import replace

import pytest

from infra.cloudformation import cloudfront
from infra.config.definitions import definitions
from infra.config.stages import Stage
from infra.deploy.stage_template import stage_template

NONE = "'none'"


@pytest.fixture(scope="module")
def template():
    return stage_template(definitions(), Stage.load("prod"))


@pytest.fixture(scope="module")
def resources(template):
    return template["Resources"]


@pytest.fixture(scope="module")
def distribution(resources):
    return resources["PageDistribution"]["Properties"]["DistributionConfig"]


def origins(distribution):
    return {origin["Id"]: origin for origin in distribution["Origins"]}


def directives(policy):
    parts = (part.strip().partition(" ") for part in policy.split(";"))
    return {name: value for name, _, value in parts}


def policy_of(resources, name):
    config = resources[name]["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    return config["ContentSecurityPolicy"]["ContentSecurityPolicy"]


def test_only_this_distribution_may_read_the_page(resources, distribution):
    page = origins(distribution)["page"]
    assert page["OriginAccessControlId"] == {"Fn::GetAtt": ["PageAccess", "Id"]}
    control = resources["PageAccess"]["Properties"]["OriginAccessControlConfig"]
    assert (control["SigningBehavior"], control["SigningProtocol"]) == ("always", "sigv4")
    document = resources["PageBucketPolicy"]["Properties"]["PolicyDocument"]
    (reading,) = [
        statement for statement in document["Statement"] if statement["Effect"] == "Allow"
    ]
    assert reading["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    source = reading["Condition"]["StringEquals"]["aws:SourceArn"]["Fn::Sub"]
    assert source.endswith(":distribution/${PageDistribution}")


def test_no_policy_lets_cloudfront_read_pictures(resources, distribution):
    pictures = origins(distribution)["pictures"]
    assert "OriginAccessControlId" not in pictures
    assert "cloudfront" not in json.dumps(resources["ProcessedBucketPolicy"])


def test_pictures_are_not_cached_and_their_signature_is_forwarded(resources, distribution):
    behaviours = {each["PathPattern"]: each for each in distribution["CacheBehaviors"]}
    assert set(behaviours) == {"renditions/*", "analyses/*"}
    for each in behaviours.values():
        assert each["TargetOriginId"] == "pictures"
        assert each["CachePolicyId"] == cloudfront.NOT_CACHED
    requests = resources["PictureRequests"]["Properties"]["OriginRequestPolicyConfig"]
    assert requests["QueryStringsConfig"] == {"QueryStringBehavior": "all"}
    assert requests["HeadersConfig"] == {"HeaderBehavior": "none"}
    assert requests["CookiesConfig"] == {"CookieBehavior": "none"}


def test_nothing_is_served_without_tls(distribution):
    behaviours = [distribution["DefaultCacheBehavior"], *distribution["CacheBehaviors"]]
    assert {each["ViewerProtocolPolicy"] for each in behaviours} == {"redirect-to-https"}
    pictures = origins(distribution)["pictures"]["CustomOriginConfig"]
    assert pictures["OriginProtocolPolicy"] == "https-only"


def test_a_custom_domain_requires_tls_1_2():
    own = replace(Stage.load("prod"), domain="photos.example.org", certificate="arn:aws:acm:1")
    created = stage_template(definitions(), own)
    config = created["Resources"]["PageDistribution"]["Properties"]["DistributionConfig"]
    assert config["Aliases"] == ["photos.example.org"]
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert created["Outputs"]["PageAddress"]["Value"] == "https://photos.example.org/"
    client = created["Resources"]["PageClient"]["Properties"]
    assert client["CallbackURLs"] == ["https://photos.example.org/"]


def test_every_behaviour_has_a_headers_policy(distribution):
    assert distribution["DefaultCacheBehavior"]["ResponseHeadersPolicyId"] == {"Ref": "PageHeaders"}
    for each in distribution["CacheBehaviors"]:
        assert each["ResponseHeadersPolicyId"] == {"Ref": "PictureHeaders"}


def test_the_content_security_policy_is_strict(resources):
    rules = directives(policy_of(resources, "PageHeaders")["Fn::Sub"])
    assert rules["default-src"] == NONE
    assert rules["script-src"] == rules["style-src"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == rules["form-action"] == NONE
    assert "unsafe" not in json.dumps(rules)
    assert "*" not in json.dumps(rules)


def test_the_page_may_connect_only_to_the_api_the_uploads_and_cognito(resources):
    origins = directives(policy_of(resources, "PageHeaders")["Fn::Sub"])["connect-src"].split()
    itself, api, uploads, cognito = origins
    assert itself == "'self'"
    assert api == "https://${ApiRest}.execute-api.${AWS::Region}.${AWS::URLSuffix}"
    assert uploads.startswith("https://darkroom-prod-uploads-${AWS::AccountId}.s3.${AWS::Region}.")
    assert cognito.startswith("https://darkroom-prod-${AWS::AccountId}.auth.")


def test_a_picture_is_sandboxed(resources):
    assert policy_of(resources, "PictureHeaders") == "default-src 'none'; sandbox"


@pytest.mark.parametrize("name", ["PageHeaders", "PictureHeaders"])
def test_cloudfront_sends_the_headers_of_the_page_tests(resources, name):
    config = resources[name]["Properties"]["ResponseHeadersPolicyConfig"]
    security = config["SecurityHeadersConfig"]
    policy = security["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    transport = security["StrictTransportSecurity"]
    assert transport["IncludeSubdomains"] is True
    created = {
        "Content-Security-Policy": policy["Fn::Sub"] if isinstance(policy, dict) else policy,
        "Strict-Transport-Security": (
            f"max-age={transport['AccessControlMaxAgeSec']}; includeSubDomains"
        ),
        "X-Content-Type-Options": "nosniff" if "ContentTypeOptions" in security else "",
        "X-Frame-Options": security["FrameOptions"]["FrameOption"],
        "Referrer-Policy": security["ReferrerPolicy"]["ReferrerPolicy"],
        **{each["Header"]: each["Value"] for each in config["CustomHeadersConfig"]["Items"]},
    }
    assert created == cloudfront.headers(created["Content-Security-Policy"])
    security_items = [*security.values(), *config["CustomHeadersConfig"]["Items"]]
    assert {each["Override"] for each in security_items} == {True}


def test_the_api_signs_for_the_origin_of_the_distribution(resources, distribution):
    host = origins(distribution)["pictures"]["DomainName"]["Fn::Sub"]
    variables = resources["ApiFunction"]["Properties"]["Environment"]["Variables"]
    bucket = variables["PROCESSED_BUCKET"]["Fn::Sub"]
    assert host == f"{bucket}.s3.${{AWS::Region}}.${{AWS::URLSuffix}}"
    page = {"Fn::Sub": "https://${PageDistribution.DomainName}"}
    assert variables["PICTURES_ORIGIN"] == variables["PAGE_ORIGIN"] == page


def test_the_outputs_have_what_publishing_the_page_needs(template):
    assert set(template["Outputs"]) >= {
        "PageBucket",
        "PageDistribution",
        "PageAddress",
        "SignInAddress",
        "SignInClient",
        "SignInScope",
    }
