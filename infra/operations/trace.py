"""One image's way in the terminal: `python -m infra trace IMAGE`.

The tables say what became of it and when each event was taken up and settled; the logs say what the
tables do not keep: tries that failed, and what was undone. Without logs, those are missing.
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
"""s by which the clocks of tables and logs may differ, and a log line may come late."""
IN_TABLES = frozenset({"done", "gave-up"})
"""The outcome of a try that the ledger knows too, if its service claims."""


@dataclass(frozen=True)
class Step:
    """One hop as the tables know it, or one try that only the log knows. Seconds."""

    at: float
    """Epoch: when it began."""
    service: str
    answers: str
    event: str
    run: int
    waited: float | None
    worked: float | None
    attempts: int | None
    outcome: str
    why: str = ""

    @classmethod
    def of_hop(cls, hop: TimelineHop) -> "Step":
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
    def of_line(cls, line: Line) -> "Step":
        said = line.fields
        worked = said["Duration"] / 1000
        back = f", again in {said['seconds']:.0f} s" if "seconds" in said else ""
        return cls(
            line.at - worked,
            line.service,
            said["event_type"],
            said["event_id"],
            said["run"],
            None,
            worked,
            said.get("attempts"),
            said["outcome"],
            f"{said.get('reason', '')}{back}".removeprefix(", "),
        )


@dataclass(frozen=True)
class Trace:
    """Everything known of one image. ``record`` is None before ``store`` has heard of it."""

    image: str
    record: Record | None
    steps: tuple[Step, ...]

    @classmethod
    def read(cls, image: str, outputs: Outputs, clients: Clients) -> "Trace":
        """InfraError if nobody knows this image."""
        record = Images(outputs, clients).find(image)
        kept = read_hops(image, outputs, clients)
        if record is None and not kept:
            raise InfraError(
                f"no image {image} in stage {outputs.stage}; infra replay --failed --dry-run lists "
                "those that failed, and the API's /results all"
            )
        return cls(image, record, merged(kept, _tries(image, record, kept, outputs, clients)))

    def as_json(self) -> str:
        said = {
            "image": self.image,
            "record": self.record and self.record.model_dump(mode="json"),
            "steps": [{**asdict(step), "at": _iso(step.at)} for step in self.steps],
            "compensated": [each.model_dump(mode="json") for each in self._undone],
        }
        return json.dumps(said, indent=2)

    def as_lines(self, style: Style) -> list[str]:
        parts = {
            "Image": self._about(),
            "Timeline": self._timeline(style),
            "Undone": [f"  run {each.run}: {', '.join(_what(each))}" for each in self._undone],
        }
        lines: list[str] = []
        for head, part in parts.items():
            lines += [*([""] if lines else []), style.bold(head), *part] if part else []
        return lines

    @property
    def _undone(self) -> Sequence[CompensatedRun]:
        return compensated_runs(self.record) if self.record else ()

    def _about(self) -> list[str]:
        rows = [("id", self.image)]
        if self.record:
            source = self.record.source
            rows += [("original", f"s3://{source.bucket}/{source.key}, {source.bytes:,} bytes")]
            rows += [
                (f"run {number}", _became(self.record, number, run))
                for number, run in sorted(self.record.runs.items())
            ]
            if self.record.deleted:
                rows += [("deleted", _iso(self.record.deleted.timestamp()))]
        return table(rows, "<<")

    def _timeline(self, style: Style) -> list[str]:
        start = min((step.at - (step.waited or 0) for step in self.steps), default=0.0)
        head = ("after", "service", "answers", "run", "waited", "worked", "try", "outcome")
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
    """Every hop of the image, as the tables know it now."""
    tables = DynamoTables(
        clients.client("dynamodb"), outputs.tables["records"], outputs.tables["ledger"]
    )
    return hops(tables.events(image), tables.claims(image), time.time())


def merged(kept: Iterable[TimelineHop], tries: Iterable[Line]) -> tuple[Step, ...]:
    """What the tables know, and the tries that only the log knows, in the order they began."""
    kept = tuple(kept)
    known = {(hop.service, hop.event) for hop in kept}
    alone = [
        line
        for line in tries
        if line.fields["outcome"] not in IN_TABLES
        or (line.service, line.fields["event_id"]) not in known
    ]
    steps = [*map(Step.of_hop, kept), *map(Step.of_line, alone)]
    return tuple(sorted(steps, key=lambda step: step.at))


def _tries(
    image: str,
    record: Record | None,
    kept: Sequence[TimelineHop],
    outputs: Outputs,
    clients: Clients,
) -> list[Line]:
    """Every try that was logged about this image, from its first hop on."""
    runs = record.runs.values() if record else ()
    first = min([hop.began for hop in kept] + [run.started.timestamp() for run in runs])
    found = Logs.of(outputs, clients).lines(first - MARGIN, image=image)
    return [line for line in found if line.fields.get("message") == "hop"]


def _became(record: Record, number: int, run: Run) -> str:
    words = [record.status(number).value, f"began {_iso(run.started.timestamp())}"]
    if run.ended:
        words += [f"took {_span((run.ended - run.started).total_seconds())}"]
    if record.published == number:
        words += ["published" + (", quarantined" if record.quarantined else "")]
    if run.failure:
        why = run.failure
        words += [f"{why.stage}: {why.reason}: {why.detail} (fault: {why.fault.value})"]
    return ", ".join(words)


def _what(gone: CompensatedRun) -> Iterator[str]:
    if gone.renditions:
        yield f"renditions {', '.join(gone.renditions)}"
    if gone.analysis:
        yield "analysis"


def _row(step: Step, start: float) -> tuple[str, ...]:
    return (
        f"+{_span(step.at - start)}",
        step.service,
        step.answers,
        str(step.run),
        _span(step.waited),
        _span(step.worked),
        "" if step.attempts is None else str(step.attempts),
        f"{step.outcome}: {step.why}" if step.why else step.outcome,
    )


def _span(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{1000 * seconds:,.0f} ms" if seconds < 10 else f"{seconds:,.1f} s"  # noqa: PLR2004 - either can be read


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
