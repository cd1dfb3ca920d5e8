"""One CloudFormation stack: propose a change, make it, wait with a limit, delete, read outputs."""

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

# A stack in one of these can only be deleted.
DEAD = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}
NEW = {ABSENT, "REVIEW_IN_PROGRESS"}
GOOD = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}
UPDATABLE = GOOD | {"UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}

# What CloudFormation answers when there is nothing to do; it has no code of its own for it.
UNCHANGED = ("didn't contain changes", "No updates are to be performed")

# What it answers about a change set that another deployment has overtaken.
OVERTAKEN = {"InvalidChangeSetStatus", "ChangeSetNotFound"}


@dataclass(frozen=True)
class Patience:
    """How long to wait, and how often to look; seconds. The clock is a part, so tests need none."""

    limit: float
    interval: float
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic

    @classmethod
    def of(cls, stage: Stage) -> "Patience":
        """An emulator deploys in seconds, AWS in minutes (and throttles who asks too often)."""
        return cls(180, 0.2) if stage.local else cls(1800, 3)


@dataclass(frozen=True)
class Proposal:
    """A change set, and what it would do."""

    name: str
    creates: bool  # the stack is not there yet
    changes: tuple[Change, ...]


Agree = Callable[[tuple[Change, ...]], None]
"""Raises InfraError unless the changes are wanted."""


def agreed(_: tuple[Change, ...]) -> None:
    """Want whatever changes there are."""


@dataclass(frozen=True)
class Resource:
    """One that a stack has."""

    name: str  # its logical id
    kind: str  # such as AWS::S3::Bucket
    physical: str
    retained: bool  # it outlives the stack


class Stack:
    """A stage's stack, darkroom-<stage>."""

    def __init__(
        self,
        clients: Clients,
        stage: Stage,
        patience: Patience | None = None,
        role: str | None = None,
    ) -> None:
        """`role` is the ARN of one that CloudFormation takes; None: it has the caller's rights."""
        self.name = stage.called()
        self._cloudformation = clients.client("cloudformation")
        self._patience = patience or Patience.of(stage)
        # What an earlier stack of the stage left is this one's again.
        self._taking_over = {"ImportExistingResources": True} if stage.retain else {}
        self._by = {"RoleARN": role} if role else {}

    def apply(
        self, template_url: str, parameters: Mapping[str, str], say: Say, agree: Agree = agreed
    ) -> bool:
        """Make the stack be as the template says, once `agree` does; False when it already was.

        InfraError names the resource that failed, with CloudFormation's reason; or that the wait
        was over; or it is what `agree` raises, and then nothing has changed.
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
        self._must(GOOD, self._executed(), since)
        return True

    def propose(
        self, template_url: str, parameters: Mapping[str, str], say: Say, *, mend: bool = True
    ) -> Proposal | None:
        """Ask CloudFormation what it would change; None when it is nothing.

        A stack that never came up is deleted, one whose rollback failed is rolled back, and a
        deployment that is under way is waited for. Without `mend` nothing is touched, and
        InfraError says in which state the stack is.
        """
        creates = self._ready(say, mend=mend) in NEW
        name = self._create_change_set("CREATE" if creates else "UPDATE", template_url, parameters)
        with self._unless_overtaken():
            change = self._proposed(name)
            if change["Status"] != "FAILED":
                return Proposal(name, creates, changes(self._described(name)))
        reason = change.get("StatusReason", "")
        unchanged = any(words in reason for words in UNCHANGED)
        reasons = [] if unchanged else self._invalid(ChangeSetName=name)
        self._cloudformation.delete_change_set(StackName=self.name, ChangeSetName=name)
        if unchanged:
            return None
        raise InfraError(f"stack {self.name} cannot be changed: {'; '.join(reasons) or reason}")

    def withdraw(self, proposal: Proposal) -> None:
        """Forget a proposal, and the empty stack that CloudFormation made to hold it."""
        self._cloudformation.delete_change_set(StackName=self.name, ChangeSetName=proposal.name)
        if proposal.creates and self._status() == "REVIEW_IN_PROGRESS":
            self._cloudformation.delete_stack(StackName=self.name)

    def resources(self) -> list[Resource]:
        """All that the stack has; nothing when it is not there."""
        if self._status() == ABSENT:
            return []
        template = self._cloudformation.get_template(StackName=self.name)["TemplateBody"]
        pages = self._cloudformation.get_paginator("list_stack_resources")
        found = [
            one
            for page in pages.paginate(StackName=self.name)
            for one in page["StackResourceSummaries"]
            if one.get("PhysicalResourceId") and one["ResourceStatus"] != "DELETE_COMPLETE"
        ]
        return [_resource(one, template) for one in found]

    def delete(self, say: Say) -> bool:
        """Delete the stack and wait until it is gone; False when there was none."""
        if self._status() == ABSENT:
            return False
        say(f"deleting stack {self.name}")
        since = {event["EventId"] for event in self._events()}
        self._cloudformation.delete_stack(StackName=self.name)
        self._must({ABSENT}, self._deleted(), since)
        return True

    def outputs(self) -> dict[str, str]:
        """The stack's outputs, empty when it has none; InfraError for one an emulator made up."""
        found = {o["OutputKey"]: o["OutputValue"] for o in self._describe().get("Outputs", [])}
        # LocalStack answers so for a resource that it does not really have.
        unknown = [name for name, value in found.items() if value == "unknown"]
        if unknown:
            raise InfraError(f"the emulator did not make {unknown[0]} of stack {self.name}")
        return found

    def _ready(self, say: Say, *, mend: bool) -> str:
        """Bring the stack to a state that takes a change, and return that state."""
        status = self._settled()
        if not mend and status not in NEW | UPDATABLE:
            raise InfraError(f"stack {self.name} is in {status}, which a deployment has to mend")
        if status in DEAD:
            say(f"stack {self.name} never came up ({status}); starting anew")
            self.delete(say)
            return ABSENT
        if status == "UPDATE_ROLLBACK_FAILED":
            return self._rolled_back(say)
        if status not in NEW | UPDATABLE:
            raise InfraError(f"stack {self.name} is in {status}: put it right in CloudFormation")
        return status

    def _rolled_back(self, say: Say) -> str:
        """Finish a rollback that failed; what was in its way may have been put right since."""
        say(f"the last update of stack {self.name} was not rolled back; going on with that")
        since = {event["EventId"] for event in self._events()}
        self._cloudformation.continue_update_rollback(StackName=self.name)
        status = self._executed()
        self._must(UPDATABLE, status, since)
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
            **self._taking_over,
            **self._by,
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
        """Two deployments may wait for a third to end, and then begin at once."""
        try:
            yield
        except ClientError as error:
            if error.response["Error"]["Code"] not in OVERTAKEN:
                raise
            raise InfraError(
                f"another deployment of stack {self.name} came in between: run it again"
            ) from error

    def _proposed(self, change_set: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self._cloudformation.describe_change_set(
                StackName=self.name, ChangeSetName=change_set
            )
            return None if found["Status"] in {"CREATE_PENDING", "CREATE_IN_PROGRESS"} else found

        return self._wait(look)

    def _settled(self) -> str:
        """Wait until nothing goes on."""
        return self._until(lambda status: status in NEW or not status.endswith("_IN_PROGRESS"))

    def _executed(self) -> str:
        """Wait until a change is done or rolled back."""
        return self._until(lambda status: not status.endswith("_IN_PROGRESS"))

    def _deleted(self) -> str:
        return self._until(lambda status: status in {ABSENT, "DELETE_FAILED"})

    def _until(self, done: Callable[[str], bool]) -> str:
        def look() -> str | None:
            status = self._status()
            return status if done(status) else None

        return self._wait(look)

    def _wait(self, look: Callable[[], T | None]) -> T:
        end = self._patience.now() + self._patience.limit
        while (found := look()) is None:
            if self._patience.now() > end:
                limit = f"{self._patience.limit:.0f} s"
                raise InfraError(f"stack {self.name} is still in {self._status()} after {limit}")
            self._patience.sleep(self._patience.interval)
        return found

    def _status(self) -> str:
        status: str = self._describe().get("StackStatus", ABSENT)
        return ABSENT if status == "DELETE_COMPLETE" else status  # some keep the deleted by name

    def _describe(self) -> dict[str, Any]:
        try:
            answer = self._cloudformation.describe_stacks(StackName=self.name)
        except ClientError as error:
            # The only validation this call does is whether there is such a stack.
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            return {}
        found: dict[str, Any] = answer["Stacks"][0]
        return found

    def _events(self) -> list[dict[str, Any]]:
        """What happened to the stack, the latest first; nothing when it is not there."""
        pages = self._cloudformation.get_paginator("describe_stack_events")
        try:
            return [
                event
                for page in pages.paginate(StackName=self.name)
                for event in page["StackEvents"]
            ]
        except ClientError:
            return []

    def _must(self, wanted: set[str], status: str, known: set[str]) -> None:
        """Raise, unless all is well, with the first failure that is not among `known` events."""
        if status in wanted:
            return
        failed = [
            event
            for event in reversed(self._events())
            if event["EventId"] not in known and event["ResourceStatus"].endswith("_FAILED")
        ]
        why = _told(failed[0]) if failed else self._reason()
        if failed and failed[0].get("DetailedStatus") == "VALIDATION_FAILED":
            why = "; ".join(self._invalid()) or why
        raise InfraError(f"stack {self.name} ended in {status}: {why}")

    def _reason(self) -> str:
        """What CloudFormation says of the stack as a whole, where no resource failed."""
        said = self._describe().get("StackStatusReason")
        return said or "CloudFormation gives no reason"

    def _invalid(self, **change_set: str) -> list[str]:
        """What CloudFormation refused before it began; events of the stack only say that it did."""
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


def _resource(found: dict[str, Any], template: dict[str, Any]) -> Resource:
    name = found["LogicalResourceId"]
    policy = template["Resources"].get(name, {}).get("DeletionPolicy", "Delete")
    physical = found["PhysicalResourceId"]
    return Resource(name, found["ResourceType"], physical, policy.startswith("Retain"))


def _told(event: dict[str, Any]) -> str:
    reason = event.get("ResourceStatusReason", "no reason given")
    return f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason}"
