"""Deployment by GitHub Actions: the roles, with least privilege, and the workflow."""

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


def test_cfn_lint_reports_nothing(bootstrap):
    matches = lint(json.dumps(bootstrap), config=ManualArgs(regions=["us-east-1"]))
    assert [str(match) for match in matches] == []


def test_only_the_stages_environment_may_assume_the_role(bootstrap, stage):
    role = bootstrap["Resources"]["DeployRole"]["Properties"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    issuer = "token.actions.githubusercontent.com"
    assert trust["Condition"]["StringEquals"] == {
        f"{issuer}:aud": "sts.amazonaws.com",
        f"{issuer}:sub": f"repo:{REPOSITORY}:environment:{stage.name}",
    }


def test_the_deploy_role_may_only_change_its_stack(bootstrap, stage):
    allowed = statements(bootstrap, "DeployRole")
    assert all(each["Resource"] != "*" for each in allowed)
    services = {action.partition(":")[0] for each in allowed for action in each["Action"]}
    assert services == {"cloudformation", "cloudfront", "iam", "s3"}
    (change,) = [e for e in allowed if "cloudformation:CreateChangeSet" in e["Action"]]
    role = {"Fn::GetAtt": ["ExecutionRole", "Arn"]}
    assert change["Condition"] == {"StringEquals": {"cloudformation:RoleArn": role}}
    assert f":stack/darkroom-{stage.name}/*" in change["Resource"]["Fn::Sub"]


def test_no_role_may_read_images_or_records(bootstrap):
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


def test_cloudformation_may_create_every_resource_type_of_a_stage(bootstrap, stage):
    resources = stage_template(definitions(), stage)["Resources"].values()
    kinds = {each["Type"].split("::")[1].lower() for each in resources}
    iam_names = {"cognito": "cognito-idp"}
    allowed = statements(bootstrap, "ExecutionRole")
    services = {action.partition(":")[0] for each in allowed for action in each["Action"]}
    assert {iam_names.get(kind, kind) for kind in kinds} <= services


def test_an_existing_oidc_provider_is_used(stage):
    arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    resources = github.template(stage, REPOSITORY, arn)["Resources"]
    assert set(resources) == {"DeployRole", "ExecutionRole"}
    (trust,) = resources["DeployRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Federated": arn}


def test_the_command_prints_the_template_and_refuses_wrong_arguments(capsys):
    assert main(["github", "--stage", "dev", "--repository", REPOSITORY]) == 0
    assert json.loads(capsys.readouterr().out) == github.template(Stage.load("dev"), REPOSITORY)
    assert main(["github", "--stage", "dev", "--repository", "https://github.com/a/b"]) == 1
    assert main(["github", "--stage", "local", "--repository", REPOSITORY]) == 1


@pytest.mark.parametrize("path", sorted(WORKFLOW.parent.glob("*.yml")), ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_commit(path):
    used = re.findall(r"uses: (\S+)", path.read_text())
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", each) for each in used)


def test_the_workflow_has_no_access_keys():
    assert "secrets." not in WORKFLOW.read_text()
    assert "access-key" not in WORKFLOW.read_text()


def test_dev_follows_the_tests_and_prod_follows_dev(workflow):
    ran = workflow[True]["workflow_run"]  # YAML reads the key `on` as true
    assert (ran["workflows"], ran["branches"]) == (["test"], ["main"])
    jobs = workflow["jobs"]
    assert "conclusion == 'success'" in jobs["dev"]["if"]
    assert jobs["prod"]["needs"] == "dev"
    for name in STAGES:
        assert (jobs[name]["environment"], jobs[name]["env"]) == (name, {"STAGE": name})


def test_a_job_may_only_request_a_token_and_read_the_code(workflow):
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["permissions"] == {"contents": "read", "id-token": "write"}


def test_packages_are_installed_before_credentials_exist(workflow):
    for job in workflow["jobs"].values():
        steps = [step.get("uses", step.get("run")) for step in job["steps"]]
        installed = steps.index("make .venv/uv.lock.sha256")
        (credentials,) = [i for i, step in enumerate(steps) if "credentials" in step]
        assert installed < credentials < steps.index("make deploy YES=1")
