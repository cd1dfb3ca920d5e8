"""Run the command line: `python -m infra <command>`."""

import sys

try:
    from infra.cli.main import main
except ModuleNotFoundError as missing:  # not the interpreter that make sets up
    sys.exit(
        f"error: {missing.name} is not installed in {sys.executable}; "
        "run: .venv/bin/python -m infra (make demo sets it up)"
    )

if __name__ == "__main__":
    sys.exit(main())
