"""The outputs of a stage's stack: names, URLs and ARNs of what is deployed."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from infra.clients import Clients
from infra.cloudformation import messaging, storage
from infra.cloudformation.cfn import logical
from infra.config.stages import Stage
from infra.deploy.stack import Stack
from infra.errors import InfraError


@dataclass(frozen=True)
class Outputs:
    """Names, URLs and ARNs of one deployed stage. Queues and functions are keyed by service."""

    endpoint: str | None  # None is AWS
    region: str
    stage: str
    account: str
    buckets: Mapping[str, str]  # uploads, processed: names
    topics: Mapping[str, str]  # events, notifications, alerts: ARNs
    table: str  # the records table's name
    tables: Mapping[str, str]  # records, ledger: names
    queues: Mapping[str, str]  # URLs
    dead_letter_queues: Mapping[str, str]  # URLs
    functions: Mapping[str, str]  # names
    addresses: Mapping[str, str]  # URLs of the services with an HTTP API

    @classmethod
    def read(cls, stage: Stage, clients: Clients) -> "Outputs":
        """Read the stack's outputs; InfraError if the stage is not deployed."""
        found = Stack(clients, stage).outputs()
        if not found:
            raise InfraError(f"stage {stage.name} is not deployed; run: {_deploy_command(stage)}")
        return cls._of(found, stage, clients)

    @classmethod
    def _of(cls, found: Mapping[str, str], stage: Stage, clients: Clients) -> "Outputs":
        services = found["Services"].split(",")
        tables = {kind: found[f"{kind.capitalize()}Table"] for kind in storage.TABLES}
        return cls(
            endpoint=clients.endpoint_url,
            region=clients.region,
            stage=stage.name,
            account=found["Account"],
            buckets={kind: found[f"{kind.capitalize()}Bucket"] for kind in storage.BUCKETS},
            topics={
                kind: found[f"{kind.capitalize()}Topic"] for kind in (*messaging.TOPICS, "alerts")
            },
            table=tables["records"],
            tables=tables,
            queues=_by_service(found, services, "Queue"),
            dead_letter_queues=_by_service(found, services, "DeadLetters"),
            functions=_by_service(found, services, "Function"),
            addresses=_by_service(found, services, "Address"),
        )

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=2)

    def value(self, name: str) -> str:
        """One value by its name, such as addresses.api; InfraError lists the names."""
        rows = dict(_rows(asdict(self)))
        if name not in rows:
            raise InfraError(f"there is no output {name}; there are: {', '.join(rows)}")
        return str(rows[name])

    def as_text(self) -> str:
        """One line for each value, such as `buckets.uploads  darkroom-local-uploads`."""
        rows = dict(_rows(asdict(self)))
        width = max(map(len, rows))
        return "\n".join(f"{name:<{width}}  {value}" for name, value in rows.items())


def _by_service(found: Mapping[str, str], services: list[str], kind: str) -> dict[str, str]:
    ids = {service: logical(service, kind) for service in services}
    return {service: found[name] for service, name in ids.items() if name in found}


def _rows(values: Mapping[str, object], prefix: str = "") -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    for name, value in values.items():
        nested = _rows(value, f"{prefix}{name}.") if isinstance(value, dict) else None
        rows += [(f"{prefix}{name}", value)] if nested is None else nested
    return rows


def _deploy_command(stage: Stage) -> str:
    return "make local-up" if stage.local else f"python -m infra deploy --stage {stage.name}"
