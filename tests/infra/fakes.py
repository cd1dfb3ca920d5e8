"""Fakes for deployments: CloudFormation, clients and a clock."""

from typing import Any

from botocore.exceptions import ClientError

from infra.deploy.stack import ABSENT, Polling


class FakeCloudFormation:
    """One stack. Each describe_stacks moves it to the next state of the last action."""

    def __init__(self, status: str = ABSENT) -> None:
        self.status = status
        self.coming: list[str] = []
        self.executing = ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
        self.deleting = ["DELETE_IN_PROGRESS", ABSENT]
        self.change = {"Status": "CREATE_COMPLETE"}
        self.failures: list[dict[str, str]] = []
        self.outputs: dict[str, str] = {}
        self.events: list[dict[str, str]] = []
        self.changes: list[dict[str, Any]] = []
        self.invalid: list[dict[str, str]] = []
        self.overtaken = ""  # the error code of execute_change_set
        self.resources: dict[str, tuple[str, str]] = {}  # logical id to type and physical id
        self.policies: dict[str, str] = {}  # logical id to DeletionPolicy
        self.done: list[str] = []  # the actions, in order
        self.asked: dict[str, Any] = {}  # the arguments of the last change set

    def describe_stacks(self, StackName):  # noqa: N803  boto3's name
        if self.coming:
            self.status = self.coming.pop(0)
        if self.status == ABSENT:
            raise ClientError({"Error": {"Code": "ValidationError"}}, "DescribeStacks")
        found = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]
        return {"Stacks": [{"StackName": StackName, "StackStatus": self.status, "Outputs": found}]}

    def create_change_set(self, **asked):
        self.done.append(asked["ChangeSetType"])
        self.asked = asked

    def describe_change_set(self, **_):
        return self.change

    def delete_change_set(self, **_):
        self.done.append("FORGET")

    def execute_change_set(self, **_):
        if self.overtaken:
            raise ClientError({"Error": {"Code": self.overtaken}}, "ExecuteChangeSet")
        self.coming = list(self.executing)
        self.events += self.failures

    def continue_update_rollback(self, StackName):  # noqa: N803  boto3's name
        self.done.append("ROLL BACK")
        self.coming = list(self.executing)

    def get_template(self, StackName):  # noqa: N803  boto3's name
        said = {name: {"DeletionPolicy": policy} for name, policy in self.policies.items()}
        return {"TemplateBody": {"Resources": {name: {} for name in self.resources} | said}}

    def get_paginator(self, operation):
        summaries = [
            {
                "LogicalResourceId": name,
                "ResourceType": kind,
                "PhysicalResourceId": physical,
                "ResourceStatus": "CREATE_COMPLETE",
            }
            for name, (kind, physical) in self.resources.items()
        ]
        pages = {
            "describe_change_set": [{"Changes": self.changes}],
            "describe_events": [{"OperationEvents": self.invalid}],
            "describe_stack_events": [{"StackEvents": [one]} for one in reversed(self.events)],
            "list_stack_resources": [{"StackResourceSummaries": summaries}],
        }
        return Pages(pages[operation])

    def delete_stack(self, StackName):  # noqa: N803  boto3's name
        self.done.append("DELETE")
        self.coming = list(self.deleting)


class Pages:
    """A paginator over prepared pages."""

    def __init__(self, pages: list[dict[str, Any]]) -> None:
        self.pages = pages

    def paginate(self, **_):
        return self.pages


class FakeClients:
    """Returns prepared clients by the names of their services."""

    endpoint_url = "http://localhost:4566"
    region = "us-east-1"

    def __init__(self, **clients) -> None:
        self.clients = clients

    def client(self, service):
        return self.clients[service]


class FakeClock:
    """A clock on which time passes only in sleep()."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def sleep(self, seconds):
        self.seconds += seconds

    def polling(self, limit=60) -> Polling:
        return Polling(limit, 1, self.sleep, lambda: self.seconds)


def failure(resource, reason, event_id="1"):
    return {
        "EventId": event_id,
        "LogicalResourceId": resource,
        "ResourceType": "AWS::SQS::Queue",
        "ResourceStatus": "CREATE_FAILED",
        "ResourceStatusReason": reason,
    }
