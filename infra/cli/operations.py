"""The operator's commands: replay, delete, quarantine, release, dead-letters, reap, audit,
restore, trace, logs.
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
from infra.operations import replay as asking
from infra.operations.audit import Audit
from infra.operations.dead_letters import DeadLetters, listing
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
GIVES_UP = {"step.failed.v1", "image.failed.v1"}
"""Events of a service at whose stage an image can fail; ``store`` fails a superseded run."""


def register(subcommands: "Subcommands") -> None:
    """Add the options."""
    _add_replay(subcommands)
    delete = options.add(subcommands, "delete", _delete, "delete images for good")
    delete.add_argument("image", nargs="+")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    options.add(subcommands, "quarantine", _quarantine, "list what waits for somebody's look")
    release = options.add(subcommands, "release", _release, "publish quarantined images")
    release.add_argument("image", nargs="+")
    release.add_argument("--dry-run", action="store_true", help="only list them")
    letters = options.add(subcommands, "dead-letters", _dead_letters, "list what rescue kept")
    letters.add_argument("--replay", action="store_true", help="do what helps each of them")
    reap = options.add(subcommands, "reap", _reap, "report silent runs and lost uploads")
    reap.add_argument(
        "--silence", type=span, default=timedelta(hours=24), help="such as 30m; default: 24h"
    )
    reap.add_argument("--dry-run", action="store_true", help="only list them")
    options.add(subcommands, "audit", _audit, "list objects that no record accounts for")
    restored = options.add(
        subcommands, "restore", _restore, "copy restored records into the stage's empty table"
    )
    restored.add_argument("table", help="the table that the backup was restored into")
    trace = options.add(subcommands, "trace", _trace, "show one image's way, hop by hop")
    trace.add_argument("image", type=image_id)
    trace.add_argument("--json", action="store_true", help="for scripts")
    _add_logs(subcommands)


def _add_replay(subcommands: "Subcommands") -> None:
    summary = "begin new runs from the originals"
    parser = options.add(subcommands, "replay", _replay, summary, deployment=("--deployment",))
    parser.add_argument("image", nargs="*")
    parser.add_argument("--failed", action="store_true", help="every image that failed")
    parser.add_argument("--since", type=span, help="with --failed: ended within, such as 1h")
    parser.add_argument(
        "--stage",
        dest="failed_at",
        metavar="STAGE",
        help="with --failed: at this stage of the pipeline",
    )
    parser.add_argument("--reason", help="with --failed: for this reason, such as throttled")
    parser.add_argument(
        "--analyze-only", action="store_true", help="keep what is published, only ask anew"
    )
    parser.add_argument("--analyzer", metavar="NAME", help="with --analyze-only: who is asked")
    parser.add_argument("--force", action="store_true", help="give up runs still at work")
    parser.add_argument("--dry-run", action="store_true", help="only list them")
    parser.add_argument("--rate", type=float, default=10.0, help="images a second; default: 10")


def _add_logs(subcommands: "Subcommands") -> None:
    parser = options.add(subcommands, "logs", _logs, "show what the functions log, newest last")
    parser.add_argument("service", nargs="*", help="default: all")
    parser.add_argument("--image", type=image_id, help="only what is about this one")
    parser.add_argument(
        "--since", type=span, default=timedelta(minutes=10), help="such as 30m; default: 10m"
    )
    parser.add_argument("--follow", action="store_true", help="go on as lines come (Ctrl-C ends)")
    parser.add_argument("--json", action="store_true", help="every line as it is, for scripts")


def span(word: str) -> timedelta:
    """A length of time such as 90s, 30m, 1h or 7d."""
    if not re.fullmatch(r"\d+[smhd]", word):
        raise argparse.ArgumentTypeError(f"{word!r} is no length of time such as 30m, 1h or 7d")
    return timedelta(**{UNITS[word[-1]]: int(word[:-1])})


def image_id(word: str) -> str:
    """An image's id, as notifications and the API give it."""
    if not re.fullmatch(UUID_TEXT, word):
        raise argparse.ArgumentTypeError(
            f"{word!r} is no image's id: that is what a notification or a result calls its image"
        )
    return word


def images_of(arguments: argparse.Namespace) -> Images:
    stage, clients = options.stage_and_clients(arguments)
    return Images(Outputs.read(stage, clients), clients)


def _replay(arguments: argparse.Namespace) -> None:
    _refuse_what_makes_no_sense(arguments)
    images = images_of(arguments)
    wanted = asking.Wanted(
        arguments.since, arguments.failed_at, arguments.reason, published=arguments.analyze_only
    )
    records = (
        list(asking.failed(images, wanted))
        if arguments.failed
        else [images.record(image) for image in arguments.image]
    )
    asking.replay(
        images,
        records,
        say,
        asking.How(arguments.force, arguments.analyze_only, arguments.analyzer),
        dry_run=arguments.dry_run,
        rate=arguments.rate,
    )
    say(f"{len(records)} in all; make follow shows how they end")


def _refuse_what_makes_no_sense(arguments: argparse.Namespace) -> None:
    if bool(arguments.image) == arguments.failed:
        raise InfraError("name the images to replay, or --failed for all that failed")
    narrower = (arguments.since, arguments.failed_at, arguments.reason)
    if not arguments.failed and narrower != (None, None, None):
        raise InfraError("--since, --stage and --reason choose among --failed images")
    if arguments.failed_at is not None:
        _refuse_another_stage(arguments.failed_at)
    if arguments.analyzer is not None:
        _refuse_another_analyzer(arguments.analyzer, arguments.analyze_only)
    if arguments.rate <= 0:
        raise InfraError("--rate is a number of images a second, above 0")


def _refuse_another_stage(name: str) -> None:
    """`--stage` is the pipeline's here, as in a notification's attribute of that name."""
    known = [one.name for one in definitions() if one.queued and GIVES_UP & set(one.publishes)]
    if name in known:
        return
    meant = f"; if you mean the deployment: --deployment {name}" if _is_deployment(name) else ""
    raise InfraError(f"no image fails at {name!r}, but at one of: {', '.join(known)}{meant}")


def _refuse_another_analyzer(name: str, analyze_only: bool) -> None:
    if not analyze_only:
        raise InfraError("--analyzer says who is asked with --analyze-only")
    if name not in list(Analyzer):
        raise InfraError(f"there is no analyzer {name!r}; choose one of: {', '.join(Analyzer)}")


def _is_deployment(name: str) -> bool:
    return name in {path.stem for path in stages.FOLDER.glob("*.toml")}


def _delete(arguments: argparse.Namespace) -> None:
    images = images_of(arguments)
    records = [images.record(image) for image in arguments.image]
    if not arguments.yes and not _agreed(len(records)):
        raise InfraError("nothing was deleted")
    asking.delete(images, records, say)


def _agreed(number: int) -> bool:
    if not sys.stdin.isatty():
        raise InfraError("deleting is final; say --yes")
    return input(f"Delete {number} with originals and all? [y/N] ").strip().lower() == "y"


def _quarantine(arguments: argparse.Namespace) -> None:
    images = images_of(arguments)
    records = quarantine.quarantined(images)
    for line in quarantine.listing(records, images.outputs.buckets["processed"]):
        say(line)
    say(f"{len(records)} quarantined")


def _release(arguments: argparse.Namespace) -> None:
    images = images_of(arguments)
    records = [images.record(image) for image in arguments.image]
    quarantine.release(images, records, say, dry_run=arguments.dry_run)


def _dead_letters(arguments: argparse.Namespace) -> None:
    kept = DeadLetters(images_of(arguments))
    letters = kept.all()
    if not arguments.replay:
        say("\n".join(listing(letters)))
        return
    helped = sum(kept.replay(letter, say) for letter in letters)
    say(f"{helped} of {len(letters)} dead letters replayed")


def _reap(arguments: argparse.Namespace) -> None:
    reaper = Reaper(images_of(arguments), arguments.silence)
    found = reaper.reap(say, dry_run=arguments.dry_run)
    say(f"{found} {'found' if arguments.dry_run else 'reported'}")


def _restore(arguments: argparse.Namespace) -> None:
    stage, clients = options.stage_and_clients(arguments)
    outputs = Outputs.read(stage, clients)
    copied = restore(arguments.table, outputs.table, clients.client("dynamodb"), say)
    say(f"{copied:,} items are in {outputs.table}; docs/upgrading.md says what comes next")


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
        print("nothing was logged in that time; --since 2h looks further back", file=sys.stderr)
