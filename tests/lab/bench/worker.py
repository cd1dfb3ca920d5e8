"""A process in which one engine works: a line of JSON in, a line of JSON out, until the end.

In: ``path`` of the original, ``form`` of the renditions, and ``keep``, where they are written to.
Out: ``cpu``, seconds of user and system time of the work, children included; ``peak``, bytes.
"""

import json
import resource
import sys
from importlib import import_module
from pathlib import Path

STATUS = Path("/proc/self/status")


def main(engine: str) -> None:
    work = import_module(f"tests.lab.bench.engines.{engine}").work
    for line in sys.stdin:
        asked = json.loads(line)
        original = Path(asked["path"]).read_bytes()
        before = cpu()
        made = work(original, asked["form"])
        answer = {"cpu": cpu() - before, "peak": peak()}
        if asked["keep"]:
            for n, body in enumerate(made):
                Path(f"{asked['keep']}-{n}").write_bytes(body)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def cpu() -> float:
    """Seconds of user and system time, of this process and of its children that have ended."""
    own, of_children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + of_children.ru_utime + of_children.ru_stime


def peak() -> int:
    """The most bytes that were resident. From ``/proc`` where there is one: getrusage begins with
    the peak of the process that started this one.
    """
    if not STATUS.exists():  # macOS, where getrusage counts bytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    words = STATUS.read_text().split()
    return int(words[words.index("VmHWM:") + 1]) * 1024


if __name__ == "__main__":
    main(sys.argv[1])
