"""Deploying and deleting a stage, with S3 in moto and a fake CloudFormation."""

import json

import boto3
import pytest
from moto import mock_aws

from infra.clients import Clients
from infra.cloudformation.storage import BUCKETS
from infra.config.stages import Stage
from infra.deploy.artifacts import Artifacts
from infra.deploy.deploy import deploy, destroy
from infra.deploy.outputs import Outputs
from infra.deploy.stack import ABSENT
from infra.deploy.stage_template import stage_template
from infra.errors import InfraError
from infra.packaging.package import Target
from tests.infra.fakes import FakeClients, FakeCloudFormation

ACCOUNT = "123456789012"


class StackThatWorks(FakeCloudFormation):
    """Comes up with the outputs that its template promises, and knows a change from none."""

    def __init__(self):
        super().__init__()
        self.executing, self.deleting = ["CREATE_COMPLETE"], [ABSENT]  # at once

    def create_change_set(self, **asked):
        same = asked.get("TemplateURL") == self.asked.get("TemplateURL")
        same = same and asked["Parameters"] == self.asked.get("Parameters")
        self.change = {"Status": "CREATE_COMPLETE"}
        if same:
            self.change = {"Status": "FAILED", "StatusReason": "didn't contain changes"}
        super().create_change_set(**asked)

    def execute_change_set(self, **asked):
        super().execute_change_set(**asked)
        topics = ("EventsTopic", "NotificationsTopic", "AlertsTopic")
        names = ("UploadsBucket", "ProcessedBucket", *topics, "RecordsTable", "LedgerTable")
        found = {name: name.lower() for name in names}
        self.outputs = found | {"Services": "toy", "Account": ACCOUNT, "ToyQueue": "url"}


@pytest.fixture
def cloudformation():
    return StackThatWorks()


@pytest.fixture
def clients(cloudformation, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        session = boto3.Session(region_name="us-east-1")
        real = {name: session.client(name) for name in ("s3", "sts")}
        yield FakeClients(cloudformation=cloudformation, **real)


@pytest.fixture
def up(clients, project, dev, said):
    """Deploys a small project, and again when called again."""
    project.service("toy")
    return lambda: deploy(dev, clients, Target.here(), said.append, root=project.root)


def test_a_first_deployment_uploads_and_creates(up, said):
    assert up().queues == {"toy": "url"}
    words = " ".join(said)
    assert "uploading toy" in words
    assert said[-2:] == ["creating stack darkroom-dev", "stage dev is deployed"]


def test_a_second_deployment_changes_nothing(up, said):
    first = up()
    said.clear()
    assert up() == first
    assert said == ["stage dev is up to date"]


def test_changed_code_is_uploaded_and_its_key_is_what_changes(up, project, cloudformation):
    up()
    before = cloudformation.asked
    project.write("services/toy/handler.py", "def handle(batch, context): return 1\n")
    up()
    after = cloudformation.asked
    keys = [
        parameter["ParameterKey"]
        for parameter, old in zip(after["Parameters"], before["Parameters"], strict=True)
        if parameter != old
    ]
    assert keys == ["ToyCode"]
    assert after["TemplateURL"] == before["TemplateURL"]


def test_the_deployed_template_is_that_of_synth_with_literal_bucket_names(
    up, project, dev, clients
):
    up()
    s3 = clients.client("s3")
    bucket = f"darkroom-dev-artifacts-{ACCOUNT}"
    (found,) = s3.list_objects_v2(Bucket=bucket, Prefix="template/")["Contents"]
    body = s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
    printed = stage_template(project.definitions(), dev)
    for each in printed["Resources"].values():
        if each["Type"] == "AWS::S3::Bucket":
            name = each["Properties"]["BucketName"]["Fn::Sub"]
            each["Properties"]["BucketName"] = name.replace("${AWS::AccountId}", ACCOUNT)
    assert json.loads(body) == printed


def test_the_artifacts_bucket_is_private(up, clients):
    up()
    blocked = clients.client("s3").get_public_access_block(
        Bucket=f"darkroom-dev-artifacts-{ACCOUNT}"
    )
    assert set(blocked["PublicAccessBlockConfiguration"].values()) == {True}


def test_unfinished_uploads_of_artifacts_expire(up, clients):
    up()
    rules = clients.client("s3").get_bucket_lifecycle_configuration(
        Bucket=f"darkroom-dev-artifacts-{ACCOUNT}"
    )["Rules"]
    assert [each["AbortIncompleteMultipartUpload"] for each in rules] == [
        {"DaysAfterInitiation": 7}
    ]


def test_every_version_is_deleted_before_the_stack(up, clients, dev, said, cloudformation):
    up()
    s3 = clients.client("s3")
    names = [f"darkroom-dev-{kind}-{ACCOUNT}" for kind in BUCKETS]
    for name in names:
        fill(s3, name)
    cloudformation.resources = {name: ("AWS::S3::Bucket", name) for name in names}
    assert destroy(dev, clients, said.append) == []
    assert [versions(s3, name) for name in names] == [[], []]
    assert cloudformation.done[-1] == "DELETE"


def test_prod_retains_its_data(clients, said, cloudformation):
    cloudformation.status = "CREATE_COMPLETE"
    s3 = clients.client("s3")
    name = f"darkroom-prod-uploads-{ACCOUNT}"
    page = f"darkroom-prod-page-{ACCOUNT}"
    for each in (name, page):
        fill(s3, each)
    cloudformation.resources = {"Uploads": ("AWS::S3::Bucket", name)}
    cloudformation.resources |= {"Page": ("AWS::S3::Bucket", page), "T": ("AWS::SNS::Topic", "t")}
    cloudformation.policies = {"Uploads": "RetainExceptOnCreate", "Page": "Delete"}
    left = destroy(Stage.load("prod"), clients, said.append)
    assert [each.physical for each in left] == [name]
    assert (len(versions(s3, name)), versions(s3, page)) == (3, [])
    assert cloudformation.done == ["DELETE"]


def test_a_local_stage_leaves_no_artifacts_either(clients, local, said):
    artifacts = Artifacts(clients, local, ACCOUNT)
    artifacts.ensure()
    destroy(local, clients, said.append)
    assert clients.client("s3").list_buckets()["Buckets"] == []


def test_destroying_a_stage_that_is_not_deployed_is_reported(clients, local, said, cloudformation):
    destroy(local, clients, said.append)
    assert said == ["stage local is not deployed"]
    assert cloudformation.done == []


@pytest.mark.parametrize("work", [lambda s, c: deploy(s, c, Target.here(), print), destroy])
def test_the_local_stage_never_goes_to_aws(local, work):
    clients = Clients(None, "us-east-1")
    with pytest.raises(InfraError, match="does not go to AWS"):
        work(local, clients, *([print] if work is destroy else []))


def test_outputs_of_a_stage_that_is_not_deployed_name_the_deploy_command(clients, local, dev):
    with pytest.raises(InfraError, match=r"local is not deployed; run: make local-up"):
        Outputs.read(local, clients)
    with pytest.raises(InfraError, match=r"run: python -m infra deploy --stage dev"):
        Outputs.read(dev, clients)


def test_outputs_print_as_json_for_scripts_and_as_lines_for_people(up):
    outputs = up()
    found = json.loads(outputs.as_json())
    assert found["buckets"] == {"uploads": "uploadsbucket", "processed": "processedbucket"}
    assert found["table"] == found["tables"]["records"] == "recordstable"
    assert "buckets.uploads" in outputs.as_text().split()


def test_one_output_can_be_printed_and_an_unknown_one_lists_the_names(up):
    outputs = up()
    assert outputs.value("buckets.uploads") == outputs.buckets["uploads"]
    with pytest.raises(InfraError, match=r"no output bucket; there are: .*buckets\.uploads"):
        outputs.value("bucket")


def fill(s3, name):
    """Two versions of one object, and a delete marker."""
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        s3.put_object(Bucket=name, Key="a", Body=body)
    s3.delete_object(Bucket=name, Key="a")


def versions(s3, name):
    found = s3.list_object_versions(Bucket=name)
    return [*found.get("Versions", []), *found.get("DeleteMarkers", [])]
