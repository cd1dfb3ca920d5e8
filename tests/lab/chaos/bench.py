"""Everything a run takes: an emulator, a Rekognition, and the proxy before both."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra import ports
from infra.clients import LOCAL_REGION, Clients
from infra.config.stages import Stage
from infra.deploy.deploy import deploy
from infra.deploy.outputs import Outputs
from infra.local.ministack import MiniStack
from infra.local.recognizer import Recognizer
from infra.packaging.package import Target
from infra.terminal import Say
from shared.delivery import CLOCK_SKEW
from tests.lab.chaos import kills
from tests.lab.chaos.faults import Draw, none
from tests.lab.chaos.proxy import Proxy
from tests.lab.chaos.stages import queued

TIMED_OUT = "killing worker"
"""MiniStack's own words in its log, one line for each invocation it ended at its timeout."""
STARTS = 5
"""Times that a function may meet its timeout while it starts; then it starts during the run."""


@dataclass(frozen=True)
class Bench:
    """A MiniStack that checks signatures and roles, and functions that reach it by ``proxy``."""

    emulator: MiniStack
    proxy: Proxy
    clients: Clients

    def deploy(self, stage: Stage, say: Say) -> Outputs:
        """Deploy it. A message waits no longer than a lease then, where it waits for six timeouts
        elsewhere: those are for batches that Lambda has no room to run, and MiniStack always has.
        """
        target = Target.here(self.emulator.python)
        outputs = deploy(stage, self.clients, target, say, self.proxy.endpoint)
        for service in queued(stage):
            self.clients.client("sqs").set_queue_attributes(
                QueueUrl=outputs.queues[service.name],
                Attributes={"VisibilityTimeout": f"{service.timeout + CLOCK_SKEW:.0f}"},
            )
        self._warm(outputs, stage)
        return outputs

    def _warm(self, outputs: Outputs, stage: Stage) -> None:
        """Start as many of each function as may run at once, by giving them nothing to do.

        Lambda starts each on a processor of its own; here they would wait for one another, and the
        first of them meet their timeouts.
        """
        for service in queued(stage):
            calls = service.concurrency
            with ThreadPoolExecutor(calls) as pool:
                list(pool.map(self._invoke, [outputs.functions[service.name]] * calls))

    def _invoke(self, function: str) -> None:
        call = {"FunctionName": function, "Payload": json.dumps({"Records": []})}
        for _ in range(STARTS):
            if "FunctionError" not in self.clients.client("lambda").invoke(**call):
                return

    def unplug(self, outputs: Outputs) -> None:
        """Let messages wait on the queues: what is to feed the functions stands elsewhere."""
        functions = self.clients.client("lambda")
        for service in outputs.queues:
            name = outputs.functions[service]
            found = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
            for source in found:
                functions.update_event_source_mapping(UUID=source["UUID"], Enabled=False)

    @contextmanager
    def going_wrong(self, draw: Draw) -> Iterator[None]:
        """Let calls meet these faults for as long as the block runs."""
        self.proxy.draw = draw
        try:
            yield
        finally:
            self.proxy.draw = none

    def timeouts(self) -> int:
        """Invocations that met their timeout so far, in whichever stage."""
        return self.emulator.log.read_text(errors="replace").count(TIMED_OUT)


@contextmanager
def bench(home: Path) -> Iterator[Bench]:
    """All of it, running; stopped in the end, whatever happens."""
    with ExitStack() as running:
        emulator = running.enter_context(MiniStack(home / "emulator", ports.free(), auth=True))
        recognizer = running.enter_context(
            Recognizer(home / "rekognition", ports.free(), emulator.endpoint)
        )
        group = int((emulator.home / "pid").read_text())
        proxy = running.enter_context(
            Proxy(
                ports.free(),
                emulator.port,
                {"rekognition": recognizer.port, "bedrock": recognizer.port},
                end=lambda number, theirs, ours: kills.end(number, group, theirs, ours),
            )
        )
        yield Bench(emulator, proxy, Clients(emulator.endpoint, LOCAL_REGION))
