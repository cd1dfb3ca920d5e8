"""Mutated corpus files into the picture work: renditions or a named error, and nothing else.

``python -m tests.lab.fuzz --seconds 60 [--seed N]`` prints files a second and what became of them. It
ends with 1, and keeps the offending file, when anything else happens or memory passes the limit.
"""

# ruff: noqa: T201 - a command prints
import argparse
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from services.resize.logic import Limits, Refusal, Spec, develop
from shared.errors import PermanentError
from tests.corpus import cases

KEPT = Path(__file__).parents[3] / "build" / "fuzz"
SPECS = [Spec("thumbnail", 64)]
LIMITS = Limits(pixels=4_000_000, memory=128 * 1024**2)
"""Small, so that a decoder that takes more than its header promises is soon seen."""

ROOM = 256 * 1024**2
"""Bytes that interpreter, libraries and the corpus take beside what decoding may."""

LONGEST = 200_000
"""Bytes of a corpus file that is mutated; the longer ones say nothing more, and slowly."""

MOST_MEMORY = 100
"""MB of a case of the corpus; the others take seconds to make, and are too long."""

CODES = {refusal.code for refusal in Refusal}


class Offence(Exception):
    """The picture work ended in a way that it must not end in."""


def main() -> int:
    asked = read_arguments()
    chance = random.Random(asked.seed)
    seeds = list(originals())
    ends: Counter[str] = Counter()
    start = time.monotonic()
    while time.monotonic() < start + asked.seconds:
        original = mutated(chance.choice(seeds), chance)
        try:
            ends[end(original)] += 1
        except Offence as offence:
            print(f"error: {offence.__cause__ or offence!r}; kept as {keep(original)}")
            return 1
    report(ends, time.monotonic() - start, asked.seed)
    return 0


def originals() -> Iterator[bytes]:
    """The corpus, small bombs among it, but for what no decoder ever gets to see."""
    for case in cases():
        seen = case.becomes not in {Refusal.EMPTY, Refusal.NOT_AN_IMAGE}
        if seen and case.memory <= MOST_MEMORY:
            body = case.make()
            if len(body) < LONGEST:
                yield body


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long (60)")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations (1)")
    return parser.parse_args()


def mutated(body: bytes, chance: random.Random) -> bytes:
    """One to six edits, most of them near the beginning, where a picture's header is."""
    changed = bytearray(body)
    for _ in range(chance.randint(1, 6)):
        at = int(len(changed) * chance.random() ** 3)
        chance.choice(EDITS)(changed, at, chance)
    return bytes(changed)


def _overwrite(body: bytearray, at: int, chance: random.Random) -> None:
    written = chance.choice((chance.randbytes(chance.randint(1, 8)), b"\0" * 4, b"\xff" * 4))
    body[at : at + len(written)] = written


def _flip(body: bytearray, at: int, chance: random.Random) -> None:
    body[at : at + 1] = bytes(byte ^ 1 << chance.randrange(8) for byte in body[at : at + 1])


def _repeat(body: bytearray, at: int, chance: random.Random) -> None:
    body[at:at] = body[at : at + chance.randint(1, 64)]


def _remove(body: bytearray, at: int, chance: random.Random) -> None:
    del body[at : at + chance.randint(1, 64)]


EDITS = (_overwrite, _overwrite, _flip, _flip, _repeat, _remove)


def end(original: bytes) -> str:
    """``developed``, or the reason; raises Offence for any other end."""
    try:
        made = develop(original, SPECS, LIMITS).renditions[0]
    except PermanentError as error:
        if error.reason not in CODES:
            raise Offence(f"unknown reason {error.reason}") from None
        return within_memory(error.reason)
    except Exception as error:
        raise Offence from error
    if max(made.width, made.height) > SPECS[0].side:
        raise Offence(f"a rendition of {made.width} x {made.height}")
    return within_memory("developed")


def within_memory(ending: str) -> str:
    if peak() > LIMITS.memory + ROOM:
        raise Offence(f"{peak():,} bytes of memory")
    return ending


def peak() -> int:
    """Bytes that this process, or a child that decoded, has held at most."""
    kinds = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return max(resource.getrusage(kind).ru_maxrss for kind in kinds) * 1024


def keep(original: bytes) -> Path:
    KEPT.mkdir(parents=True, exist_ok=True)
    path = KEPT / sha256(original).hexdigest()[:16]
    path.write_bytes(original)
    return path


def report(ends: Counter[str], seconds: float, seed: int) -> None:
    for ending, times in ends.most_common():
        print(f"{times:8,}  {ending}")
    print(
        f"{ends.total():,} files, {ends.total() / seconds:.0f} files/s, "
        f"peak {peak() / 1024**2:.0f} MB, seed {seed}"
    )


if __name__ == "__main__":
    sys.exit(main())
