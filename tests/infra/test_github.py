"""How GitHub deploys: by a role for each environment, without a key, and no more than it has to."""

import json
import re

import pytest
import yaml
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from infra.cli.main import main
from infra.cloudformation import github
from infra.config.definitions import ROOT, definitions
from infra.config.stages import Stage
from infra.deploy.stage_template import stage_template

REPOSITORY = "ada/darkroom"
WORKFLOW = ROOT / ".github" / "workflows" / "deploy.yml"
STAGES = ("dev", "prod")


@pytest.fixture(scope="module", params=STAGES)
def stage(request):
    return Stage.load(request.param)


@pytest.fixture(scope="module")
def bootstrap(stage):
    return github.template(stage, REPOSITORY)


@pytest.fixture(scope="module")
def workflow():
    return yaml.safe_load(WORKFLOW.read_text())


def statements(bootstrap, role):
    (policy,) = bootstrap["Resources"][role]["Properties"]["Policies"]
    return policy["PolicyDocument"]["Statement"]


def test_cfn_lint_finds_nothing(bootstrap):
    found = lint(json.dumps(bootstrap), config=ManualArgs(regions=["us-east-1"]))
    assert [str(match) for match in found] == []


def test_only_the_environment_of_that_name_may_take_the_role(bootstrap, stage):
    role = bootstrap["Resources"]["DeployRole"]["Properties"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    issuer = "token.actions.githubusercontent.com"
    assert trust["Condition"]["StringEquals"] == {
        f"{issuer}:aud": "sts.amazonaws.com",
        f"{issuer}:sub": f"repo:{REPOSITORY}:environment:{stage.name}",
    }


def test_github_itself_may_make_nothing_but_a_change_of_its_one_stack(bootstrap, stage):
    allowed = statements(bootstrap, "DeployRole")
    assert all(each["Resource"] != "*" for each in allowed)
    services = {action.partition(":")[0] for each in allowed for action in each["Action"]}
    assert services == {"cloudformation", "cloudfront", "iam", "s3"}
    (change,) = [e for e in allowed if "cloudformation:CreateChangeSet" in e["Action"]]
    role = {"Fn::GetAtt": ["ExecutionRole", "Arn"]}
    assert change["Condition"] == {"StringEquals": {"cloudformation:RoleArn": role}}
    assert f":stack/darkroom-{stage.name}/*" in change["Resource"]["Fn::Sub"]


def test_no_role_reads_a_picture_or_a_record(bootstrap):
    for role in ("DeployRole", "ExecutionRole"):
        for each in statements(bootstrap, role):
            assert not [
                a for a in each["Action"] if re.match(r"dynamodb:(\*|.*Item|Query|Scan)", a)
            ]
            if "s3:GetObject" in each["Action"]:
                assert "-artifacts-" in each["Resource"]["Fn::Sub"]


def test_neither_role_can_be_edited_by_the_other(bootstrap, stage):
    names = [
        bootstrap["Resources"][role]["Properties"]["RoleName"]
        for role in ("DeployRole", "ExecutionRole")
    ]
    assert not [name for name in names if name.startswith(f"darkroom-{stage.name}-")]


def test_cloudformation_may_make_every_kind_of_thing_that_a_stage_has(bootstrap, stage):
    resources = stage_template(definitions(), stage)["Resources"].values()
    kinds = {each["Type"].split("::")[1].lower() for each in resources}
    called = {"cognito": "cognito-idp"}
    allowed = statements(bootstrap, "ExecutionRole")
    may = {action.partition(":")[0] for each in allowed for action in each["Action"]}
    assert {called.get(kind, kind) for kind in kinds} <= may


def test_an_account_that_knows_github_keeps_its_provider(stage):
    arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    found = github.template(stage, REPOSITORY, arn)["Resources"]
    assert set(found) == {"DeployRole", "ExecutionRole"}
    (trust,) = found["DeployRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Federated": arn}


def test_the_command_prints_it_and_refuses_what_cannot_be(capsys):
    assert main(["github", "--stage", "dev", "--repository", REPOSITORY]) == 0
    assert json.loads(capsys.readouterr().out) == github.template(Stage.load("dev"), REPOSITORY)
    assert main(["github", "--stage", "dev", "--repository", "https://github.com/a/b"]) == 1
    assert main(["github", "--stage", "local", "--repository", REPOSITORY]) == 1


@pytest.mark.parametrize("path", sorted(WORKFLOW.parent.glob("*.yml")), ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_commit(path):
    used = re.findall(r"uses: (\S+)", path.read_text())
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", each) for each in used)


def test_no_key_of_aws_is_known_to_github():
    assert "secrets." not in WORKFLOW.read_text()
    assert "access-key" not in WORKFLOW.read_text()


def test_dev_comes_after_the_tests_and_prod_after_dev_and_somebodys_approval(workflow):
    ran = workflow[True]["workflow_run"]  # YAML takes the word `on` for true
    assert (ran["workflows"], ran["branches"]) == (["test"], ["main"])
    jobs = workflow["jobs"]
    assert "conclusion == 'success'" in jobs["dev"]["if"]
    assert jobs["prod"]["needs"] == "dev"
    for name in STAGES:
        assert (jobs[name]["environment"], jobs[name]["env"]) == (name, {"STAGE": name})


def test_a_job_may_ask_for_a_token_and_read_the_code_and_nothing_else(workflow):
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["permissions"] == {"contents": "read", "id-token": "write"}


def test_strangers_packages_are_installed_before_there_are_credentials(workflow):
    for job in workflow["jobs"].values():
        steps = [step.get("uses", step.get("run")) for step in job["steps"]]
        installed = steps.index("make .venv/uv.lock.sha256")
        (credentials,) = [i for i, step in enumerate(steps) if "credentials" in step]
        assert installed < credentials < steps.index("make deploy YES=1")
