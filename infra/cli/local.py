"""The commands of the local environment: up, down, demo, follow, upload, status."""

import argparse
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from infra.cli import options
from infra.clients import Clients
from infra.deploy.outputs import Outputs
from infra.deploy.page import build
from infra.errors import InfraError
from infra.local import lifecycle
from infra.local.aws_lines import SAMPLE, how_to_use
from infra.local.demo import demo, refuse_failure, report
from infra.local.diagnosis import depth_table, depths
from infra.local.docker import RealPrograms
from infra.local.emulator import Emulator, choose
from infra.local.follow import follow, line
from infra.local.page import publish
from infra.local.subscription import subscribed
from infra.local.upload import upload
from infra.paths import ROOT
from infra.terminal import Style

if TYPE_CHECKING:
    from infra.cli.options import Subcommands

FIRST_PORT, LAST_PORT = 1024, 65535


def register(subcommands: "Subcommands") -> None:
    """Add the options. Those that start the environment are for this machine alone; the others
    work on any stage.
    """
    _add_local(subcommands, "up", _up, "start the local environment and deploy to it")
    subcommands.add_parser("down", help="stop it; what it held is forgotten").set_defaults(
        run=_down
    )
    shown = _add_local(subcommands, "demo", _demo, "send a photo through, and show what happens")
    sample = ROOT / SAMPLE
    shown.add_argument("photo", nargs="?", type=Path, default=sample, help="default: a cat")
    _add_follow(subcommands)
    _add_upload(subcommands)
    options.add(subcommands, "status", _status, "show what is deployed, and what waits in queues")


def _add_local(
    subcommands: "Subcommands", name: str, run: options.Run, summary: str
) -> argparse.ArgumentParser:
    parser = subcommands.add_parser(name, help=summary, description=summary)
    wishes = ("auto", "docker", "ministack")
    parser.add_argument(
        "--emulator", choices=wishes, default="auto", help="auto: Docker where an engine answers"
    )
    parser.add_argument(
        "--port", type=_port, default=4566, help="default: 4566; the next is taken too"
    )
    parser.set_defaults(run=run)
    return parser


def _port(word: str) -> int:
    """A port that needs no privilege, and that has a next one."""
    if word.isdecimal() and FIRST_PORT <= int(word) < LAST_PORT:
        return int(word)
    raise argparse.ArgumentTypeError(f"{word} is no number from {FIRST_PORT} to {LAST_PORT - 1}")


def _add_follow(subcommands: "Subcommands") -> None:
    parser = options.add(subcommands, "follow", _follow, "print notifications as they come")
    parser.add_argument("--once", action="store_true", help="end after the first")
    parser.add_argument("--json", action="store_true", help="as they are sent, for scripts")


def _add_upload(subcommands: "Subcommands") -> None:
    parser = options.add(subcommands, "upload", _upload, "copy a file into the uploads bucket")
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", help="default: the file's name")
    parser.add_argument("--owner", help="whose it is; subscribers can filter on it")


def _up(arguments: argparse.Namespace) -> None:
    with _stoppable("interrupted: nothing that was just started is left running"):
        emulator, outputs = _brought_up(arguments)
        page = _page(outputs, lifecycle.clients_on(arguments.port))
    print()
    print("\n".join(how_to_use(outputs, page, emulator.name, emulator.this_machine)))


def _page(outputs: Outputs, clients: Clients) -> str:
    """The page's address, or why there is none: everything else works without it."""
    try:
        return publish(build(options.say), outputs.addresses["api"], outputs, clients)
    except InfraError as error:
        return f"none: {error}"


def _brought_up(arguments: argparse.Namespace) -> tuple[Emulator, Outputs]:
    emulator = choose(arguments.emulator, arguments.port, RealPrograms(), options.say)
    return emulator, lifecycle.up(emulator, arguments.port, options.say)


def _down(_: argparse.Namespace) -> None:
    lifecycle.down(RealPrograms(), options.say)


def _demo(arguments: argparse.Namespace) -> None:
    if not arguments.photo.is_file():
        raise InfraError(f"there is no file {arguments.photo}")
    with _stoppable("interrupted"):
        emulator, outputs = _brought_up(arguments)
        clients = lifecycle.clients_on(arguments.port)
        seen = demo(arguments.photo, outputs, clients, emulator.patience, options.say)
    print("\n".join(report(seen, outputs, Style.of(sys.stdout))))
    refuse_failure(seen.told)


def _follow(arguments: argparse.Namespace) -> None:
    stage, clients = options.stage_and_clients(arguments)
    outputs = Outputs.read(stage, clients)
    style = Style.of(sys.stdout)
    show: Callable[[str], str] = str if arguments.json else lambda body: line(body, style)
    try:
        with _stoppable(None), subscribed(outputs, clients) as subscription:
            print(f"following {outputs.topics['notifications']} (Ctrl-C ends)", file=sys.stderr)
            follow(subscription, show, options.say, once=arguments.once)
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone, as `head` does; nothing more can be said to it


def _upload(arguments: argparse.Namespace) -> None:
    stage, clients = options.stage_and_clients(arguments)
    outputs = Outputs.read(stage, clients)
    key = arguments.key or arguments.file.name
    print(upload(arguments.file, key, arguments.owner, outputs, clients))
    print("make follow, started in another terminal, shows how uploads end", file=sys.stderr)


def _status(arguments: argparse.Namespace) -> None:
    stage, clients = options.stage_and_clients(arguments)
    outputs = Outputs.read(stage, clients)
    print(f"stage {outputs.stage} at {outputs.endpoint or 'AWS'} ({outputs.region})")
    print("\n".join(depth_table(depths(outputs, clients))))


@contextmanager
def _stoppable(as_error: str | None) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM alike end what runs inside, so that it can tidy up.

    Outside it is then an InfraError, or, without words for one, just over.
    """
    # A script's background job inherits SIGINT ignored; Python then leaves it so.
    stops = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, signal.default_int_handler) for number in stops}
    try:
        yield
    except KeyboardInterrupt as error:
        if as_error:
            raise InfraError(as_error) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
