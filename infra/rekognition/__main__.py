"""The local Rekognition's command line: `serve` it, fetch its `models`, or `bench` it."""

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

from infra.rekognition import bench, models
from infra.rekognition.faults import Plan
from infra.rekognition.fixtures import Fixtures
from infra.rekognition.networks import Networks
from infra.rekognition.operations import looking, recording, replaying
from infra.rekognition.packages import ModelsError
from infra.rekognition.server import Server
from infra.rekognition.services import Services
from infra.rekognition.sources import Sources

DEFAULT_PORT: Final = 4567
INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit status is 0, or 1 after one line on stderr that says why.

    130, as shells have it, when it was interrupted before it was done.
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
    """Progress and errors go to stderr, a line at a time, at once."""
    print(line, file=sys.stderr, flush=True)


def fetch(options: argparse.Namespace) -> None:
    """Leave the weights in the cache; say what is there, from where, and under which licences."""
    models.ensure(options.models, say)
    print(models.notice())
    print(models.table(options.models))
    say(f"models are in {options.models}")


def serve(options: argparse.Namespace) -> None:
    """Fetch what is missing, then answer until told to stop (SIGINT, SIGTERM)."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    # A script's background job inherits SIGINT ignored; Python then leaves it so.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    services = _services(options)
    with Server((options.host, options.port), services) as server:
        say(f"local Rekognition answers {', '.join(services.offered)} at {server.url}")
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    say("stopped")


def _services(options: argparse.Namespace) -> Services:
    """Recorded answers need no weights; all else does."""
    least, most = options.latency
    plan = Plan(options.throttle, options.fail, least, most, options.seed)
    sources = Sources()
    if options.fixtures:
        return replaying(Fixtures(options.fixtures, sources), plan)
    models.ensure(options.models, say)
    networks = Networks(options.models, options.threads)
    if options.record:
        return recording(networks, Fixtures(options.record, sources), sources, plan)
    return looking(networks, sources, plan)


def measure(options: argparse.Namespace) -> None:
    """Print how fast and how large it is; the weights are fetched first."""
    models.ensure(options.models, say)
    report = bench.bench(options.models, options.rounds)
    print(report.as_json() if options.json else report.as_table())


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _cannot_listen(error: OSError, options: argparse.Namespace) -> str:
    where = f"{options.host}:{options.port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is taken by another process; choose another with --port"
    return f"cannot listen on {where}: {error.strerror or error}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.rekognition", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(commands.add_parser("serve", help="answer Rekognition's calls over HTTP"))
    fetching = commands.add_parser("models", help="fetch the models' weights into the cache")
    _add_models_option(fetching)
    fetching.set_defaults(command=fetch)
    _add_bench(commands.add_parser("bench", help="measure time and memory, on one core"))
    return parser


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="port; 0 takes a free one (%(default)s)"
    )
    parser.add_argument(
        "--threads", type=int, default=1, help="threads each model computes on (%(default)s)"
    )
    _add_models_option(parser)
    _add_fixtures(parser.add_mutually_exclusive_group())
    _add_faults(parser.add_argument_group("misbehaving on purpose"))
    parser.set_defaults(command=serve)


def _add_fixtures(group: argparse._MutuallyExclusiveGroup) -> None:
    group.add_argument(
        "--fixtures", type=_folder, metavar="DIR", help="give recorded answers; needs no models"
    )
    group.add_argument(
        "--record", type=Path, metavar="DIR", help="keep every answer, for --fixtures"
    )


def _add_faults(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--throttle", type=_share, default=0.0, metavar="SHARE", help="of calls, 0 to 1"
    )
    group.add_argument("--fail", type=_share, default=0.0, metavar="SHARE", help="of calls, 0 to 1")
    group.add_argument(
        "--latency",
        type=_latency,
        default=(0.0, 0.0),
        metavar="MS",
        help="that each call takes longer; 50-400 for anything between",
    )
    group.add_argument("--seed", type=int, default=0, help="of the above (%(default)s)")


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no folder")
    return Path(text)


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return share


def _latency(text: str) -> tuple[float, float]:
    """In seconds, from milliseconds or a range of them."""
    least, _, most = text.partition("-")
    seconds = float(least) / 1000, float(most or least) / 1000
    if seconds[0] > seconds[1]:
        raise argparse.ArgumentTypeError(f"{text} begins above its end")
    return seconds


def _add_bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rounds", type=int, default=10, help="calls that the median is of (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    _add_models_option(parser)
    parser.set_defaults(command=measure)


def _add_models_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--models",
        type=Path,
        default=models.default_directory(),
        metavar="DIR",
        help="where the weights are cached (DARKROOM_MODELS, or %(default)s)",
    )


if __name__ == "__main__":
    sys.exit(main())
