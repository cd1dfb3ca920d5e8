"""Run the timeout sweep by hand: the whole table at once, with another limit, or as a dry run."""

from dataclasses import dataclass
from datetime import timedelta

from infra.errors import InfraError
from infra.operations.images import Images
from infra.terminal import Say
from services.reap.steps import Steps
from services.reap.uploads import S3Uploads
from shared.bus import SnsBus
from shared.errors import DarkroomError
from shared.records import DynamoRecords


@dataclass(frozen=True)
class Reaper:
    """Runs the sweep of the ``reap`` service.

    ``silence`` is the time without an event after which a run counts as stuck. It must exceed
    queueing, backoff and outages.
    """

    images: Images
    silence: timedelta

    def reap(self, say: Say, *, dry_run: bool) -> int:
        """Report every stuck run and every missed upload to ``store``; returns their number.

        InfraError if AWS refuses a read; everything found before that is reported.
        """
        try:
            return self._reap(say, dry_run=dry_run)
        except DarkroomError as error:
            raise InfraError(error.detail) from error

    def _reap(self, say: Say, *, dry_run: bool) -> int:
        steps, count = self._steps(), 0
        for swept in steps.sweep():
            for report in swept.reports:
                say(f"{report.reason}: {report.image} run {report.run}  {report.source.key}")
            if not dry_run:
                steps.report(swept.reports)
            count += len(swept.reports)
        return count

    def _steps(self) -> Steps:
        outputs, client = self.images.outputs, self.images.clients.client
        return Steps(
            records=DynamoRecords(client("dynamodb"), outputs.table),
            uploads=S3Uploads(client("s3"), outputs.buckets["uploads"]),
            bus=SnsBus(client("sns"), outputs.topics["events"]),
            now=self.images.clock,
            silence=self.silence,
        )
