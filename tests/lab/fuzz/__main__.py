"""Processes mutated files of the corpus: the result must be renditions or a refusal.

``python -m tests.lab.fuzz --seconds 60 [--seed N]`` prints the files per second and their results.
On any other error, or above the memory limit, it stores the file and exits with status 1.
"""

# ruff: noqa: T201 - a command prints
import argparse
import random
import resource
import struct
import sys
import time
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from services.resize.logic import Limits, MetadataPolicy, Refusal, Spec, develop
from shared.errors import PermanentError
from tests.corpus import cases

FAILURES = Path(__file__).parents[3] / "build" / "fuzz"
SPECS = [Spec("thumbnail", 64)]
LIMITS = Limits(pixels=4_000_000, memory=128 * 1024**2)
"""Low limits show early that a decoder takes more than its header suggests."""

BASE_MEMORY = 256 * 1024**2
"""Bytes for the interpreter, the libraries and the corpus, in addition to the limit."""

MAX_SECONDS = 5
"""The most CPU time of this process for one file; its children have a limit of their own."""

MAX_BYTES = 200_000
"""The largest corpus file that is mutated; larger ones are slow and add nothing."""

MAX_MEMORY = 100
"""The most MB of a corpus case that is mutated; the others take seconds to generate."""

CODES = {refusal.code for refusal in Refusal}


class UnexpectedResult(Exception):
    """Processing ended with neither renditions nor a refusal, or took too much memory."""


def main() -> int:
    arguments = read_arguments()
    chance = random.Random(arguments.seed)
    seeds = list(originals())
    results: Counter[str] = Counter()
    start = time.monotonic()
    while time.monotonic() < start + arguments.seconds:
        original = mutated(chance.choice(seeds), chance)
        try:
            results[result(original)] += 1
        except UnexpectedResult as error:
            print(f"error: {error.__cause__ or error!r}; stored as {store(original)}")
            return 1
    report(results, time.monotonic() - start, arguments.seed)
    return 0


def originals() -> Iterator[bytes]:
    """The files of the corpus that reach a decoder, including small bombs."""
    for case in cases():
        decoded = case.becomes not in {Refusal.EMPTY, Refusal.NOT_AN_IMAGE}
        if decoded and case.memory <= MAX_MEMORY:
            body = case.make()
            if len(body) < MAX_BYTES:
                yield body


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="duration (60)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the mutations (1)")
    return parser.parse_args()


def mutated(body: bytes, chance: random.Random) -> bytes:
    """One to six edits, most of them near the start, where the header is."""
    changed = bytearray(body)
    for _ in range(chance.randint(1, 6)):
        at = int(len(changed) * chance.random() ** 3)
        chance.choice(EDITS)(changed, at, chance)
    return bytes(changed)


def _overwrite(body: bytearray, at: int, chance: random.Random) -> None:
    written = chance.choice((chance.randbytes(chance.randint(1, 8)), b"\0" * 4, b"\xff" * 4))
    body[at : at + len(written)] = written


def _retag(body: bytearray, at: int, chance: random.Random) -> None:
    """Write an entry of an EXIF or TIFF directory over one, if there are any."""
    order = chance.choice("<>")
    known = struct.pack(order + "H", chance.choice(TAGS))
    place = body.find(known, at) if known in body else at
    entry = struct.pack(
        order + "HHII",
        chance.choice(TAGS),
        chance.choice((1, 2, 3, 4, 5, 7, 10, 12, 13, 16, 129)),
        chance.choice((0, 1, 3, 1000, len(body) // 8, 2**29, 2**32 - 1)),
        chance.choice((0, 8, 26, at, max(len(body) - 4, 0), 2**32 - 1)),
    )
    body[place : place + len(entry)] = entry


TAGS = (0x0112, 0x010F, 0x011A, 0x013B, 0x02BC, 0x8298, 0x83BB, 0x8769, 0x8825, 0x9003, 2, 4)
"""Orientation, maker, resolution, artist, XMP, copyright, IPTC, directories, time, position."""


def _flip(body: bytearray, at: int, chance: random.Random) -> None:
    body[at : at + 1] = bytes(byte ^ 1 << chance.randrange(8) for byte in body[at : at + 1])


def _repeat(body: bytearray, at: int, chance: random.Random) -> None:
    body[at:at] = body[at : at + chance.randint(1, 64)]


def _remove(body: bytearray, at: int, chance: random.Random) -> None:
    del body[at : at + chance.randint(1, 64)]


EDITS = (_overwrite, _overwrite, _flip, _flip, _repeat, _remove, _retag)


def result(original: bytes) -> str:
    """``developed``, or the reason of a refusal. Raises UnexpectedResult."""
    start = time.process_time()
    try:
        developed = develop(original, SPECS, LIMITS, metadata=MetadataPolicy.COPYRIGHT)
        rendition = developed.renditions[0]
    except PermanentError as error:
        if error.reason not in CODES:
            raise UnexpectedResult(f"unknown reason {error.reason}") from None
        return within_limits(error.reason, start)
    except Exception as error:
        raise UnexpectedResult from error
    if max(rendition.width, rendition.height) > SPECS[0].side:
        raise UnexpectedResult(f"a rendition of {rendition.width} x {rendition.height}")
    return within_limits("developed", start)


def within_limits(name: str, start: float) -> str:
    if time.process_time() > start + MAX_SECONDS:
        raise UnexpectedResult(f"{time.process_time() - start:.1f} s of CPU time")
    if peak() > LIMITS.memory + BASE_MEMORY:
        raise UnexpectedResult(f"{peak():,} bytes of memory")
    return name


def peak() -> int:
    """Peak memory in bytes of this process or of a child that decoded."""
    kinds = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    return max(resource.getrusage(kind).ru_maxrss for kind in kinds) * 1024


def store(original: bytes) -> Path:
    FAILURES.mkdir(parents=True, exist_ok=True)
    path = FAILURES / sha256(original).hexdigest()[:16]
    path.write_bytes(original)
    return path


def report(results: Counter[str], seconds: float, seed: int) -> None:
    for name, count in results.most_common():
        print(f"{count:8,}  {name}")
    print(
        f"{results.total():,} files, {results.total() / seconds:.0f} files/s, "
        f"peak {peak() / 1024**2:.0f} MB, seed {seed}"
    )


if __name__ == "__main__":
    sys.exit(main())
