"""Command line of the local Rekognition: `serve` runs it, `models` downloads its weights."""

import argparse
import errno
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from infra.rekognition import models
from infra.rekognition.faults import FaultPlan
from infra.rekognition.fixtures import Fixtures
from infra.rekognition.networks import Networks
from infra.rekognition.operations import live_services, recording_services, replaying_services
from infra.rekognition.packages import ModelsError
from infra.rekognition.server import Server
from infra.rekognition.services import Services
from infra.rekognition.sources import Sources

DEFAULT_PORT: Final = 4567
INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    0 on success, 1 after an error (one line on stderr says why), 130 after an interrupt.
    """
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], None] = options.command
    try:
        command(options)
    except ModelsError as error:
        say(str(error))
        return 1
    except OSError as error:
        say(_cannot_listen(error, options))
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    return 0


def say(line: str) -> None:
    """Print a line of progress, or an error, to stderr."""
    print(line, file=sys.stderr, flush=True)


def fetch(options: argparse.Namespace) -> None:
    """Download missing weights; print every weight's source, size and licence."""
    models.ensure(options.models, say)
    print(models.notice())
    print(models.table(options.models))
    say(f"models are in {options.models}")


def serve(options: argparse.Namespace) -> None:
    """Download missing weights, then serve requests until SIGINT or SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    # A script's background job inherits SIGINT ignored; Python then leaves it so.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    services = _services(options)
    with Server((options.host, options.port), services) as server:
        say(f"local Rekognition serves {', '.join(services.operations)} at {server.url}")
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    say("stopped")


def _services(options: argparse.Namespace) -> Services:
    """The services that the options ask for. Only replaying works without weights."""
    least, most = options.latency
    plan = FaultPlan(options.throttle, options.fail, least, most, options.seed)
    sources = Sources()
    if options.fixtures:
        return replaying_services(Fixtures(options.fixtures, sources), plan)
    models.ensure(options.models, say)
    networks = Networks(options.models, options.threads)
    if options.record:
        fixtures = Fixtures(options.record, sources)
        return recording_services(networks, fixtures, sources, plan)
    return live_services(networks, sources, plan)


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _cannot_listen(error: OSError, options: argparse.Namespace) -> str:
    address = f"{options.host}:{options.port}"
    if error.errno == errno.EADDRINUSE:
        return f"{address} is used by another process; choose another port with --port"
    return f"cannot listen on {address}: {error.strerror or error}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.rekognition", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(commands.add_parser("serve", help="serve Rekognition over HTTP"))
    fetch_parser = commands.add_parser("models", help="download the models' weights to the cache")
    _add_models_option(fetch_parser)
    fetch_parser.set_defaults(command=fetch)
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="port; 0 chooses a free one (%(default)s)"
    )
    parser.add_argument(
        "--threads", type=int, default=1, help="compute threads of each model (%(default)s)"
    )
    _add_models_option(parser)
    _add_fixtures(parser.add_mutually_exclusive_group())
    _add_faults(parser.add_argument_group("fault injection"))
    parser.set_defaults(command=serve)


def _add_fixtures(group: argparse._MutuallyExclusiveGroup) -> None:
    group.add_argument(
        "--fixtures", type=_folder, metavar="DIR", help="replay recorded responses; needs no models"
    )
    group.add_argument(
        "--record", type=Path, metavar="DIR", help="store every response, for --fixtures"
    )


def _add_faults(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--throttle",
        type=_share,
        default=0.0,
        metavar="SHARE",
        help="share of requests that are throttled, 0 to 1",
    )
    group.add_argument(
        "--fail",
        type=_share,
        default=0.0,
        metavar="SHARE",
        help="share of requests that fail with an internal error, 0 to 1",
    )
    group.add_argument(
        "--latency",
        type=_latency,
        default=(0.0, 0.0),
        metavar="MS",
        help="delay of each request; 50-400 for a random delay in this range",
    )
    group.add_argument("--seed", type=int, default=0, help="seed of the faults (%(default)s)")


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a folder")
    return Path(text)


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return share


def _latency(text: str) -> tuple[float, float]:
    """The least and most delay in seconds, from milliseconds or a range of them."""
    least, _, most = text.partition("-")
    seconds = float(least) / 1000, float(most or least) / 1000
    if seconds[0] > seconds[1]:
        raise argparse.ArgumentTypeError(f"{text} is not a range: its start exceeds its end")
    return seconds


def _add_models_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--models",
        type=Path,
        default=models.default_directory(),
        metavar="DIR",
        help="cache folder of the weights (DARKROOM_MODELS, or %(default)s)",
    )


if __name__ == "__main__":
    sys.exit(main())
