"""The timeline of one image in the terminal: `python -m infra trace IMAGE`.

The tables hold the record and when each event was received and completed. The logs add attempts
that failed and compensations. Without logs, those are missing.
"""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from infra.clients import Clients
from infra.deploy.outputs import Outputs
from infra.errors import InfraError
from infra.operations.images import Images
from infra.operations.logs import GOOD, Line, Logs
from infra.terminal import Style, table
from services.api.models import CompensatedRun
from services.api.records import DynamoTables
from services.api.views import compensated_runs
from shared.contracts.record import Record, Run
from shared.hops import TimelineHop, hops

MARGIN = 60.0
"""s by which the clocks of tables and logs may differ, and a log line may be late."""
IN_TABLES = frozenset({"done", "gave-up"})
"""The outcomes of an attempt that the ledger records too, if the service claims its events."""


@dataclass(frozen=True)
class TraceStep:
    """One hop from the tables, or one attempt that only the log shows. Durations in seconds."""

    at: float
    """When it began, in epoch seconds."""
    service: str
    event_type: str
    event_id: str
    run: int
    waited: float | None
    worked: float | None
    attempts: int | None
    outcome: str
    reason: str = ""

    @classmethod
    def of_hop(cls, hop: TimelineHop) -> "TraceStep":
        worked = None if hop.service == "store" else hop.worked
        return cls(
            hop.began,
            hop.service,
            hop.type,
            hop.event,
            hop.run,
            hop.waited,
            worked,
            hop.attempts,
            hop.state,
        )

    @classmethod
    def of_line(cls, line: Line) -> "TraceStep":
        fields = line.fields
        worked = fields["Duration"] / 1000
        retry = f", retry in {fields['seconds']:.0f} s" if "seconds" in fields else ""
        return cls(
            line.at - worked,
            line.service,
            fields["event_type"],
            fields["event_id"],
            fields["run"],
            None,
            worked,
            fields.get("attempts"),
            fields["outcome"],
            f"{fields.get('reason', '')}{retry}".removeprefix(", "),
        )


@dataclass(frozen=True)
class Trace:
    """The history of one image. ``record`` is None until ``store`` has handled its first event."""

    image: str
    record: Record | None
    steps: tuple[TraceStep, ...]

    @classmethod
    def read(cls, image: str, outputs: Outputs, clients: Clients) -> "Trace":
        """Read the tables and the logs; InfraError if the image is unknown."""
        record = Images(outputs, clients).find(image)
        from_tables = read_hops(image, outputs, clients)
        if record is None and not from_tables:
            raise InfraError(
                f"no image {image} in stage {outputs.stage}; `.venv/bin/python -m infra replay "
                "--failed --dry-run` lists failed images, and the API's /results lists all"
            )
        from_logs = _logged_attempts(image, record, from_tables, outputs, clients)
        return cls(image, record, merged(from_tables, from_logs))

    def as_json(self) -> str:
        document = {
            "image": self.image,
            "record": self.record and self.record.model_dump(mode="json"),
            "steps": [{**asdict(step), "at": _iso(step.at)} for step in self.steps],
            "compensated": [run.model_dump(mode="json") for run in self._compensated],
        }
        return json.dumps(document, indent=2)

    def as_lines(self, style: Style) -> list[str]:
        sections = {
            "Image": self._about(),
            "Timeline": self._timeline(style),
            "Compensated": [
                f"  run {run.run}: {', '.join(_removed(run))}" for run in self._compensated
            ],
        }
        lines: list[str] = []
        for title, section in sections.items():
            lines += [*([""] if lines else []), style.bold(title), *section] if section else []
        return lines

    @property
    def _compensated(self) -> Sequence[CompensatedRun]:
        return compensated_runs(self.record) if self.record else ()

    def _about(self) -> list[str]:
        rows = [("id", self.image)]
        if self.record:
            source = self.record.source
            rows += [("original", f"s3://{source.bucket}/{source.key}, {source.bytes:,} bytes")]
            rows += [
                (f"run {number}", _run_summary(self.record, number, run))
                for number, run in sorted(self.record.runs.items())
            ]
            if self.record.deleted:
                rows += [("deleted", _iso(self.record.deleted.timestamp()))]
        return table(rows, "<<")

    def _timeline(self, style: Style) -> list[str]:
        start = min((step.at - (step.waited or 0) for step in self.steps), default=0.0)
        head = ("after", "service", "event", "run", "waited", "worked", "attempt", "outcome")
        rows = [head, *(_row(step, start) for step in self.steps)]
        lines = table(rows, "><<>>>><")
        return [
            lines[0],
            *(
                line if step.outcome in GOOD else style.bad(line)
                for line, step in zip(lines[1:], self.steps, strict=True)
            ),
        ]


def read_hops(image: str, outputs: Outputs, clients: Clients) -> tuple[TimelineHop, ...]:
    """Every hop of the image that the tables hold now."""
    tables = DynamoTables(
        clients.client("dynamodb"), outputs.tables["records"], outputs.tables["ledger"]
    )
    return hops(tables.events(image), tables.claims(image), time.time())


def merged(from_tables: Iterable[TimelineHop], from_logs: Iterable[Line]) -> tuple[TraceStep, ...]:
    """The hops of the tables and the attempts that only the logs show, ordered by their start."""
    from_tables = tuple(from_tables)
    in_tables = {(hop.service, hop.event) for hop in from_tables}
    only_logged = [
        line
        for line in from_logs
        if line.fields["outcome"] not in IN_TABLES
        or (line.service, line.fields["event_id"]) not in in_tables
    ]
    steps = [*map(TraceStep.of_hop, from_tables), *map(TraceStep.of_line, only_logged)]
    return tuple(sorted(steps, key=lambda step: step.at))


def _logged_attempts(
    image: str,
    record: Record | None,
    from_tables: Sequence[TimelineHop],
    outputs: Outputs,
    clients: Clients,
) -> list[Line]:
    """Every logged attempt for this image, from its first hop on."""
    runs = record.runs.values() if record else ()
    first = min([hop.began for hop in from_tables] + [run.started.timestamp() for run in runs])
    lines = Logs.of(outputs, clients).lines(first - MARGIN, image=image)
    return [line for line in lines if line.fields.get("message") == "hop"]


def _run_summary(record: Record, number: int, run: Run) -> str:
    parts = [record.status(number).value, f"began {_iso(run.started.timestamp())}"]
    if run.ended:
        parts += [f"took {_span((run.ended - run.started).total_seconds())}"]
    if record.published == number:
        parts += ["published" + (", quarantined" if record.quarantined else "")]
    if run.failure:
        failure = run.failure
        cause = f"{failure.stage}: {failure.reason}: {failure.detail}"
        parts += [f"{cause} (fault: {failure.fault.value})"]
    return ", ".join(parts)


def _removed(run: CompensatedRun) -> Iterator[str]:
    if run.renditions:
        yield f"renditions {', '.join(run.renditions)}"
    if run.analysis:
        yield "analysis"


def _row(step: TraceStep, start: float) -> tuple[str, ...]:
    return (
        f"+{_span(step.at - start)}",
        step.service,
        step.event_type,
        str(step.run),
        _span(step.waited),
        _span(step.worked),
        "" if step.attempts is None else str(step.attempts),
        f"{step.outcome}: {step.reason}" if step.reason else step.outcome,
    )


def _span(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{1000 * seconds:,.0f} ms" if seconds < 10 else f"{seconds:,.1f} s"  # noqa: PLR2004 - either can be read


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
