"""Create ``.venv``, the environment that the project runs in. The Makefile runs this first.

An older Python must be able to parse this file, to print which version is needed.
"""

import sys

from infra.errors import InfraError

OLDEST = (3, 11)


def main() -> int:
    """Return 0 once the environment exists; else print one line on stderr and return 1."""
    if sys.version_info < OLDEST:
        version = "{}.{} ({})".format(*sys.version_info[:2], sys.executable)
        return _fail(
            f"Darkroom needs Python 3.11 or newer, this is {version}: make PYTHON=python3.13"
        )
    # an older Python cannot parse this module
    from infra.environments import VENV, Environment  # noqa: PLC0415 - see above

    try:
        Environment("Darkroom", VENV, "dev").ensure(lambda line: print(line, flush=True))
    except InfraError as error:
        return _fail(str(error))
    return 0


def _fail(line: str) -> int:
    print(f"error: {line}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
