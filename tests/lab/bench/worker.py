"""Run one engine in a process: read one JSON line per job, and write one JSON line per result.

In: ``path`` of the original, ``form`` of the renditions, and ``output``, the prefix of the files to
write. Out: ``cpu``, user and system time of the job with its children, s; ``peak``, bytes.
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
        job = json.loads(line)
        original = Path(job["path"]).read_bytes()
        before = cpu()
        renditions = work(original, job["form"])
        result = {"cpu": cpu() - before, "peak": peak()}
        if job["output"]:
            for n, body in enumerate(renditions):
                Path(f"{job['output']}-{n}").write_bytes(body)
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


def cpu() -> float:
    """User and system time of this process and of its children that have ended, s."""
    own, of_children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + of_children.ru_utime + of_children.ru_stime


def peak() -> int:
    """Peak resident memory, bytes.

    From ``/proc`` where it exists: getrusage includes the peak of the parent process.
    """
    if not STATUS.exists():  # macOS, where getrusage counts bytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    words = STATUS.read_text().split()
    return int(words[words.index("VmHWM:") + 1]) * 1024


if __name__ == "__main__":
    main(sys.argv[1])
