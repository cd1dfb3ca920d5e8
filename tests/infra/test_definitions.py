"""service.toml: its fields, and the errors for wrong ones."""

import pytest

from infra.config.definitions import definitions
from infra.errors import InfraError


def test_every_folder_with_a_definition_is_a_service(project):
    project.service("second")
    project.service("first")
    project.write("services/not_one/logic.py", "")
    assert [definition.name for definition in project.definitions()] == ["first", "second"]


def test_all_definitions_of_the_project_are_read():
    assert {"analyze", "notify", "reap", "rescue", "resize", "store"} <= {
        d.name for d in definitions()
    }


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("memory = 256\n", "", "function.memory: is missing"),
        ("memory = 256", 'memory = "256"', "function.memory: Input should be a valid integer"),
        ("memory = 256", "memory = 64", "function.memory: Input should be greater than"),
        ("memory = 256", "memory = 256\nmemmory = 1", "function.memmory: unknown field"),
        ('purpose = "does something"', "purpose = 1", "purpose: Input should be a valid string"),
        ('requires = ["base"]', 'requires = "base"', "requires: Input should be a valid"),
        ("uploads = false", "uploads = 0", "uploads: Input should be a valid boolean"),
        ('name = "toy"', 'name = "boy"', "name = 'boy' differs from its folder"),
        ("batch = 5", "batch = 50", "a batch above 10 needs a window"),
        ("worst_case = 3", "worst_case = 10", "worst_case must be below timeout = 10"),
        ("uploads = false", "uploads = true", "uploads = true and consuming image.uploaded.v1"),
        ("rescues = false", "rescues = true", "or rescues dead letters, or runs on a schedule"),
        ("rescues = false", 'schedule = "rate(1 hour)"', "or runs on a schedule"),
        ("max_attempts = 5", "", "batch, concurrency and max_attempts are for services"),
        ("max_attempts = 5", "attempts = ", "Invalid value"),
    ],
)
def test_a_bad_field_is_refused_by_file_and_name(project, old, new, message):
    path = project.service("toy")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(InfraError) as refusal:
        project.definitions()
    assert str(refusal.value).startswith(f"{path}: ")
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("rate", "seconds"),
    [
        ("rate(1 minute)", 60),
        ("rate(15 minutes)", 900),
        ("rate(1 hour)", 3600),
        ("rate(1 day)", 86_400),
    ],
)
def test_a_schedule_has_a_rate(project, rate, seconds):
    path = project.scheduled_service("toy")
    path.write_text(path.read_text().replace("rate(1 hour)", rate))
    (toy,) = project.definitions()
    assert (toy.every, toy.queued) == (seconds, False)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rate(1 hour)", "rate(1 hours)", "is not a rate such as rate(1 hour)"),
        ("rate(1 hour)", "rate(0 hours)", "is not a rate such as rate(1 hour)"),
        ("rate(1 hour)", "rate(2 days)", "is not a rate such as rate(1 hour)"),
        ("rate(1 hour)", "hourly", "is not a rate such as rate(1 hour)"),
        ("rate(1 hour)", "", "or runs on a schedule"),
        (
            "memory = 256",
            "memory = 256\nmax_attempts = 5",
            "are for services that receive from queues",
        ),
    ],
)
def test_an_invalid_schedule_is_refused(project, old, new, message):
    path = project.scheduled_service("toy")
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InfraError) as refusal:
        project.definitions()
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ('actions = ["s3:*"]\non = "uploads"', "is not an action such as"),
        ('actions = ["s3:Get*"]\non = "uploads"', "is not an action such as"),
        ('actions = ["s3:GetObject"]\non = "elsewhere/*"', "is not a resource alias of Darkroom"),
        ('on = "uploads"', "allow.0.actions: is missing"),
    ],
)
def test_a_permission_is_an_action_on_a_resource_alias(project, statement, message):
    project.service("toy", more=f"\n[[allow]]\n{statement}\n")
    with pytest.raises(InfraError, match=r"service\.toml") as refusal:
        project.definitions()
    assert message in str(refusal.value)


def test_only_one_service_is_notified_of_uploads(project):
    for name in ("first", "second"):
        project.service(name, consumes='["image.uploaded.v1"]', uploads="true")
    with pytest.raises(InfraError, match="not first and second"):
        project.definitions()


def test_a_project_without_definitions_has_no_services(project):
    assert project.definitions() == ()
