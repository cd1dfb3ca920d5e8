"""The parts that a scenario needs: an emulator, a local Rekognition, and the proxy before both."""

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
"""MiniStack logs this once for each invocation that reaches its timeout."""
STARTS = 5
"""Attempts to start a function; one that still reaches its timeout starts during the scenario."""


@dataclass(frozen=True)
class Rig:
    """A MiniStack that checks signatures and roles; functions reach it through ``proxy``."""

    emulator: MiniStack
    proxy: Proxy
    clients: Clients

    def deploy(self, stage: Stage, say: Say) -> Outputs:
        """Deploy the stage, with visibility timeouts as short as a lease.

        Elsewhere they are six function timeouts, for batches that Lambda has no capacity to run.
        MiniStack always has capacity.
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
        """Invoke each function with an empty batch, as often as it may run at once.

        On Lambda each starts on its own processor. Here they share two cores, and the first ones
        would reach their timeouts.
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

    def disable_event_sources(self, outputs: Outputs) -> None:
        """Leave messages on their queues; a poller of ours invokes the functions instead."""
        functions = self.clients.client("lambda")
        for service in outputs.queues:
            name = outputs.functions[service]
            answer = functions.list_event_source_mappings(FunctionName=name)
            for source in answer["EventSourceMappings"]:
                functions.update_event_source_mapping(UUID=source["UUID"], Enabled=False)

    @contextmanager
    def injecting(self, draw: Draw) -> Iterator[None]:
        """Inject these faults while the block runs."""
        self.proxy.draw = draw
        try:
            yield
        finally:
            self.proxy.draw = none

    def timeouts(self) -> int:
        """Invocations that have reached their timeout, in all stages."""
        return self.emulator.log.read_text(errors="replace").count(TIMED_OUT)


@contextmanager
def start_rig(home: Path) -> Iterator[Rig]:
    """Start all parts, and stop them at the end of the block."""
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
        yield Rig(emulator, proxy, Clients(emulator.endpoint, LOCAL_REGION))
