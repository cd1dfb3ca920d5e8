"""Fuzz the rendition code with mutated pictures: only renditions or a named error may result.

``python -m tests.lab.fuzz --seconds 60 [--seed N]`` prints the results and the files per second. On
any other result, or above the memory limit, it saves the file and exits with 1.
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

SAVED = Path(__file__).parents[3] / "build" / "fuzz"
SPECS = [Spec("thumbnail", 64)]
LIMITS = Limits(pixels=4_000_000, memory=128 * 1024**2)
"""Small limits, so that a decoder that exceeds its header's size is noticed early."""

ROOM = 256 * 1024**2
"""Memory of interpreter, libraries and corpus besides decoding, bytes."""

LONGEST = 200_000
"""The longest corpus file to mutate, bytes; longer ones are slow and find nothing more."""

MOST_MEMORY = 100
"""The largest corpus case, MB of memory; others take seconds to generate and are too long."""

CODES = {refusal.code for refusal in Refusal}


class Violation(Exception):
    """A result that must not occur."""


def main() -> int:
    options = read_arguments()
    chance = random.Random(options.seed)
    seeds = list(originals())
    results: Counter[str] = Counter()
    start = time.monotonic()
    while time.monotonic() < start + options.seconds:
        original = mutated(chance.choice(seeds), chance)
        try:
            results[result_of(original)] += 1
        except Violation as violation:
            print(f"error: {violation.__cause__ or violation!r}; saved as {save(original)}")
            return 1
    report(results, time.monotonic() - start, options.seed)
    return 0


def originals() -> Iterator[bytes]:
    """The corpus with small bombs, without files that no decoder reads."""
    for case in cases():
        decoded = case.becomes not in {Refusal.EMPTY, Refusal.NOT_AN_IMAGE}
        if decoded and case.memory <= MOST_MEMORY:
            body = case.make()
            if len(body) < LONGEST:
                yield body


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long (60)")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations (1)")
    return parser.parse_args()


def mutated(body: bytes, chance: random.Random) -> bytes:
    """One to six edits, most of them near the beginning, in the picture's header."""
    changed = bytearray(body)
    for _ in range(chance.randint(1, 6)):
        at = int(len(changed) * chance.random() ** 3)
        chance.choice(EDITS)(changed, at, chance)
    return bytes(changed)


def _overwrite(body: bytearray, at: int, chance: random.Random) -> None:
    bytes_written = chance.choice((chance.randbytes(chance.randint(1, 8)), b"\0" * 4, b"\xff" * 4))
    body[at : at + len(bytes_written)] = bytes_written


def _flip(body: bytearray, at: int, chance: random.Random) -> None:
    body[at : at + 1] = bytes(byte ^ 1 << chance.randrange(8) for byte in body[at : at + 1])


def _repeat(body: bytearray, at: int, chance: random.Random) -> None:
    body[at:at] = body[at : at + chance.randint(1, 64)]


def _remove(body: bytearray, at: int, chance: random.Random) -> None:
    del body[at : at + chance.randint(1, 64)]


EDITS = (_overwrite, _overwrite, _flip, _flip, _repeat, _remove)


def result_of(original: bytes) -> str:
    """``developed`` or the reason of a named error; raises Violation for any other result."""
    try:
        rendition = develop(original, SPECS, LIMITS).renditions[0]
    except PermanentError as error:
        if error.reason not in CODES:
            raise Violation(f"unknown reason {error.reason}") from None
        return within_memory(error.reason)
    except Exception as error:
        raise Violation from error
    if max(rendition.width, rendition.height) > SPECS[0].side:
        raise Violation(f"a rendition of {rendition.width} x {rendition.height}")
    return within_memory("developed")


def within_memory(result: str) -> str:
    if peak() > LIMITS.memory + ROOM:
        raise Violation(f"{peak():,} bytes of memory")
    return result


def peak() -> int:
    """Peak memory of this process or of a decoding child, bytes."""
    kinds = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return max(resource.getrusage(kind).ru_maxrss for kind in kinds) * 1024


def save(original: bytes) -> Path:
    SAVED.mkdir(parents=True, exist_ok=True)
    path = SAVED / sha256(original).hexdigest()[:16]
    path.write_bytes(original)
    return path


def report(results: Counter[str], seconds: float, seed: int) -> None:
    for result, times in results.most_common():
        print(f"{times:8,}  {result}")
    print(
        f"{results.total():,} files, {results.total() / seconds:.0f} files/s, "
        f"peak {peak() / 1024**2:.0f} MB, seed {seed}"
    )


if __name__ == "__main__":
    sys.exit(main())
