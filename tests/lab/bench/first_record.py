"""Start a function as Lambda's runtime does: import the handler, and call it with an event.

``python -I -S -B first_record.py FOLDERS HANDLER EVENT [MODULE…]``: folders separated as in PATH,
the module with ``handle``, a file with the event, and modules to import before. The last line of
the output is the result.
"""

import os
import sys


class Context:
    """The part of Lambda's context that the functions read."""

    function_name = aws_request_id = invoked_function_arn = "first"
    memory_limit_in_mb = 512

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
folders, handler, event, *before = sys.argv[1:]
sys.path[:0] = folders.split(os.pathsep)

from importlib import import_module  # noqa: E402 - after sys.path is set

for module in before:
    import_module(module)
handle = import_module(handler).handle

import json  # noqa: E402 - as Lambda's runtime does

with open(event) as file:  # noqa: PTH123 - pathlib is not what is measured
    answer = handle(json.load(file), Context())
print(json.dumps(answer), flush=True)  # noqa: T201 - this is how it answers
os._exit(0)  # do not measure the shutdown
