"""Ask for consent before a stage on AWS is changed, and show its account and region."""

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
    """The account and region of a deployment, and the caller's identity."""

    account: str
    region: str
    caller: str  # an ARN
    endpoint: str | None  # None is AWS

    @classmethod
    def of(cls, stage: Stage, clients: Clients) -> "AccountRegion":
        """Read them from STS; InfraError if the stage must not be deployed there."""
        if stage.local and clients.endpoint_url is None:
            raise InfraError(f"stage {stage.name} is for emulators and does not go to AWS")
        identity = clients.client("sts").get_caller_identity()
        actual = cls(identity["Account"], clients.region, identity["Arn"], clients.endpoint_url)
        if stage.region not in {None, actual.region}:
            raise InfraError(f"stage {stage.name} is in {stage.region}, not in {actual.region}")
        if stage.account not in {None, actual.account}:
            raise InfraError(
                f"stage {stage.name} is in account {stage.account}, but the credentials are for "
                f"{actual.account}"
            )
        return actual

    def __str__(self) -> str:
        emulated = f" (emulated at {self.endpoint})" if self.endpoint else ""
        return f"account {self.account}, region {self.region}, as {self.caller}{emulated}"


@dataclass(frozen=True)
class Consent:
    """Consent to a change: confirmed by an option, or asked for on a terminal."""

    confirmed: bool
    terminal: bool
    ask: Ask = input

    @classmethod
    def of(cls, *, confirmed: bool) -> "Consent":
        return cls(confirmed, sys.stdin.isatty())

    def require_answerable(self, stage: Stage) -> None:
        """InfraError if consent is missing and there is no terminal to ask on."""
        if not (stage.local or self.confirmed or self.terminal):
            raise InfraError(
                f"deploying stage {stage.name} needs consent, and this is not a terminal: use --yes"
            )

    def to_apply(
        self, stage: Stage, target: AccountRegion, changes: Sequence[Change], say: Say
    ) -> None:
        """Show the changes; InfraError unless the user agrees.

        Consent confirmed by an option does not cover the loss of data.
        """
        if stage.local:
            return
        say(f"changes to stage {stage.name} in {target}:")
        say("\n".join(change_lines(changes)))
        if self.confirmed:
            self._refuse_data_loss(changes)
        elif self.ask(f"Apply them to {stage.name}? [y/N] ").strip().lower() != "y":
            raise InfraError("nothing was changed")

    def to_destroy(self, stage: Stage, target: AccountRegion, say: Say) -> None:
        """InfraError unless the user types the stage's name, or gave it as an option."""
        if stage.local or self.confirmed:
            return
        if not self.terminal:
            raise InfraError(f"this is not a terminal: confirm with --confirm {stage.name}")
        say(f"stage {stage.name} in {target}")
        data = "its data is retained" if stage.retain else "its data is deleted permanently"
        if self.ask(f"Destroy it ({data})? Type {stage.name}: ").strip() != stage.name:
            raise InfraError("nothing was destroyed")

    def _refuse_data_loss(self, changes: Sequence[Change]) -> None:
        resources = [change.resource for change in changes if change.loses_data]
        if resources:
            raise InfraError(
                f"{', '.join(resources)} would lose data, which --yes does not cover: "
                "deploy from a terminal"
            )
