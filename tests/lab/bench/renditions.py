"""The picture work beside sharp, naive Pillow and the floor: CPU, quality, memory.

All make the same of the same originals (``profile``): three renditions and the picture for the
analysis. sharp is asked as it mostly is, once for each rendition, and as a cascade like ours.
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
from tests.lab.bench.row import Row, at_least, at_most, known

Say = Callable[[str], None]
Commands = Mapping[str, Command]

AREA = "renditions"
ROUNDS, FEW_ROUNDS = 5, 3
GOAL_ROUNDS = 11
"""Where there is a goal: with five, a neighbour at work moved a ratio by up to a tenth."""

MOST_MEMORY = 125
"""MB of a process that develops 48 MP as its first picture."""

UNLIKE = 0.002
"""How much further from the reference than naive Pillow's a rendition may be, in SSIM."""

GOALS: Mapping[tuple[str, str], Mapping[int, float]] = {
    ("ours", "sharp, each"): {12: 0.40, 24: 0.40, 48: 0.40},
    ("ours", "sharp, cascade"): {12: 0.80, 24: 0.80, 48: 0.80},
    ("ours", "floor"): {12: 1.7, 48: 1.3},
    ("ours without SIMD", "naive Pillow"): {12: 0.60, 24: 0.35, 48: 0.35},
    ("ours without SIMD", "sharp, each"): {24: 1.0, 48: 1.0},
}
"""How much of the peer's time ours may take, by megapixels."""

WITHOUT_SHARP = frozenset({"HEIC"})
"""What sharp's own build cannot open: HEVC is patented."""


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
    """All other kinds, beside naive Pillow and sharp; of these nothing was promised."""
    for name, make in inputs.others().items():
        if quick and name not in {"JPEG, P3, turned", "WebP"}:
            continue
        say(f"{name} of 12 MP")
        original = make()
        without = {"floor", "ours without SIMD"}
        without |= {"sharp, each", "sharp, cascade"} if name in WITHOUT_SHARP else set()
        taken = cpu([one for one in engines if one.name not in without], original, rounds)
        mine = next(one for one in taken if one.startswith("ours"))
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
        return known(**facts, ours=mine_ms, peer=peer_ms)
    return at_most(goal, **facts, ours=mine_ms, peer=peer_ms)


def _quality(engines: list[Engine], say: Say) -> Iterator[Row]:
    say("quality")
    for original in (inputs.jpeg(12), inputs.jpeg(24), inputs.jpeg(48)):
        references = _references(original)
        made = {
            engine.name: _kept(engine, original)
            for engine in engines
            if engine.name.startswith(("ours", "naive"))
        }
        theirs = made.pop("naive Pillow")
        for name, bodies in made.items():
            for n, side in enumerate(SIDES):
                case = f"{original.name} to {side} px{'' if name == 'ours' else ', without SIMD'}"
                yield _likeness(case, bodies[n], theirs[n], references[n])
                yield at_least(
                    0.95,
                    area=AREA,
                    case=f"{case}: sharpness",
                    ours=quality.sharpness(bodies[n]),
                    peer=quality.sharpness(theirs[n]),
                    peer_name="naive Pillow",
                    unit="Laplacian",
                )


def _likeness(case: str, body: bytes, theirs: bytes, reference: Image.Image) -> Row:
    """To the picture shrunk by Lanczos and never compressed; naive Pillow's is not so much nearer
    to that. A difference, where all other goals are quotients.
    """
    ours, peer = (quality.ssim(one, reference) for one in (body, theirs))
    return Row(
        area=AREA,
        case=f"{case}: likeness",
        ours=ours,
        peer=peer,
        peer_name="naive Pillow",
        ratio=ours / peer,
        goal=f"≥ peer - {UNLIKE}",
        met=ours >= peer - UNLIKE,
        unit="SSIM",
    )


def _references(original: Original) -> list[Image.Image]:
    whole = naive.whole(original.path.read_bytes())
    return [naive.shrunk(whole, side) for side in SIDES]


def _kept(engine: Engine, original: Original) -> list[bytes]:
    with tempfile.TemporaryDirectory(prefix="darkroom-bench-") as home:
        engine.work(original, Path(home) / "made")
        return [(Path(home) / f"made-{n}").read_bytes() for n in range(len(SIDES))]


def _memory(ours: Commands, peers: Commands, say: Say) -> Iterator[Row]:
    say("memory of a first job")
    original = inputs.jpeg(48)
    theirs = first_peak("sharp, each", peers["sharp, each"], original) / 1e6
    for name, command in ours.items():
        case = f"{original.name}, the first{'' if name == 'ours' else ', without SIMD'}"
        held = first_peak(name, command, original) / 1e6
        facts: Any = {"area": AREA, "case": case, "ours": held, "unit": "MB"}
        yield at_most(1.0, peer=MOST_MEMORY, peer_name="the most that it may hold", **facts)
        yield known(peer=theirs, peer_name="sharp, each", **facts)
