"""The scheduled function's sweep, by hand: all of it at once, with another limit, or told only."""

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
    """``silence`` is longer than any queue, any back-off and any outage should take."""

    images: Images
    silence: timedelta

    def reap(self, say: Say, *, dry_run: bool) -> int:
        """Report every silent run and every lost upload to ``store``; how many there are.

        InfraError says what refused to be read; what was found until then is reported.
        """
        try:
            return self._reap(say, dry_run=dry_run)
        except DarkroomError as error:
            raise InfraError(error.detail) from error

    def _reap(self, say: Say, *, dry_run: bool) -> int:
        steps, found = self._steps(), 0
        for swept in steps.sweep():
            for report in swept.reports:
                say(f"{report.reason}: {report.image} run {report.run}  {report.source.key}")
            if not dry_run:
                steps.report(swept.reports)
            found += len(swept.reports)
        return found

    def _steps(self) -> Steps:
        outputs, client = self.images.outputs, self.images.clients.client
        return Steps(
            records=DynamoRecords(client("dynamodb"), outputs.table),
            uploads=S3Uploads(client("s3"), outputs.buckets["uploads"]),
            bus=SnsBus(client("sns"), outputs.topics["events"]),
            now=self.images.clock,
            silence=self.silence,
        )
