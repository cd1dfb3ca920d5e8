"""Makes the project's own virtual environment, ``.venv``. What the Makefile runs before all else.

Only the standard library can be imported here, and the file has to be readable for an older
Python, so that this one line can be told to whoever has one.
"""

import sys

from infra.errors import InfraError

WANTED = (3, 11)


def main() -> int:
    """0 once the environment is there; 1 after one line on stderr that says why it is not."""
    if sys.version_info < WANTED:
        found = "{}.{} ({})".format(*sys.version_info[:2], sys.executable)
        return _fail(
            f"Darkroom needs Python 3.11 or newer, this is {found}: make PYTHON=python3.13"
        )
    # an older Python could not read these
    from infra.environments import Environment  # noqa: PLC0415 - see above
    from infra.paths import LOCKS, ROOT  # noqa: PLC0415 - see above

    files = (LOCKS / "dev.txt", LOCKS / "rekognition.txt")
    try:
        Environment("Darkroom", ROOT / ".venv", files).ensure(lambda line: print(line, flush=True))
    except InfraError as error:
        return _fail(str(error))
    return 0


def _fail(line: str) -> int:
    print(f"error: {line}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
