"""Renditions beside sharp, naive Pillow and the floor: CPU time, quality and memory.

All engines create the same renditions of the same originals (``profile``). sharp is measured as it
is commonly used, once for each rendition, and as a cascade like ours.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import Image

from tests.lab.bench import inputs, quality, sharp
from tests.lab.bench.contest import Command, Engine, cpu, first_peak, python, started
from tests.lab.bench.engines import naive
from tests.lab.bench.inputs import Original
from tests.lab.bench.profile import SIDES
from tests.lab.bench.row import Row, at_least, at_most, without_goal

Say = Callable[[str], None]
Commands = Mapping[str, Command]

AREA = "renditions"
ROUNDS, FEW_ROUNDS = 5, 3
GOAL_ROUNDS = 11
"""Rounds for figures with a goal; with five, other load moved a ratio by up to a tenth."""

MOST_MEMORY = 125
"""The goal for a process whose first picture has 48 MP, MB."""

TOLERANCE = 0.002
"""How much lower than naive Pillow's the SSIM of a rendition may be."""

GOALS: Mapping[tuple[str, str], Mapping[int, float]] = {
    ("ours", "sharp, each"): {12: 0.40, 24: 0.40, 48: 0.40},
    ("ours", "sharp, cascade"): {12: 0.80, 24: 0.80, 48: 0.80},
    ("ours", "floor"): {12: 1.7, 48: 1.3},
    ("ours without SIMD", "naive Pillow"): {12: 0.60, 24: 0.35, 48: 0.35},
    ("ours without SIMD", "sharp, each"): {24: 1.0, 48: 1.0},
}
"""The goals for our CPU time as a share of the peer's, by megapixels."""

WITHOUT_SHARP = frozenset({"HEIC"})
"""Formats that sharp's own build cannot open; HEVC is patented."""


def rows(progress: Say, quick: bool) -> Iterator[Row]:
    peers = {
        "naive Pillow": python("naive"),
        "sharp, each": sharp.command("each", progress),
        "sharp, cascade": sharp.command("cascade", progress),
        "floor": python("floor"),
    }
    ours = {"ours without SIMD": python("ours_without_simd")}
    if find_spec("cykooz_resizer"):
        ours = {"ours": python("ours")} | ours
    with started(ours | peers) as engines:
        yield from _jpegs(quick, engines, FEW_ROUNDS if quick else GOAL_ROUNDS, progress)
        yield from _others(quick, engines, FEW_ROUNDS if quick else ROUNDS, progress)
        yield from _quality(engines, progress)
    yield from _memory(ours, peers, progress)


def _jpegs(quick: bool, engines: list[Engine], rounds: int, say: Say) -> Iterator[Row]:
    for megapixels in (12, 48) if quick else (1, 4, 12, 24, 48):
        say(f"JPEG of {megapixels} MP")
        original = inputs.jpeg(megapixels)
        taken = cpu(engines, original, rounds)
        for mine in (name for name in taken if name.startswith("ours")):
            for peer in (name for name in taken if not name.startswith("ours")):
                goal = GOALS.get((mine, peer), {}).get(megapixels)
                yield _row(original, mine, peer, taken, goal)


def _others(quick: bool, engines: list[Engine], rounds: int, say: Say) -> Iterator[Row]:
    """All other kinds, beside naive Pillow and sharp, without goals."""
    for name, make in inputs.others().items():
        if quick and name not in {"JPEG, P3, turned", "WebP"}:
            continue
        say(f"{name} of 12 MP")
        original = make()
        without = {"floor", "ours without SIMD"}
        without |= {"sharp, each", "sharp, cascade"} if name in WITHOUT_SHARP else set()
        taken = cpu([engine for engine in engines if engine.name not in without], original, rounds)
        mine = next(name for name in taken if name.startswith("ours"))
        for peer in taken:
            if peer != mine:
                yield _row(original, mine, peer, taken, None)


def _row(
    original: Original, mine: str, peer: str, taken: Mapping[str, float], goal: float | None
) -> Row:
    case = original.name if mine == "ours" else f"{original.name}, without SIMD"
    facts: Any = {"area": AREA, "case": case, "peer_name": peer, "unit": "ms CPU"}
    mine_ms, peer_ms = taken[mine] * 1000, taken[peer] * 1000
    if goal is None:
        return without_goal(**facts, ours=mine_ms, peer=peer_ms)
    return at_most(goal, **facts, ours=mine_ms, peer=peer_ms)


def _quality(engines: list[Engine], say: Say) -> Iterator[Row]:
    say("quality")
    for original in (inputs.jpeg(12), inputs.jpeg(24), inputs.jpeg(48)):
        references = _references(original)
        bodies_by_engine = {
            engine.name: _renditions(engine, original)
            for engine in engines
            if engine.name.startswith(("ours", "naive"))
        }
        theirs = bodies_by_engine.pop("naive Pillow")
        for name, bodies in bodies_by_engine.items():
            for n, side in enumerate(SIDES):
                case = f"{original.name} to {side} px{'' if name == 'ours' else ', without SIMD'}"
                yield _similarity(case, bodies[n], theirs[n], references[n])
                yield at_least(
                    0.95,
                    area=AREA,
                    case=f"{case}: sharpness",
                    ours=quality.sharpness(bodies[n]),
                    peer=quality.sharpness(theirs[n]),
                    peer_name="naive Pillow",
                    unit="Laplacian",
                )


def _similarity(case: str, body: bytes, theirs: bytes, reference: Image.Image) -> Row:
    """The similarity to the picture shrunk by Lanczos, uncompressed.

    Its goal is a difference to naive Pillow's; all other goals are quotients.
    """
    ours, peer = (quality.ssim(rendition, reference) for rendition in (body, theirs))
    return Row(
        area=AREA,
        case=f"{case}: SSIM",
        ours=ours,
        peer=peer,
        peer_name="naive Pillow",
        ratio=ours / peer,
        goal=f"≥ peer - {TOLERANCE}",
        met=ours >= peer - TOLERANCE,
        unit="SSIM",
    )


def _references(original: Original) -> list[Image.Image]:
    whole = naive.whole(original.path.read_bytes())
    return [naive.shrunk(whole, side) for side in SIDES]


def _renditions(engine: Engine, original: Original) -> list[bytes]:
    with tempfile.TemporaryDirectory(prefix="darkroom-bench-") as home:
        engine.work(original, Path(home) / "out")
        return [(Path(home) / f"out-{n}").read_bytes() for n in range(len(SIDES))]


def _memory(ours: Commands, peers: Commands, say: Say) -> Iterator[Row]:
    say("memory of a first job")
    original = inputs.jpeg(48)
    theirs = first_peak("sharp, each", peers["sharp, each"], original) / 1e6
    for name, command in ours.items():
        case = f"{original.name}, the first{'' if name == 'ours' else ', without SIMD'}"
        held = first_peak(name, command, original) / 1e6
        facts: Any = {"area": AREA, "case": case, "ours": held, "unit": "MB"}
        yield at_most(1.0, peer=MOST_MEMORY, peer_name="the limit", **facts)
        yield without_goal(peer=theirs, peer_name="sharp, each", **facts)
