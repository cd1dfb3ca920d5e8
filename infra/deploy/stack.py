"""One CloudFormation stack: create and execute change sets, wait, delete, and read outputs."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from infra.clients import Clients
from infra.config.stages import Stage
from infra.deploy.changes import Change, changes
from infra.errors import InfraError
from infra.terminal import Say

T = TypeVar("T")

ABSENT = "ABSENT"

# A stack in one of these states can only be deleted.
DEAD = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}
NEW = {ABSENT, "REVIEW_IN_PROGRESS"}
GOOD = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}
UPDATABLE = GOOD | {"UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}

# CloudFormation's messages for a change set without changes; it has no error code for this.
UNCHANGED = ("didn't contain changes", "No updates are to be performed")

# Its error codes for a change set that another deployment has invalidated.
OVERTAKEN = {"InvalidChangeSetStatus", "ChangeSetNotFound"}


@dataclass(frozen=True)
class Polling:
    """The time limit and interval of a wait, in seconds. Tests replace `sleep` and `now`."""

    limit: float
    interval: float
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic

    @classmethod
    def of(cls, stage: Stage) -> "Polling":
        """An emulator deploys in seconds; AWS needs minutes, and throttles frequent requests."""
        return cls(180, 0.2) if stage.local else cls(1800, 3)


@dataclass(frozen=True)
class Proposal:
    """A change set and its changes."""

    name: str
    creates: bool  # the stack does not exist yet
    changes: tuple[Change, ...]


Agree = Callable[[tuple[Change, ...]], None]
"""Raises InfraError unless the user agrees to the changes."""


def always_agree(_: tuple[Change, ...]) -> None:
    """Agree to any changes."""


@dataclass(frozen=True)
class Resource:
    """A resource of a stack."""

    name: str  # its logical id
    kind: str  # such as AWS::S3::Bucket
    physical: str  # its physical id
    retained: bool  # it is not deleted with the stack


class Stack:
    """A stage's stack, darkroom-<stage>."""

    def __init__(
        self,
        clients: Clients,
        stage: Stage,
        polling: Polling | None = None,
        role: str | None = None,
    ) -> None:
        """`role` is the ARN of the role that CloudFormation assumes; None: the caller's rights."""
        self.name = stage.called()
        self._cloudformation = clients.client("cloudformation")
        self._polling = polling or Polling.of(stage)
        # Resources that an earlier stack of the stage retained are imported.
        self._importing = {"ImportExistingResources": True} if stage.retain else {}
        self._role = {"RoleARN": role} if role else {}

    def apply(
        self,
        template_url: str,
        parameters: Mapping[str, str],
        say: Say,
        agree: Agree = always_agree,
    ) -> bool:
        """Change the stack to match the template, if `agree` allows it; False if nothing changed.

        InfraError if a resource fails (with CloudFormation's reason), if the time limit is
        exceeded, or if `agree` raises it; in the last case nothing has changed.
        """
        proposal = self.propose(template_url, parameters, say)
        if proposal is None:
            return False
        try:
            agree(proposal.changes)
        except InfraError:
            self.withdraw(proposal)
            raise
        since = {event["EventId"] for event in self._events()}
        say(f"{'creating' if proposal.creates else 'updating'} stack {self.name}")
        self._execute(proposal)
        self._require(GOOD, self._executed(), since)
        return True

    def propose(
        self, template_url: str, parameters: Mapping[str, str], say: Say, *, repair: bool = True
    ) -> Proposal | None:
        """Create a change set; None if nothing would change.

        It first waits for a running deployment, deletes a stack whose creation failed, and
        continues a failed rollback. Without `repair` it changes nothing: InfraError names the state
        of a stack that needs repair.
        """
        creates = self._ready(say, repair=repair) in NEW
        name = self._create_change_set("CREATE" if creates else "UPDATE", template_url, parameters)
        with self._unless_overtaken():
            change = self._proposed(name)
            if change["Status"] != "FAILED":
                return Proposal(name, creates, changes(self._described(name)))
        reason = change.get("StatusReason", "")
        unchanged = any(message in reason for message in UNCHANGED)
        reasons = [] if unchanged else self._invalid(ChangeSetName=name)
        self._cloudformation.delete_change_set(StackName=self.name, ChangeSetName=name)
        if unchanged:
            return None
        raise InfraError(f"stack {self.name} cannot be changed: {'; '.join(reasons) or reason}")

    def withdraw(self, proposal: Proposal) -> None:
        """Delete the change set, and the empty stack that CloudFormation created for it."""
        self._cloudformation.delete_change_set(StackName=self.name, ChangeSetName=proposal.name)
        if proposal.creates and self._status() == "REVIEW_IN_PROGRESS":
            self._cloudformation.delete_stack(StackName=self.name)

    def resources(self) -> list[Resource]:
        """All resources of the stack; empty if it does not exist."""
        if self._status() == ABSENT:
            return []
        template = self._cloudformation.get_template(StackName=self.name)["TemplateBody"]
        pages = self._cloudformation.get_paginator("list_stack_resources")
        summaries = [
            summary
            for page in pages.paginate(StackName=self.name)
            for summary in page["StackResourceSummaries"]
            if summary.get("PhysicalResourceId") and summary["ResourceStatus"] != "DELETE_COMPLETE"
        ]
        return [_resource(summary, template) for summary in summaries]

    def delete(self, say: Say) -> bool:
        """Delete the stack and wait until it is gone; False if it does not exist."""
        if self._status() == ABSENT:
            return False
        say(f"deleting stack {self.name}")
        since = {event["EventId"] for event in self._events()}
        self._cloudformation.delete_stack(StackName=self.name)
        self._require({ABSENT}, self._deleted(), since)
        return True

    def outputs(self) -> dict[str, str]:
        """The stack's outputs; InfraError if an emulator failed to create one of them."""
        outputs = {o["OutputKey"]: o["OutputValue"] for o in self._describe().get("Outputs", [])}
        # LocalStack returns this value for a resource that it did not create.
        unknown = [name for name, value in outputs.items() if value == "unknown"]
        if unknown:
            raise InfraError(f"the emulator did not create {unknown[0]} of stack {self.name}")
        return outputs

    def _ready(self, say: Say, *, repair: bool) -> str:
        """Bring the stack to a state that allows a change, and return that state."""
        status = self._idle()
        if not repair and status not in NEW | UPDATABLE:
            raise InfraError(f"stack {self.name} is in {status}, which a deployment has to repair")
        if status in DEAD:
            say(f"stack {self.name} never came up ({status}); starting anew")
            self.delete(say)
            return ABSENT
        if status == "UPDATE_ROLLBACK_FAILED":
            return self._rolled_back(say)
        if status not in NEW | UPDATABLE:
            raise InfraError(f"stack {self.name} is in {status}: repair it in CloudFormation")
        return status

    def _rolled_back(self, say: Say) -> str:
        """Continue a failed rollback; its cause may have been fixed since."""
        say(f"the rollback of the last update of stack {self.name} failed; continuing it")
        since = {event["EventId"] for event in self._events()}
        self._cloudformation.continue_update_rollback(StackName=self.name)
        status = self._executed()
        self._require(UPDATABLE, status, since)
        return status

    def _create_change_set(self, kind: str, url: str, parameters: Mapping[str, str]) -> str:
        name = f"deploy-{uuid.uuid4().hex[:12]}"
        self._cloudformation.create_change_set(
            StackName=self.name,
            ChangeSetName=name,
            ChangeSetType=kind,
            TemplateURL=url,
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
            Capabilities=["CAPABILITY_IAM"],
            **self._importing,
            **self._role,
        )
        return name

    def _described(self, change_set: str) -> Iterator[dict[str, Any]]:
        pages = self._cloudformation.get_paginator("describe_change_set")
        for page in pages.paginate(StackName=self.name, ChangeSetName=change_set):
            yield from page["Changes"]

    def _execute(self, proposal: Proposal) -> None:
        with self._unless_overtaken():
            self._cloudformation.execute_change_set(
                StackName=self.name, ChangeSetName=proposal.name
            )

    @contextmanager
    def _unless_overtaken(self) -> Iterator[None]:
        """Report a concurrent deployment: two may wait for a third, and then start together."""
        try:
            yield
        except ClientError as error:
            if error.response["Error"]["Code"] not in OVERTAKEN:
                raise
            raise InfraError(
                f"another deployment of stack {self.name} ran at the same time: run it again"
            ) from error

    def _proposed(self, change_set: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            described: dict[str, Any] = self._cloudformation.describe_change_set(
                StackName=self.name, ChangeSetName=change_set
            )
            pending = described["Status"] in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}
            return None if pending else described

        return self._wait(look)

    def _idle(self) -> str:
        """Wait until no operation is in progress; returns the status."""
        return self._until(lambda status: status in NEW or not status.endswith("_IN_PROGRESS"))

    def _executed(self) -> str:
        """Wait until a change is complete or rolled back; returns the status."""
        return self._until(lambda status: not status.endswith("_IN_PROGRESS"))

    def _deleted(self) -> str:
        return self._until(lambda status: status in {ABSENT, "DELETE_FAILED"})

    def _until(self, done: Callable[[str], bool]) -> str:
        def look() -> str | None:
            status = self._status()
            return status if done(status) else None

        return self._wait(look)

    def _wait(self, look: Callable[[], T | None]) -> T:
        end = self._polling.now() + self._polling.limit
        while (result := look()) is None:
            if self._polling.now() > end:
                limit = f"{self._polling.limit:.0f} s"
                raise InfraError(f"stack {self.name} is still in {self._status()} after {limit}")
            self._polling.sleep(self._polling.interval)
        return result

    def _status(self) -> str:
        status: str = self._describe().get("StackStatus", ABSENT)
        # some emulators still find a deleted stack by name
        return ABSENT if status == "DELETE_COMPLETE" else status

    def _describe(self) -> dict[str, Any]:
        try:
            answer = self._cloudformation.describe_stacks(StackName=self.name)
        except ClientError as error:
            # This call has only one validation error: the stack does not exist.
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            return {}
        stack: dict[str, Any] = answer["Stacks"][0]
        return stack

    def _events(self) -> list[dict[str, Any]]:
        """The stack's events, the latest first; empty if it does not exist."""
        pages = self._cloudformation.get_paginator("describe_stack_events")
        try:
            return [
                event
                for page in pages.paginate(StackName=self.name)
                for event in page["StackEvents"]
            ]
        except ClientError:
            return []

    def _require(self, expected: set[str], status: str, old_events: set[str]) -> None:
        """InfraError with the first new failure, unless the status is an expected one."""
        if status in expected:
            return
        failed = [
            event
            for event in reversed(self._events())
            if event["EventId"] not in old_events and event["ResourceStatus"].endswith("_FAILED")
        ]
        reason = _failure(failed[0]) if failed else self._reason()
        if failed and failed[0].get("DetailedStatus") == "VALIDATION_FAILED":
            reason = "; ".join(self._invalid()) or reason
        raise InfraError(f"stack {self.name} ended in {status}: {reason}")

    def _reason(self) -> str:
        """CloudFormation's reason for the stack's status, for failures without a resource."""
        return self._describe().get("StackStatusReason") or "CloudFormation gives no reason"

    def _invalid(self, **change_set: str) -> list[str]:
        """The validation errors; the stack's own events only say that validation failed."""
        pages = self._cloudformation.get_paginator("describe_events").paginate(
            StackName=self.name, Filters={"FailedEvents": True}, **change_set
        )
        return [
            f"{event['LogicalResourceId']} ({event['ResourceType']}): "
            f"{event['ValidationStatusReason']}"
            for page in pages
            for event in page["OperationEvents"]
            if event.get("ValidationStatus") == "FAILED"
        ]


def _resource(summary: dict[str, Any], template: dict[str, Any]) -> Resource:
    name = summary["LogicalResourceId"]
    policy = template["Resources"].get(name, {}).get("DeletionPolicy", "Delete")
    physical = summary["PhysicalResourceId"]
    return Resource(name, summary["ResourceType"], physical, policy.startswith("Retain"))


def _failure(event: dict[str, Any]) -> str:
    reason = event.get("ResourceStatusReason", "no reason given")
    return f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason}"
