"""The local Rekognition's command line: `serve` it, or fetch its `models`."""

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

from infra.local.rekognition import models
from infra.local.rekognition.operations import rekognition
from infra.local.rekognition.packages import ModelsError
from infra.local.rekognition.server import Server

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
    signal.signal(signal.SIGTERM, _stop)
    models.ensure(options.models, say)
    service = rekognition(options.models, options.threads)
    with Server((options.host, options.port), service) as server:
        say(f"local Rekognition answers {', '.join(service.operations)} at {server.url}")
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    say("stopped")


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _cannot_listen(error: OSError, options: argparse.Namespace) -> str:
    where = f"{options.host}:{options.port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is taken by another process; choose another with --port"
    return f"cannot listen on {where}: {error.strerror or error}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.local.rekognition", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(commands.add_parser("serve", help="answer Rekognition's calls over HTTP"))
    fetching = commands.add_parser("models", help="fetch the models' weights into the cache")
    _add_models_option(fetching)
    fetching.set_defaults(command=fetch)
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
    parser.set_defaults(command=serve)


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
