"""Operator commands: replay, delete, quarantine, release, dead-letters, reap, audit, restore,
trace, logs.
"""

import argparse
import re
import sys
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from infra.cli import options
from infra.cli.options import say
from infra.config import stages
from infra.config.definitions import definitions
from infra.deploy.outputs import Outputs
from infra.errors import InfraError
from infra.operations import quarantine
from infra.operations import replay as replay_module
from infra.operations.audit import Audit
from infra.operations.dead_letters import DeadLetters, lines_by_reason
from infra.operations.images import Images
from infra.operations.logs import Line, Logs
from infra.operations.reap import Reaper
from infra.operations.restore import restore
from infra.operations.trace import Trace
from infra.terminal import Style
from services.analyze.logic import Analyzer
from shared.contracts.envelope import UUID_TEXT

if TYPE_CHECKING:
    from infra.cli.options import Subcommands

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
FAILURES = {"step.failed.v1", "image.failed.v1"}
"""A service that publishes one of these can be the stage of a failure: a step by
``step.failed.v1``, ``store`` by ``image.failed.v1``, which also ends a superseded run."""


def register(subcommands: "Subcommands") -> None:
    """Add the commands."""
    _add_replay(subcommands)
    delete = options.add(subcommands, "delete", _delete, "delete images for good")
    delete.add_argument("image", nargs="+")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    options.add(subcommands, "quarantine", _quarantine, "list quarantined images for review")
    release = options.add(subcommands, "release", _release, "publish quarantined images")
    release.add_argument("image", nargs="+")
    release.add_argument("--dry-run", action="store_true", help="only list them")
    letters = options.add(subcommands, "dead-letters", _dead_letters, "list the dead letters")
    letters.add_argument("--replay", action="store_true", help="replay and delete them")
    reap = options.add(subcommands, "reap", _reap, "report stuck runs and missed uploads")
    reap.add_argument(
        "--silence",
        type=span,
        default=timedelta(hours=24),
        help="time without an event, such as 30m; default: 24h",
    )
    reap.add_argument("--dry-run", action="store_true", help="only list them")
    options.add(subcommands, "audit", _audit, "list objects that no record accounts for")
    restored = options.add(
        subcommands, "restore", _restore, "copy restored records into the stage's empty table"
    )
    restored.add_argument("table", help="the table that the backup was restored into")
    trace = options.add(subcommands, "trace", _trace, "show the timeline of one image")
    trace.add_argument("image", type=image_id)
    trace.add_argument("--json", action="store_true", help="print JSON")
    _add_logs(subcommands)


def _add_replay(subcommands: "Subcommands") -> None:
    summary = "process originals again, in new runs"
    parser = options.add(subcommands, "replay", _replay, summary, deployment=("--deployment",))
    parser.add_argument("image", nargs="*")
    parser.add_argument("--failed", action="store_true", help="every failed image")
    parser.add_argument("--since", type=span, help="with --failed: failed within, such as 1h")
    parser.add_argument(
        "--stage",
        dest="failed_at",
        metavar="STAGE",
        help="with --failed: failed at this stage of the pipeline",
    )
    parser.add_argument("--reason", help="with --failed: failed for this reason, e.g. throttled")
    parser.add_argument(
        "--analyze-only", action="store_true", help="reuse the renditions, repeat the analysis"
    )
    parser.add_argument("--analyzer", metavar="NAME", help="with --analyze-only: the analyzer")
    parser.add_argument("--force", action="store_true", help="replace runs that are processing")
    parser.add_argument("--dry-run", action="store_true", help="only list them")
    parser.add_argument("--rate", type=float, default=10.0, help="images a second; default: 10")


def _add_logs(subcommands: "Subcommands") -> None:
    parser = options.add(subcommands, "logs", _logs, "show the logs of the functions, newest last")
    parser.add_argument("service", nargs="*", help="default: all")
    parser.add_argument("--image", type=image_id, help="only lines about this image")
    parser.add_argument(
        "--since", type=span, default=timedelta(minutes=10), help="such as 30m; default: 10m"
    )
    parser.add_argument("--follow", action="store_true", help="show new lines until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="print every line unchanged, as JSON")


def span(text: str) -> timedelta:
    """Parse a duration such as 90s, 30m, 1h or 7d."""
    if not re.fullmatch(r"\d+[smhd]", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration such as 30m, 1h or 7d")
    return timedelta(**{UNITS[text[-1]]: int(text[:-1])})


def image_id(text: str) -> str:
    """Check an image id, as it appears in notifications and in the API."""
    if not re.fullmatch(UUID_TEXT, text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an image id: see `image` in a notification or a result"
        )
    return text


def images_of(arguments: argparse.Namespace) -> Images:
    stage, clients = options.stage_and_clients(arguments)
    return Images(Outputs.read(stage, clients), clients)


def _replay(arguments: argparse.Namespace) -> None:
    _check_replay_options(arguments)
    images = images_of(arguments)
    selection = replay_module.FailedFilter(
        arguments.since, arguments.failed_at, arguments.reason, published=arguments.analyze_only
    )
    records = (
        list(replay_module.failed_records(images, selection))
        if arguments.failed
        else [images.record(image) for image in arguments.image]
    )
    replay_module.replay(
        images,
        records,
        say,
        replay_module.ReplayOptions(arguments.force, arguments.analyze_only, arguments.analyzer),
        dry_run=arguments.dry_run,
        rate=arguments.rate,
    )
    say(f"images: {len(records)}; to see the results, run: make follow")


def _check_replay_options(arguments: argparse.Namespace) -> None:
    if bool(arguments.image) == arguments.failed:
        raise InfraError("name the images to replay, or use --failed for all failed images")
    filters = (arguments.since, arguments.failed_at, arguments.reason)
    if not arguments.failed and filters != (None, None, None):
        raise InfraError("--since, --stage and --reason can be used with --failed only")
    if arguments.failed_at is not None:
        _check_stage(arguments.failed_at)
    if arguments.analyzer is not None:
        _check_analyzer(arguments.analyzer, arguments.analyze_only)
    if arguments.rate <= 0:
        raise InfraError("--rate is a number of images a second, above 0")


def _check_stage(name: str) -> None:
    """Here `--stage` is a stage of the pipeline, as in a notification's attribute `stage`."""
    names = [
        definition.name
        for definition in definitions()
        if definition.queued and FAILURES & set(definition.publishes)
    ]
    if name in names:
        return
    hint = f"; to name the deployment, use: --deployment {name}" if _is_deployment(name) else ""
    raise InfraError(f"no image fails at {name!r}; choose from: {', '.join(names)}{hint}")


def _check_analyzer(name: str, analyze_only: bool) -> None:
    if not analyze_only:
        raise InfraError("--analyzer can be used with --analyze-only only")
    if name not in list(Analyzer):
        raise InfraError(f"there is no analyzer {name!r}; choose from: {', '.join(Analyzer)}")


def _is_deployment(name: str) -> bool:
    return name in {path.stem for path in stages.FOLDER.glob("*.toml")}


def _delete(arguments: argparse.Namespace) -> None:
    images = images_of(arguments)
    records = [images.record(image) for image in arguments.image]
    if not arguments.yes and not _confirmed(len(records)):
        raise InfraError("nothing was deleted")
    replay_module.delete(images, records, say)


def _confirmed(number: int) -> bool:
    if not sys.stdin.isatty():
        raise InfraError("deletion is final, and this is not a terminal: confirm it with --yes")
    question = f"Delete {number} images, with their originals and all results? [y/N] "
    return input(question).strip().lower() == "y"


def _quarantine(arguments: argparse.Namespace) -> None:
    images = images_of(arguments)
    records = quarantine.quarantined(images)
    for line in quarantine.quarantine_lines(records, images.outputs.buckets["processed"]):
        say(line)
    say(f"{len(records)} quarantined")


def _release(arguments: argparse.Namespace) -> None:
    images = images_of(arguments)
    records = [images.record(image) for image in arguments.image]
    quarantine.release(images, records, say, dry_run=arguments.dry_run)


def _dead_letters(arguments: argparse.Namespace) -> None:
    dead_letters = DeadLetters(images_of(arguments))
    letters = dead_letters.all()
    if not arguments.replay:
        say("\n".join(lines_by_reason(letters)))
        return
    replayed = sum(dead_letters.replay(letter, say) for letter in letters)
    say(f"{replayed} of {len(letters)} dead letters replayed")


def _reap(arguments: argparse.Namespace) -> None:
    reaper = Reaper(images_of(arguments), arguments.silence)
    count = reaper.reap(say, dry_run=arguments.dry_run)
    say(f"{count} {'found' if arguments.dry_run else 'reported'}")


def _restore(arguments: argparse.Namespace) -> None:
    stage, clients = options.stage_and_clients(arguments)
    outputs = Outputs.read(stage, clients)
    copied = restore(arguments.table, outputs.table, clients.client("dynamodb"), say)
    say(f"{copied:,} items copied to {outputs.table}; next steps: docs/upgrading.md")


def _audit(arguments: argparse.Namespace) -> None:
    orphans = list(Audit(images_of(arguments)).orphans())
    for key in orphans:
        say(key)
    if orphans:
        raise InfraError(f"{len(orphans)} objects that no record accounts for")
    say("every object is accounted for")


def _trace(arguments: argparse.Namespace) -> None:
    stage, clients = options.stage_and_clients(arguments)
    trace = Trace.read(arguments.image, Outputs.read(stage, clients), clients)
    lines = [trace.as_json()] if arguments.json else trace.as_lines(Style.of(sys.stdout))
    print("\n".join(lines))


def _logs(arguments: argparse.Namespace) -> None:
    stage, clients = options.stage_and_clients(arguments)
    logs = Logs.of(Outputs.read(stage, clients), clients, arguments.service)
    since = time.time() - arguments.since.total_seconds()
    lines: Iterable[Line]
    if arguments.follow:
        lines = logs.follow(since, arguments.image)
    else:
        lines = logs.lines(since, image=arguments.image)
    try:
        _print_lines(lines, Style.of(sys.stdout), as_json=arguments.json)
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        sys.stderr.close()  # the reader of the pipe ended, as `head` does


def _print_lines(lines: Iterable[Line], style: Style, *, as_json: bool) -> None:
    count = 0
    for line in lines:
        if as_json:
            say(line.as_json())
        elif line.worth_reading:
            say(line.readable(style))
        count += 1
    if not count:
        print("no log lines in this period; try --since 2h", file=sys.stderr)
