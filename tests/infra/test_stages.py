"""The settings of a stage, for all services and for one."""

import json

import pytest

from infra.config.definitions import definitions
from infra.config.stages import FOLDER, Stage
from infra.deploy.stage_template import stage_template
from infra.errors import InfraError
from services.analyze.logic import Detection
from services.analyze.settings import AnalyzeSettings
from services.store.logic import Policy
from tests.unit.shared.test_config import COMPLETE


@pytest.fixture
def write(tmp_path):
    def write(more):
        text = (FOLDER / "dev.toml").read_text()
        # Top-level keys come before the first table.
        whole = text + more if more.startswith("[") else more + text
        (tmp_path / "mine.toml").write_text(whole)
        return Stage.load("mine", tmp_path)

    return write


def test_an_unknown_stage_is_refused_with_the_existing_ones():
    with pytest.raises(InfraError, match="no stage 'live'; choose one of: dev, local, prod"):
        Stage.load("live")


def test_a_new_stage_is_a_copied_file(write):
    """All names contain the stage's name, so stages do not collide."""
    mine = stage_template(definitions(), write(""))
    dev = stage_template(definitions(), Stage.load("dev"))
    text = json.dumps(mine)
    assert "darkroom-dev" not in text
    kinds = [
        [resource["Type"] for resource in template["Resources"].values()]
        for template in (mine, dev)
    ]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("colour = 1\n", "colour: unknown field"),
        ("[variables]\nDETECT = 1\n", "variables.DETECT: Input should be a valid string"),
        ("[variables.toy]\nDETECT = 1\n", "service_variables.toy.DETECT: Input should be"),
        ('[function.toy]\nmemory = "1"\n', "functions.toy.memory: Input should be"),
    ],
)
def test_a_bad_setting_is_refused_by_file_and_name(write, more, message):
    with pytest.raises(InfraError) as refusal:
        write(more)
    assert "mine.toml: " in str(refusal.value)
    assert message in str(refusal.value)


def test_a_stage_overrides_settings_of_a_function(write, project):
    project.service("toy")
    (run,) = write("[function.toy]\nmemory = 512\n").run(project.definitions())
    assert (run.function.memory, run.function.timeout) == (512, 10)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("[function.boy]\nmemory = 512\n", "there is no service 'boy'"),
        ('[variables.boy]\nA = "b"\n', "there is no service 'boy'"),
        ('also = ["boy"]\n', "there is no service 'boy'"),
        ("[function.toy]\nmemmory = 512\n", "function.toy.memmory: unknown field"),
        ("[function.toy]\nmemory = 1\n", "memory: Input should be greater than"),
    ],
)
def test_an_override_of_an_unknown_service_or_field_is_refused(write, project, more, message):
    project.service("toy")
    with pytest.raises(InfraError) as refusal:
        write(more).run(project.definitions())
    assert message in str(refusal.value)


def test_a_services_variable_overrides_the_common_one(write, project):
    project.service("one")
    project.service("two")
    stage = write('[variables]\nSIDE = "1"\nMORE = "2"\n[variables.one]\nSIDE = "3"\n')
    assert stage.variables_of("one") == {"SIDE": "3", "MORE": "2"}
    resources = stage_template(project.definitions(), stage)["Resources"]
    environment = resources["TwoFunction"]["Properties"]["Environment"]["Variables"]
    assert (environment["SIDE"], environment["MORE"]) == ("1", "2")


def test_the_local_stage_uses_every_detection(local):
    settings = AnalyzeSettings.read(
        COMPLETE | {"PROCESSED_BUCKET": "processed"} | local.variables_of("analyze")
    )
    assert settings.detect == tuple(Detection)


def test_an_optional_service_is_deployed_only_if_the_stage_lists_it(write, project):
    path = project.service("toy")
    path.write_text(f"optional = true\n{path.read_text()}")
    assert write("").run(project.definitions()) == ()
    assert write('also = ["toy"]\n').run(project.definitions()) == project.definitions()


@pytest.fixture
def moderated(tmp_path):
    def moderated(policy):
        text = (FOLDER / "dev.toml").read_text()
        assert 'moderation = "flag"' in text
        mine = text.replace('moderation = "flag"', f'moderation = "{policy}"')
        (tmp_path / "mine.toml").write_text(mine)
        return Stage.load("mine", tmp_path)

    return moderated


@pytest.mark.parametrize("policy", Policy)
def test_store_gets_the_moderation_policy_of_the_stage(moderated, policy):
    resources = stage_template(definitions(), moderated(policy))["Resources"]
    environment = resources["StoreFunction"]["Properties"]["Environment"]["Variables"]
    assert Policy(environment["MODERATION"]) is policy


def test_an_unknown_moderation_policy_is_refused(moderated):
    with pytest.raises(InfraError, match="moderation: Input should be 'flag' or 'quarantine'"):
        moderated("hide")


def test_the_default_moderation_policy_is_flag(tmp_path):
    lines = (FOLDER / "dev.toml").read_text().splitlines()
    without_moderation = [line for line in lines if not line.startswith("moderation")]
    (tmp_path / "mine.toml").write_text("\n".join(without_moderation))
    assert Stage.load("mine", tmp_path).moderation == "flag"


@pytest.mark.parametrize("name", ["local", "dev", "prod"])
def test_analyze_reads_every_variable_that_a_stage_sets_for_it(name):
    variables = Stage.load(name).variables_of("analyze")
    fields = {variable.lower() for variable in variables}
    settings = AnalyzeSettings.read(COMPLETE | {"PROCESSED_BUCKET": "processed"} | variables)
    assert fields <= set(AnalyzeSettings.model_fields)
    assert fields == settings.model_fields_set - {"processed_bucket", *map(str.lower, COMPLETE)}


def test_only_prod_retains_its_data():
    assert [name for name in ("local", "dev", "prod") if Stage.load(name).retain] == ["prod"]
