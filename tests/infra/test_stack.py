"""Every state that a stack can be in when a deployment meets it."""

import pytest

from infra.config.stages import Stage
from infra.deploy.stack import ABSENT, Stack
from infra.errors import InfraError
from tests.infra.fakes import FakeClients, FakeClock, FakeCloudFormation, failure

INVALID = {
    "LogicalResourceId": "UploadsBucket",
    "ResourceType": "AWS::S3::Bucket",
    "EventType": "VALIDATION_ERROR",
    "ValidationStatus": "FAILED",
    "ValidationStatusReason": "name is taken",
}

URL = "http://localhost:4566/artifacts/template.json"


@pytest.fixture
def apply(local, said):
    def apply(cloudformation):
        clients = FakeClients(cloudformation=cloudformation)
        return Stack(clients, local, FakeClock().polling()).apply(URL, {"A": "b"}, said.append)

    return apply


@pytest.mark.parametrize("status", [ABSENT, "REVIEW_IN_PROGRESS"])
def test_a_stack_that_is_not_there_is_created(apply, said, status):
    cloudformation = FakeCloudFormation(status)
    assert apply(cloudformation) is True
    assert cloudformation.done == ["CREATE"]
    assert said == ["creating stack darkroom-local"]


def test_the_change_carries_template_and_parameters(apply):
    cloudformation = FakeCloudFormation()
    apply(cloudformation)
    assert cloudformation.asked["TemplateURL"] == URL
    assert cloudformation.asked["Parameters"] == [{"ParameterKey": "A", "ParameterValue": "b"}]


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_stack_that_is_there_is_updated(apply, status):
    cloudformation = FakeCloudFormation(status)
    cloudformation.executing = ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
    assert apply(cloudformation) is True
    assert cloudformation.done == ["UPDATE"]


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "CREATE_FAILED", "DELETE_FAILED"])
def test_a_stack_that_never_came_up_is_created_anew(apply, status):
    cloudformation = FakeCloudFormation(status)
    assert apply(cloudformation) is True
    assert cloudformation.done == ["DELETE", "CREATE"]


@pytest.mark.parametrize(
    "words", ["The submitted information didn't contain changes.", "No updates are to be performed"]
)
def test_no_changes_is_success_and_says_so(apply, words):
    cloudformation = FakeCloudFormation("CREATE_COMPLETE")
    cloudformation.change = {"Status": "FAILED", "StatusReason": words}
    assert apply(cloudformation) is False
    assert cloudformation.done == ["UPDATE", "FORGET"]


def test_a_change_that_cannot_be_made_is_told_with_its_reason(apply):
    cloudformation = FakeCloudFormation("CREATE_COMPLETE")
    cloudformation.change = {"Status": "FAILED", "StatusReason": "no such export"}
    with pytest.raises(InfraError, match="cannot be changed: no such export"):
        apply(cloudformation)


def test_a_failure_names_the_first_resource_that_failed_and_why(apply):
    cloudformation = FakeCloudFormation("UPDATE_COMPLETE")
    cloudformation.executing = ["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]
    cloudformation.events = [failure("OldQueue", "long ago", "0")]
    later = failure("Topic", "Resource creation cancelled", "2")
    cloudformation.failures = [failure("ResizeQueue", "name is taken"), later]
    with pytest.raises(InfraError) as refusal:
        apply(cloudformation)
    assert "UPDATE_ROLLBACK_COMPLETE: ResizeQueue (AWS::SQS::Queue): name is taken" in str(
        refusal.value
    )


def test_a_deployment_waits_for_one_that_is_under_way(apply):
    cloudformation = FakeCloudFormation("UPDATE_IN_PROGRESS")
    cloudformation.coming = ["UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]
    assert apply(cloudformation) is True
    assert cloudformation.done == ["UPDATE"]


def test_a_wait_has_an_end(apply):
    cloudformation = FakeCloudFormation()
    cloudformation.executing = ["CREATE_IN_PROGRESS"]
    with pytest.raises(InfraError, match="still in CREATE_IN_PROGRESS after 60 s"):
        apply(cloudformation)


def test_a_state_that_needs_a_person_is_left_to_one(apply):
    with pytest.raises(InfraError, match="is in IMPORT_ROLLBACK_FAILED"):
        apply(FakeCloudFormation("IMPORT_ROLLBACK_FAILED"))


def test_a_rollback_that_failed_is_gone_on_with_before_anything_else(apply, said):
    cloudformation = FakeCloudFormation("UPDATE_ROLLBACK_FAILED")
    cloudformation.executing = ["UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]
    with pytest.raises(InfraError, match="ended in UPDATE_ROLLBACK_COMPLETE"):
        apply(cloudformation)  # the fake ends the update like the rollback
    assert cloudformation.done == ["ROLL BACK", "UPDATE"]
    assert said[0] == (
        "the rollback of the last update of stack darkroom-local failed; continuing it"
    )


def test_a_rollback_that_fails_again_says_what_is_in_its_way(apply):
    cloudformation = FakeCloudFormation("UPDATE_ROLLBACK_FAILED")
    cloudformation.executing = ["UPDATE_ROLLBACK_FAILED"]
    with pytest.raises(InfraError, match="ended in UPDATE_ROLLBACK_FAILED"):
        apply(cloudformation)
    assert cloudformation.done == ["ROLL BACK"]


@pytest.mark.parametrize("code", ["InvalidChangeSetStatus", "ChangeSetNotFound"])
def test_of_two_deployments_at_once_the_later_one_says_so(apply, code):
    cloudformation = FakeCloudFormation("CREATE_COMPLETE")
    cloudformation.overtaken = code
    with pytest.raises(InfraError, match="ran at the same time: run it again"):
        apply(cloudformation)


def test_what_cloudformation_refuses_beforehand_is_named(apply):
    cloudformation = FakeCloudFormation()
    cloudformation.executing = ["ROLLBACK_COMPLETE"]
    stack = failure("darkroom-local", "Validation failed with 1 error(s). Call DescribeEvents")
    cloudformation.failures = [stack | {"DetailedStatus": "VALIDATION_FAILED"}]
    cloudformation.invalid = [INVALID]
    with pytest.raises(InfraError, match=r"UploadsBucket \(AWS::S3::Bucket\): name is taken$"):
        apply(cloudformation)


def test_a_change_that_is_refused_as_it_is_proposed_is_named(apply):
    cloudformation = FakeCloudFormation("CREATE_COMPLETE")
    cloudformation.change = {"Status": "FAILED", "StatusReason": "a validation failed"}
    cloudformation.invalid = [INVALID]
    with pytest.raises(InfraError, match=r"cannot be changed: UploadsBucket .* name is taken$"):
        apply(cloudformation)
    assert cloudformation.done == ["UPDATE", "FORGET"]


@pytest.mark.parametrize(
    ("status", "done"),
    [
        ("REVIEW_IN_PROGRESS", ["CREATE", "FORGET", "DELETE"]),
        ("CREATE_COMPLETE", ["UPDATE", "FORGET"]),
    ],
)
def test_what_is_not_wanted_leaves_nothing_behind(local, said, status, done):
    cloudformation = FakeCloudFormation(status)
    stack = Stack(FakeClients(cloudformation=cloudformation), local, FakeClock().polling())
    with pytest.raises(InfraError, match="no"):
        stack.apply(URL, {}, said.append, refuse)
    assert cloudformation.done == done


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"])
def test_who_only_looks_mends_nothing(local, said, status):
    cloudformation = FakeCloudFormation(status)
    stack = Stack(FakeClients(cloudformation=cloudformation), local, FakeClock().polling())
    with pytest.raises(InfraError, match=f"in {status}, which a deployment has to repair"):
        stack.propose(URL, {}, said.append, repair=False)
    assert cloudformation.done == []


def refuse(_):
    raise InfraError("no")


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_only_what_may_have_outlived_a_stack_is_looked_for(stage, said):
    cloudformation = FakeCloudFormation()
    stage = Stage.load(stage)
    stack = Stack(FakeClients(cloudformation=cloudformation), stage, FakeClock().polling())
    stack.apply(URL, {}, said.append)
    assert cloudformation.asked.get("ImportExistingResources", False) is stage.retain


def test_deleting_waits_until_the_stack_is_gone(local, said):
    cloudformation = FakeCloudFormation("CREATE_COMPLETE")
    stack = Stack(FakeClients(cloudformation=cloudformation), local, FakeClock().polling())
    assert stack.delete(said.append) is True
    assert stack.delete(said.append) is False
    assert cloudformation.done == ["DELETE"]


def test_a_deletion_that_fails_says_what_is_in_its_way(local, said):
    cloudformation = FakeCloudFormation("CREATE_COMPLETE")
    cloudformation.deleting = ["DELETE_IN_PROGRESS", "DELETE_FAILED"]
    stack = Stack(FakeClients(cloudformation=cloudformation), local, FakeClock().polling())
    with pytest.raises(InfraError, match="ended in DELETE_FAILED"):
        stack.delete(said.append)


def test_an_output_that_an_emulator_made_up_is_a_failure(local):
    cloudformation = FakeCloudFormation("CREATE_COMPLETE")
    cloudformation.outputs = {"Account": "000000000000", "EventsTopic": "unknown"}
    with pytest.raises(InfraError, match="did not create EventsTopic"):
        Stack(FakeClients(cloudformation=cloudformation), local).outputs()
