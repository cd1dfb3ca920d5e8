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
from infra.local.demo import demo, report, require_success
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
    """Add the commands. Those that start the environment work on this machine only; the others
    work on any stage.
    """
    _add_local(subcommands, "up", _up, "start the local environment and deploy to it")
    summary = "stop the local environment; its data is lost"
    subcommands.add_parser("down", help=summary, description=summary).set_defaults(run=_down)
    parser = _add_local(subcommands, "demo", _demo, "process one photo and show each step")
    sample = ROOT / SAMPLE
    parser.add_argument("photo", nargs="?", type=Path, default=sample, help="default: a cat")
    _add_follow(subcommands)
    _add_upload(subcommands)
    options.add(subcommands, "status", _status, "show the depth of the queues")


def _add_local(
    subcommands: "Subcommands", name: str, run: options.Run, summary: str
) -> argparse.ArgumentParser:
    parser = subcommands.add_parser(name, help=summary, description=summary)
    choices = ("auto", "docker", "ministack")
    parser.add_argument(
        "--emulator",
        choices=choices,
        default="auto",
        help="default: auto, Docker if its engine answers",
    )
    parser.add_argument(
        "--port", type=_port, default=4566, help="default: 4566; the next port is used too"
    )
    parser.set_defaults(run=run)
    return parser


def _port(text: str) -> int:
    """A port that needs no privilege and is followed by another one."""
    if text.isdecimal() and FIRST_PORT <= int(text) < LAST_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is not a number from {FIRST_PORT} to {LAST_PORT - 1}")


def _add_follow(subcommands: "Subcommands") -> None:
    parser = options.add(subcommands, "follow", _follow, "print notifications as they arrive")
    parser.add_argument("--once", action="store_true", help="stop after the first notification")
    parser.add_argument("--json", action="store_true", help="print the notifications as JSON")


def _add_upload(subcommands: "Subcommands") -> None:
    parser = options.add(subcommands, "upload", _upload, "copy a file into the uploads bucket")
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", help="default: the file's name")
    parser.add_argument("--owner", help="the image's owner; subscribers can filter on it")
    parser.add_argument("--focal", help="the point that crops show: 0.3,0.7 of width and height")


def _up(arguments: argparse.Namespace) -> None:
    with _stoppable("interrupted; everything that was just started is stopped"):
        emulator, outputs = _start(arguments)
        page = _page(outputs, lifecycle.clients_on(arguments.port))
    print()
    print("\n".join(how_to_use(outputs, page, emulator.name, emulator.this_machine)))


def _page(outputs: Outputs, clients: Clients) -> str:
    """The page's address, or why there is none; everything else works without the page."""
    try:
        return publish(build(options.say), outputs.addresses["api"], outputs, clients)
    except InfraError as error:
        return f"none: {error}"


def _start(arguments: argparse.Namespace) -> tuple[Emulator, Outputs]:
    emulator = choose(arguments.emulator, arguments.port, RealPrograms(), options.say)
    return emulator, lifecycle.up(emulator, arguments.port, options.say)


def _down(_: argparse.Namespace) -> None:
    lifecycle.down(RealPrograms(), options.say)


def _demo(arguments: argparse.Namespace) -> None:
    if not arguments.photo.is_file():
        raise InfraError(f"there is no file {arguments.photo}")
    with _stoppable("interrupted"):
        emulator, outputs = _start(arguments)
        clients = lifecycle.clients_on(arguments.port)
        result = demo(arguments.photo, outputs, clients, emulator.image_timeout, options.say)
    print("\n".join(report(result, outputs, Style.of(sys.stdout))))
    require_success(result.notification)


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
        sys.stderr.close()  # the reader of the pipe ended, as `head` does


def _upload(arguments: argparse.Namespace) -> None:
    stage, clients = options.stage_and_clients(arguments)
    outputs = Outputs.read(stage, clients)
    key = arguments.key or arguments.file.name
    print(upload(arguments.file, key, arguments.owner, outputs, clients, focal=arguments.focal))
    print("to see the result, run in another terminal: make follow", file=sys.stderr)


def _status(arguments: argparse.Namespace) -> None:
    stage, clients = options.stage_and_clients(arguments)
    outputs = Outputs.read(stage, clients)
    print(f"stage {outputs.stage} at {outputs.endpoint or 'AWS'} ({outputs.region})")
    print("\n".join(depth_table(depths(outputs, clients))))


@contextmanager
def _stoppable(message: str | None) -> Iterator[None]:
    """Interrupt the block on Ctrl-C and on SIGTERM, so that it can clean up.

    Then raise InfraError with `message`, or return normally if it is None.
    """
    # A background job of a script inherits an ignored SIGINT, and Python does not change that.
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, signal.default_int_handler) for number in signals}
    try:
        yield
    except KeyboardInterrupt as error:
        if message:
            raise InfraError(message) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
