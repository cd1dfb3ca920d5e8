"""Authentication and throttling of the API, in the template: no emulator enforces them."""

import json
import re
from dataclasses import replace

import pytest

from infra.cloudformation import auth
from infra.config.definitions import ROOT, definitions
from infra.config.stages import FOLDER, Stage
from infra.deploy.stage_template import stage_template
from infra.errors import InfraError
from services.api.callers import OPERATORS
from services.api.settings import Access


@pytest.fixture(scope="module")
def keys():
    return stage_template(definitions(), replace(Stage.load("prod"), access="keys"))["Resources"]


@pytest.fixture(scope="module")
def cognito():
    return stage_template(definitions(), Stage.load("prod"))["Resources"]


def of_type(resources, kind):
    items = resources.items()
    return {
        key: resource["Properties"] for key, resource in items if resource["Type"] == f"AWS::{kind}"
    }


@pytest.fixture
def write(tmp_path):
    """Write a copy of a stage with some changed settings."""

    def write(base, **changes):
        lines = (FOLDER / f"{base}.toml").read_text().splitlines()
        unchanged = [line for line in lines if line.partition(" ")[0] not in changes]
        changed = [f"{name} = {json.dumps(value)}" for name, value in changes.items()]
        (tmp_path / "mine.toml").write_text("\n".join([*changed, *unchanged]))
        return Stage.load("mine", tmp_path)

    return write


@pytest.mark.parametrize("base", ["dev", "prod"])
def test_only_a_local_stage_may_be_open(write, base):
    with pytest.raises(InfraError, match="lets anyone on the internet delete every image"):
        write(base, access="open")


def test_access_is_required(tmp_path):
    lines = (FOLDER / "dev.toml").read_text().splitlines()
    without_access = [line for line in lines if not line.startswith("access")]
    (tmp_path / "mine.toml").write_text("\n".join(without_access))
    with pytest.raises(InfraError, match="access: is missing"):
        Stage.load("mine", tmp_path)


@pytest.mark.parametrize(
    ("base", "changes", "message"),
    [
        ("dev", {"access": "iam"}, "access: Input should be 'open', 'cognito' or 'keys'"),
        ("local", {"access": "cognito"}, "emulators check neither"),
        ("local", {"kms": True}, "emulators check neither"),
        ("dev", {"domain": "a.example"}, "domain and certificate go together"),
        ("dev", {"access": "keys", "domain": "a.example", "certificate": "arn"}, "only access"),
        ("dev", {"rate": 0}, "rate: Input should be greater than or equal to 1"),
    ],
)
def test_incompatible_settings_are_refused(write, base, changes, message):
    with pytest.raises(InfraError) as refusal:
        write(base, **changes)
    assert "mine.toml: " in str(refusal.value)
    assert message in str(refusal.value)


def methods(resources, verb):
    methods = of_type(resources, "ApiGateway::Method").values()
    return [method for method in methods if method["HttpMethod"] == verb]


def test_every_method_needs_a_cognito_token(cognito):
    assert len(methods(cognito, "ANY")) == 2
    for method in methods(cognito, "ANY"):
        assert method["AuthorizationType"] == "COGNITO_USER_POOLS"
        assert method["AuthorizerId"] == {"Ref": "ApiAuthorizer"}
        assert method["AuthorizationScopes"] == ["darkroom/images"]
    authorizer = cognito["ApiAuthorizer"]["Properties"]
    assert authorizer["ProviderARNs"] == [{"Fn::GetAtt": ["Users", "Arn"]}]


def test_only_preflight_requests_need_no_token(cognito):
    unauthenticated = [
        m for m in of_type(cognito, "ApiGateway::Method").values() if not m.get("AuthorizerId")
    ]
    assert [m["HttpMethod"] for m in unauthenticated] == ["OPTIONS", "OPTIONS"]


def test_the_page_requests_the_scope_that_the_api_requires(cognito):
    (server,) = of_type(cognito, "Cognito::UserPoolResourceServer").values()
    (scope,) = server["Scopes"]
    (client,) = of_type(cognito, "Cognito::UserPoolClient").values()
    assert f"{server['Identifier']}/{scope['ScopeName']}" == auth.GRANT
    assert client["AllowedOAuthScopes"] == ["openid", "email", auth.GRANT]


def test_the_page_signs_in_with_the_code_flow_and_no_secret(cognito):
    (client,) = of_type(cognito, "Cognito::UserPoolClient").values()
    assert (client["AllowedOAuthFlows"], client["GenerateSecret"]) == (["code"], False)
    page = [{"Fn::Sub": "https://${PageDistribution.DomainName}/"}]
    assert client["CallbackURLs"] == client["LogoutURLs"] == page
    assert client["PreventUserExistenceErrors"] == "ENABLED"


def test_only_operators_create_users(cognito):
    (pool,) = of_type(cognito, "Cognito::UserPool").values()
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert pool["DeletionProtection"] == "ACTIVE"


def test_the_function_and_the_user_pool_name_the_same_group(cognito):
    (group,) = of_type(cognito, "Cognito::UserPoolGroup").values()
    assert group["GroupName"] == auth.OPERATORS == OPERATORS


def test_config_json_has_all_fields_that_the_page_reads():
    outputs = stage_template(definitions(), Stage.load("prod"))["Outputs"]
    sign_in = auth.sign_in({name: str(each["Value"]) for name, each in outputs.items()})
    source = (ROOT / "services" / "web" / "src" / "session.ts").read_text()
    interface = re.search(r"export interface SignIn \{(.*?)\n\}", source, re.DOTALL)[1]
    assert set(sign_in) == set(re.findall(r"^  (\w+): string;", interface, re.MULTILINE))
    assert sign_in["redirect"].endswith("/'}")
    assert auth.sign_in({}) == {}


def test_every_method_needs_an_api_key(keys):
    assert methods(keys, "OPTIONS") == []
    for method in methods(keys, "ANY"):
        assert (method["AuthorizationType"], method["ApiKeyRequired"]) == ("NONE", True)


def test_a_usage_plan_limits_the_requests_of_a_key(keys):
    (plan,) = of_type(keys, "ApiGateway::UsagePlan").values()
    assert plan["ApiStages"] == [{"ApiId": {"Ref": "ApiRest"}, "Stage": "prod"}]
    assert plan["Throttle"] == {"RateLimit": 50, "BurstLimit": 100}
    assert plan["Quota"] == {"Limit": 100_000, "Period": "DAY"}


def test_aws_generates_the_operators_key_and_the_function_has_its_id(keys):
    (key,) = of_type(keys, "ApiGateway::ApiKey").values()
    assert "Value" not in key
    variables = keys["ApiFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["OPERATOR_KEY"] == {"Ref": "OperatorsKey"}


def test_a_stage_with_keys_has_no_page(keys):
    assert of_type(keys, "CloudFront::Distribution") == {}
    assert of_type(keys, "Cognito::UserPool") == {}
    assert "CorsConfiguration" not in json.dumps(keys)


@pytest.mark.parametrize("access", Access)
def test_the_function_supports_every_access_setting(access):
    base = Stage.load("local" if access is Access.OPEN else "dev")
    assert auth.variables(replace(base, access=access.value))["ACCESS"] == access


@pytest.mark.parametrize("resources", ["cognito", "keys"])
def test_a_stage_throttles_and_logs_requests(request, resources):
    template = request.getfixturevalue(resources)
    (stage,) = of_type(template, "ApiGateway::Stage").values()
    (limits,) = stage["MethodSettings"]
    assert (limits["ThrottlingRateLimit"], limits["ThrottlingBurstLimit"]) == (50, 100)
    assert (limits["HttpMethod"], limits["ResourcePath"]) == ("*", "/*")
    assert limits["DataTraceEnabled"] is False
    line = json.loads(stage["AccessLogSetting"]["Format"])
    assert line["request_id"] == "$context.requestId"
    assert line["caller"].startswith("$context.")
    assert template["ApiStage"]["DependsOn"] == ["GatewayAccount"]


def test_the_role_for_gateway_logs_is_retained(cognito):
    """It is set for the account, so another stage may use it."""
    for name in ("GatewayLogsRole", "GatewayAccount"):
        assert cognito[name]["DeletionPolicy"] == "RetainExceptOnCreate"


def test_the_page_can_read_error_responses_of_the_gateway(cognito):
    responses = of_type(cognito, "ApiGateway::GatewayResponse").values()
    for response in responses:
        (origin,) = response["ResponseParameters"].values()
        assert origin == {"Fn::Sub": "'https://${PageDistribution.DomainName}'"}
