"""Fake programs, for machines without Docker, and sample outputs of a stage."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from infra.deploy.outputs import Outputs
from infra.local.docker import ProgramResult

MISSING = ProgramResult(ok=False, output="")


@dataclass
class FakePrograms:
    """Returns a configured result for each command prefix; all other programs are missing."""

    answers: dict[str, ProgramResult] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    run_fails: bool = False

    def capture(self, command: Sequence[str], within: float | None = None) -> ProgramResult:
        line = " ".join(command)
        results = [result for start, result in self.answers.items() if line.startswith(start)]
        return results[0] if results else MISSING

    def run(self, command: Sequence[str], environment: dict[str, str]) -> bool:
        self.commands.append(" ".join(command))
        return not (self.run_fails and "up" in command)


CLIENT = {"docker --version": ProgramResult(ok=True, output="Docker version 29")}
ENGINE = CLIENT | {"docker info": ProgramResult(ok=True, output="29.1.0 aarch64\n")}
PLUGIN = {"docker compose version": ProgramResult(ok=True, output="2.40")}
PROGRAM = {"docker-compose version": ProgramResult(ok=True, output="1.29")}

TOPIC = "arn:aws:sns:us-east-1:000000000000:darkroom-local-notifications"
OUTPUTS = Outputs(
    endpoint="http://localhost:4566",
    region="us-east-1",
    stage="local",
    account="000000000000",
    buckets={"uploads": "darkroom-local-uploads", "processed": "darkroom-local-processed"},
    topics={"events": TOPIC.replace("notifications", "events"), "notifications": TOPIC},
    table="darkroom-local-records",
    tables={"records": "darkroom-local-records", "ledger": "darkroom-local-ledger"},
    queues={},
    dead_letter_queues={},
    functions={},
    addresses={},
)
