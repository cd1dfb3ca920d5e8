"""The page behind CloudFront, read off the template."""

import json
from dataclasses import replace

import pytest

from infra.cloudformation import cloudfront
from infra.config.definitions import definitions
from infra.config.stages import Stage
from infra.deploy.stage_template import stage_template

NONE = "'none'"


@pytest.fixture(scope="module")
def found():
    return stage_template(definitions(), Stage.load("prod"))


@pytest.fixture(scope="module")
def resources(found):
    return found["Resources"]


@pytest.fixture(scope="module")
def distribution(resources):
    return resources["PageDistribution"]["Properties"]["DistributionConfig"]


def origins(distribution):
    return {origin["Id"]: origin for origin in distribution["Origins"]}


def directives(policy):
    parts = (part.strip().partition(" ") for part in policy.split(";"))
    return {name: value for name, _, value in parts}


def policy_of(resources, name):
    said = resources[name]["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    return said["ContentSecurityPolicy"]["ContentSecurityPolicy"]


def test_the_pages_files_are_read_by_our_distribution_alone(resources, distribution):
    page = origins(distribution)["page"]
    assert page["OriginAccessControlId"] == {"Fn::GetAtt": ["PageAccess", "Id"]}
    control = resources["PageAccess"]["Properties"]["OriginAccessControlConfig"]
    assert (control["SigningBehavior"], control["SigningProtocol"]) == ("always", "sigv4")
    document = resources["PageBucketPolicy"]["Properties"]["PolicyDocument"]
    (reading,) = [said for said in document["Statement"] if said["Effect"] == "Allow"]
    assert reading["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    source = reading["Condition"]["StringEquals"]["aws:SourceArn"]["Fn::Sub"]
    assert source.endswith(":distribution/${PageDistribution}")


def test_no_policy_lets_cloudfront_near_the_pictures(resources, distribution):
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


def test_a_domain_of_ones_own_asks_for_todays_tls():
    own = replace(Stage.load("prod"), domain="photos.example.org", certificate="arn:aws:acm:1")
    made = stage_template(definitions(), own)
    config = made["Resources"]["PageDistribution"]["Properties"]["DistributionConfig"]
    assert config["Aliases"] == ["photos.example.org"]
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert made["Outputs"]["PageAddress"]["Value"] == "https://photos.example.org/"
    client = made["Resources"]["PageClient"]["Properties"]
    assert client["CallbackURLs"] == ["https://photos.example.org/"]


def test_every_behaviour_says_its_headers(distribution):
    assert distribution["DefaultCacheBehavior"]["ResponseHeadersPolicyId"] == {"Ref": "PageHeaders"}
    for each in distribution["CacheBehaviors"]:
        assert each["ResponseHeadersPolicyId"] == {"Ref": "PictureHeaders"}


def test_the_policy_is_strict(resources):
    said = directives(policy_of(resources, "PageHeaders")["Fn::Sub"])
    assert said["default-src"] == NONE
    assert said["script-src"] == said["style-src"] == "'self'"
    assert said["frame-ancestors"] == said["base-uri"] == said["form-action"] == NONE
    assert "unsafe" not in json.dumps(said)
    assert "*" not in json.dumps(said)


def test_the_page_reaches_the_api_the_uploads_and_cognito_and_nothing_else(resources):
    said = directives(policy_of(resources, "PageHeaders")["Fn::Sub"])["connect-src"].split()
    itself, api, uploads, cognito = said
    assert itself == "'self'"
    assert api == "https://${ApiRest}.execute-api.${AWS::Region}.${AWS::URLSuffix}"
    assert uploads.startswith("https://darkroom-prod-uploads-${AWS::AccountId}.s3.${AWS::Region}.")
    assert cognito.startswith("https://darkroom-prod-${AWS::AccountId}.auth.")


def test_a_picture_by_itself_can_do_nothing(resources):
    assert policy_of(resources, "PictureHeaders") == "default-src 'none'; sandbox"


@pytest.mark.parametrize("name", ["PageHeaders", "PictureHeaders"])
def test_cloudfront_says_the_headers_that_the_pages_tests_are_served_with(resources, name):
    config = resources[name]["Properties"]["ResponseHeadersPolicyConfig"]
    security = config["SecurityHeadersConfig"]
    policy = security["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    transport = security["StrictTransportSecurity"]
    assert transport["IncludeSubdomains"] is True
    made = {
        "Content-Security-Policy": policy["Fn::Sub"] if isinstance(policy, dict) else policy,
        "Strict-Transport-Security": (
            f"max-age={transport['AccessControlMaxAgeSec']}; includeSubDomains"
        ),
        "X-Content-Type-Options": "nosniff" if "ContentTypeOptions" in security else "",
        "X-Frame-Options": security["FrameOptions"]["FrameOption"],
        "Referrer-Policy": security["ReferrerPolicy"]["ReferrerPolicy"],
        **{each["Header"]: each["Value"] for each in config["CustomHeadersConfig"]["Items"]},
    }
    assert made == cloudfront.headers(made["Content-Security-Policy"])
    security_items = [*security.values(), *config["CustomHeadersConfig"]["Items"]]
    assert {each["Override"] for each in security_items} == {True}


def test_the_api_signs_for_the_host_that_the_distribution_asks(resources, distribution):
    host = origins(distribution)["pictures"]["DomainName"]["Fn::Sub"]
    variables = resources["ApiFunction"]["Properties"]["Environment"]["Variables"]
    bucket = variables["PROCESSED_BUCKET"]["Fn::Sub"]
    assert host == f"{bucket}.s3.${{AWS::Region}}.${{AWS::URLSuffix}}"
    page = {"Fn::Sub": "https://${PageDistribution.DomainName}"}
    assert variables["PICTURES_ORIGIN"] == variables["PAGE_ORIGIN"] == page


def test_the_outputs_have_what_publishing_the_page_needs(found):
    assert set(found["Outputs"]) >= {
        "PageBucket",
        "PageDistribution",
        "PageAddress",
        "SignInAddress",
        "SignInClient",
        "SignInScope",
    }
