"""Before anything is done to a stage on AWS: where that is, and whether somebody wants it."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from infra.clients import Clients
from infra.config.stages import Stage
from infra.deploy.changes import Change, change_lines
from infra.errors import InfraError
from infra.terminal import Say

Ask = Callable[[str], str]


@dataclass(frozen=True)
class AccountRegion:
    """The account and region that a deployment goes to, and in whose name."""

    account: str
    region: str
    caller: str  # an ARN
    endpoint: str | None  # None is AWS

    @classmethod
    def of(cls, stage: Stage, clients: Clients) -> "AccountRegion":
        """Ask AWS; InfraError if the stage is not to go there."""
        if stage.local and clients.endpoint_url is None:
            raise InfraError(f"stage {stage.name} is for emulators and does not go to AWS")
        said = clients.client("sts").get_caller_identity()
        found = cls(said["Account"], clients.region, said["Arn"], clients.endpoint_url)
        if stage.region not in {None, found.region}:
            raise InfraError(f"stage {stage.name} is in {stage.region}, not in {found.region}")
        if stage.account not in {None, found.account}:
            raise InfraError(
                f"stage {stage.name} is in account {stage.account}, and these credentials are "
                f"of {found.account}"
            )
        return found

    def __str__(self) -> str:
        emulated = f" (emulated at {self.endpoint})" if self.endpoint else ""
        return f"account {self.account}, region {self.region}, as {self.caller}{emulated}"


@dataclass(frozen=True)
class Consent:
    """How to come by a yes: given beforehand, or asked for where a person can answer."""

    given: bool
    terminal: bool
    ask: Ask = input

    @classmethod
    def of(cls, *, given: bool) -> "Consent":
        return cls(given, sys.stdin.isatty())

    def require_answerable(self, stage: Stage) -> None:
        """InfraError where nobody gave it and nobody can be asked; before the work begins."""
        if not (stage.local or self.given or self.terminal):
            raise InfraError(
                f"deploying stage {stage.name} wants a yes, and this is no terminal: --yes gives it"
            )

    def to_apply(
        self, stage: Stage, place: AccountRegion, changes: Sequence[Change], say: Say
    ) -> None:
        """Show the changes, and InfraError unless they are wanted.

        Consent that was given beforehand is no consent to losing data.
        """
        if stage.local:
            return
        say(f"changes to stage {stage.name} in {place}:")
        say("\n".join(change_lines(changes)))
        if self.given:
            self._refuse_to_lose(changes)
        elif self.ask(f"Apply them to {stage.name}? [y/N] ").strip().lower() != "y":
            raise InfraError("nothing was changed")

    def to_destroy(self, stage: Stage, place: AccountRegion, say: Say) -> None:
        """InfraError unless somebody types the stage's name."""
        if stage.local or self.given:
            return
        if not self.terminal:
            raise InfraError(f"this is no terminal: --confirm {stage.name} destroys the stage")
        say(f"stage {stage.name} in {place}")
        kept = "its data stays" if stage.retain else "its data goes with it, for good"
        if self.ask(f"Destroy it ({kept})? Type {stage.name}: ").strip() != stage.name:
            raise InfraError("nothing was destroyed")

    def _refuse_to_lose(self, changes: Sequence[Change]) -> None:
        lost = [change.resource for change in changes if change.loses_data]
        if lost:
            raise InfraError(
                f"{', '.join(lost)} would lose what they hold, and --yes does not say that this is "
                "wanted: deploy from a terminal"
            )
