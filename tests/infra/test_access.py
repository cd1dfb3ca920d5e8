"""Who may call the API, and how much: read off the template, since no emulator asks."""

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
    found = resources.items()
    return {key: each["Properties"] for key, each in found if each["Type"] == f"AWS::{kind}"}


@pytest.fixture
def write(tmp_path):
    """A stage as another one is, but for some lines."""

    def write(base, **changes):
        lines = (FOLDER / f"{base}.toml").read_text().splitlines()
        kept = [line for line in lines if line.partition(" ")[0] not in changes]
        said = [f"{name} = {json.dumps(value)}" for name, value in changes.items()]
        (tmp_path / "mine.toml").write_text("\n".join([*said, *kept]))
        return Stage.load("mine", tmp_path)

    return write


@pytest.mark.parametrize("base", ["dev", "prod"])
def test_a_stage_that_is_not_local_is_never_open(write, base):
    with pytest.raises(InfraError, match="lets anyone on the internet delete every image"):
        write(base, access="open")


def test_a_stage_says_who_may_call(tmp_path):
    lines = (FOLDER / "dev.toml").read_text().splitlines()
    silent = [line for line in lines if not line.startswith("access")]
    (tmp_path / "mine.toml").write_text("\n".join(silent))
    with pytest.raises(InfraError, match="access: is missing"):
        Stage.load("mine", tmp_path)


@pytest.mark.parametrize(
    ("base", "changes", "message"),
    [
        ("dev", {"access": "iam"}, "access: Input should be 'open', 'cognito' or 'keys'"),
        ("local", {"access": "cognito"}, "emulators check neither"),
        ("local", {"kms": True}, "emulators check neither"),
        ("dev", {"domain": "a.example"}, "domain and certificate go together"),
        (
            "dev",
            {"access": "keys", "domain": "a.example", "certificate": "arn"},
            'only access = "cognito" has',
        ),
        ("dev", {"rate": 0}, "rate: Input should be greater than or equal to 1"),
    ],
)
def test_switches_that_do_not_go_together_are_refused(write, base, changes, message):
    with pytest.raises(InfraError) as refusal:
        write(base, **changes)
    assert "mine.toml: " in str(refusal.value)
    assert message in str(refusal.value)


def methods(resources, verb):
    found = of_type(resources, "ApiGateway::Method").values()
    return [each for each in found if each["HttpMethod"] == verb]


def test_cognito_is_asked_before_the_function(cognito):
    assert len(methods(cognito, "ANY")) == 2
    for method in methods(cognito, "ANY"):
        assert method["AuthorizationType"] == "COGNITO_USER_POOLS"
        assert method["AuthorizerId"] == {"Ref": "ApiAuthorizer"}
        assert method["AuthorizationScopes"] == ["darkroom/images"]
    authorizer = cognito["ApiAuthorizer"]["Properties"]
    assert authorizer["ProviderARNs"] == [{"Fn::GetAtt": ["Users", "Arn"]}]


def test_only_a_preflight_is_answered_without_a_token(cognito):
    free = [m for m in of_type(cognito, "ApiGateway::Method").values() if not m.get("AuthorizerId")]
    assert [m["HttpMethod"] for m in free] == ["OPTIONS", "OPTIONS"]


def test_the_scope_that_is_asked_for_is_the_one_that_is_given(cognito):
    (server,) = of_type(cognito, "Cognito::UserPoolResourceServer").values()
    (scope,) = server["Scopes"]
    (client,) = of_type(cognito, "Cognito::UserPoolClient").values()
    assert f"{server['Identifier']}/{scope['ScopeName']}" == auth.GRANT
    assert client["AllowedOAuthScopes"] == ["openid", "email", auth.GRANT]


def test_the_page_signs_in_by_code_without_a_secret_and_comes_back_to_itself(cognito):
    (client,) = of_type(cognito, "Cognito::UserPoolClient").values()
    assert (client["AllowedOAuthFlows"], client["GenerateSecret"]) == (["code"], False)
    page = [{"Fn::Sub": "https://${PageDistribution.DomainName}/"}]
    assert client["CallbackURLs"] == client["LogoutURLs"] == page
    assert client["PreventUserExistenceErrors"] == "ENABLED"


def test_users_cannot_sign_up(cognito):
    (pool,) = of_type(cognito, "Cognito::UserPool").values()
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert pool["DeletionProtection"] == "ACTIVE"


def test_the_function_and_the_pool_mean_the_same_group(cognito):
    (group,) = of_type(cognito, "Cognito::UserPoolGroup").values()
    assert group["GroupName"] == auth.OPERATORS == OPERATORS


def test_the_pages_configuration_has_every_sign_in_field():
    outputs = stage_template(definitions(), Stage.load("prod"))["Outputs"]
    sign_in = auth.sign_in({name: str(each["Value"]) for name, each in outputs.items()})
    said = (ROOT / "services" / "web" / "src" / "session.ts").read_text()
    interface = re.search(r"export interface SignIn \{(.*?)\n\}", said, re.DOTALL)[1]
    assert set(sign_in) == set(re.findall(r"^  (\w+): string;", interface, re.MULTILINE))
    assert sign_in["redirect"].endswith("/'}")
    assert auth.sign_in({}) == {}


def test_a_key_is_asked_for_before_the_function(keys):
    assert methods(keys, "OPTIONS") == []
    for method in methods(keys, "ANY"):
        assert (method["AuthorizationType"], method["ApiKeyRequired"]) == ("NONE", True)


def test_a_key_is_good_for_so_many_requests_of_this_api(keys):
    (plan,) = of_type(keys, "ApiGateway::UsagePlan").values()
    assert plan["ApiStages"] == [{"ApiId": {"Ref": "ApiRest"}, "Stage": "prod"}]
    assert plan["Throttle"] == {"RateLimit": 50, "BurstLimit": 100}
    assert plan["Quota"] == {"Limit": 100_000, "Period": "DAY"}


def test_the_operators_key_is_made_by_aws_and_known_to_the_function_by_its_id(keys):
    (key,) = of_type(keys, "ApiGateway::ApiKey").values()
    assert "Value" not in key
    variables = keys["ApiFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["OPERATOR_KEY"] == {"Ref": "OperatorsKey"}


def test_programs_have_no_page(keys):
    assert of_type(keys, "CloudFront::Distribution") == {}
    assert of_type(keys, "Cognito::UserPool") == {}
    assert "CorsConfiguration" not in json.dumps(keys)


@pytest.mark.parametrize("word", Access)
def test_the_function_accepts_every_access_setting_of_a_stage(word):
    base = Stage.load("local" if word is Access.OPEN else "dev")
    assert auth.variables(replace(base, access=word.value))["ACCESS"] == word


@pytest.mark.parametrize("resources", ["cognito", "keys"])
def test_a_stage_takes_so_many_requests_and_writes_down_each(request, resources):
    found = request.getfixturevalue(resources)
    (stage,) = of_type(found, "ApiGateway::Stage").values()
    (limits,) = stage["MethodSettings"]
    assert (limits["ThrottlingRateLimit"], limits["ThrottlingBurstLimit"]) == (50, 100)
    assert (limits["HttpMethod"], limits["ResourcePath"]) == ("*", "/*")
    assert limits["DataTraceEnabled"] is False
    line = json.loads(stage["AccessLogSetting"]["Format"])
    assert line["request_id"] == "$context.requestId"
    assert line["caller"].startswith("$context.")
    assert found["ApiStage"]["DependsOn"] == ["GatewayAccount"]


def test_the_role_that_writes_gateway_logs_outlives_the_stack_that_made_it(cognito):
    """It is the account's: another stage would be left without."""
    for name in ("GatewayLogsRole", "GatewayAccount"):
        assert cognito[name]["DeletionPolicy"] == "RetainExceptOnCreate"


def test_the_page_can_read_why_the_gateway_refused_it(cognito):
    answers = of_type(cognito, "ApiGateway::GatewayResponse").values()
    for each in answers:
        (said,) = each["ResponseParameters"].values()
        assert said == {"Fn::Sub": "'https://${PageDistribution.DomainName}'"}
