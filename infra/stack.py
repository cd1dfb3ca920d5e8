"""One CloudFormation stack: create or update it, wait with a limit, delete it, read its outputs."""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from infra.clients import Clients
from infra.commands import Say
from infra.errors import InfraError
from infra.stages import Stage

T = TypeVar("T")

ABSENT = "ABSENT"

# A stack in one of these can only be deleted.
DEAD = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}
NEW = {ABSENT, "REVIEW_IN_PROGRESS"}
GOOD = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
UPDATABLE = GOOD | {"UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}

# What CloudFormation answers when there is nothing to do; it has no code of its own for it.
UNCHANGED = ("didn't contain changes", "No updates are to be performed")


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


class Stack:
    """A stage's stack, darkroom-<stage>."""

    def __init__(self, clients: Clients, stage: Stage, patience: Patience | None = None) -> None:
        self.name = stage.called()
        self._cloudformation = clients.client("cloudformation")
        self._patience = patience or Patience.of(stage)

    def apply(self, template_url: str, parameters: Mapping[str, str], say: Say) -> bool:
        """Make the stack be as the template says; False when it already was.

        One that never came up is deleted and created anew. InfraError names the resource that
        failed, with CloudFormation's reason; or that the wait was over.
        """
        status = self._ready(say)
        kind = "CREATE" if status in NEW else "UPDATE"
        change = self._propose(kind, template_url, parameters)
        if change is None:
            return False
        since = {event["EventId"] for event in self._events()}
        say(f"{'creating' if kind == 'CREATE' else 'updating'} stack {self.name}")
        self._cloudformation.execute_change_set(StackName=self.name, ChangeSetName=change)
        self._must(GOOD, self._executed(), since)
        return True

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

    def _ready(self, say: Say) -> str:
        """Bring the stack to a state that takes a change, and tell which."""
        status = self._settled()
        if status in DEAD:
            say(f"stack {self.name} never came up ({status}); starting anew")
            self.delete(say)
            return ABSENT
        if status not in NEW | UPDATABLE:
            raise InfraError(f"stack {self.name} is in {status}: put it right in CloudFormation")
        return status

    def _propose(self, kind: str, url: str, parameters: Mapping[str, str]) -> str | None:
        """Make a change set; None when it would change nothing."""
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
        )
        change = self._proposed(name)
        reason = change.get("StatusReason", "")
        if change["Status"] != "FAILED":
            return name
        self._cloudformation.delete_change_set(StackName=self.name, ChangeSetName=name)
        if any(words in reason for words in UNCHANGED):
            return None
        raise InfraError(f"stack {self.name} cannot be changed: {reason}")

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
        try:
            answer = self._cloudformation.describe_stack_events(StackName=self.name)
        except ClientError:
            return []
        found: list[dict[str, Any]] = answer["StackEvents"]
        return found

    def _must(self, wanted: set[str], status: str, known: set[str]) -> None:
        """Raise, unless all is well, with the first failure that is not among `known` events."""
        if status in wanted:
            return
        failed = [
            event
            for event in reversed(self._events())
            if event["EventId"] not in known and event["ResourceStatus"].endswith("_FAILED")
        ]
        why = _told(failed[0]) if failed else "CloudFormation gives no reason"
        raise InfraError(f"stack {self.name} ended in {status}: {why}")


def _told(event: dict[str, Any]) -> str:
    reason = event.get("ResourceStatusReason", "no reason given")
    return f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason}"
