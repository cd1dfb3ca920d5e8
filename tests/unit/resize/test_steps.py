"""Resize reads an original, stores its renditions and compensates them.

The tests of ``services.resize.logic`` cover the pictures themselves.
"""

import io
from hashlib import sha256
from typing import Any

import pytest
from PIL import Image

from services.resize.focal import read_focal
from services.resize.logic import Format, Limits, Spec
from services.resize.pictures.values import Fill
from services.resize.pictures.values import FocalPoint as Point
from services.resize.steps import LONGEST_OWNER, Steps
from shared.contracts.images import FocalPoint, ImageDeleted, ImageResized, Reanalysis, Source
from shared.delivery import StepContext
from shared.errors import Overtaken, PermanentError
from shared.objects import IMMUTABLE, Stored
from tests.captured_logs import captured_logs
from tests.contract.samples import (
    AT,
    CAT,
    DELETED,
    FAILED,
    FIRST,
    REANALYSIS_REPLAYED,
    REPLAYED,
    UPLOADED,
)
from tests.fakes import MemoryObjects, etag_of

REANALYSIS = Reanalysis(of=0)
SPECS = (Spec("thumbnail", 16), Spec("web", 40))


def picture(mode: str = "RGB", file_format: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (64, 48), (200, 120, 40, 128)[: len(mode)]).save(buffer, file_format)
    return buffer.getvalue()


CAT_PNG = picture()


class CountingReads(MemoryObjects):
    """Originals that count how often they are read."""

    reads = 0

    def get(self, key: str, *, version: str | None = None, etag: str | None = None) -> Stored:
        self.reads += 1
        return super().get(key, version=version, etag=etag)


class WithHeaders(MemoryObjects):
    """Objects that record their content type and cache control."""

    def __init__(self) -> None:
        super().__init__()
        self.headers: dict[str, tuple[str, str]] = {}

    def put(
        self, key: str, body: bytes, content_type: str, cache_control: str = "no-cache", **_: Any
    ) -> None:
        super().put(key, body, content_type)
        self.headers[key] = (content_type, cache_control)


class Bench:
    def __init__(
        self, body: bytes = CAT_PNG, *, limits: Limits | None = None, **metadata: str
    ) -> None:
        self.uploads, self.processed = CountingReads(), WithHeaders()
        self.uploads.put("cat.jpg", body, "image/jpeg", metadata=metadata)
        self.source = Source(
            bucket="uploads", key="cat.jpg", version="v1", etag=etag_of(body), bytes=len(body)
        )
        self.steps = Steps(self.uploads, self.processed, SPECS, limits or Limits())

    def resize(self, ensure_lease: Any = lambda: None, **changed: Any) -> ImageResized:
        source = self.source.model_copy(update=changed)
        upload = UPLOADED.model_copy(update={"source": source, "owner": None})
        (event,) = self.steps.resize(upload, StepContext(FIRST, AT, ensure_lease))
        assert isinstance(event, ImageResized)
        return event

    def reanalyze(self, previous: ImageResized, ensure_lease: Any = lambda: None) -> ImageResized:
        """Run the reanalysis that follows the run of ``previous``."""
        granted = REANALYSIS_REPLAYED.model_copy(
            update={
                "run": 1,
                "source": previous.source,
                "copy_from": previous,
                "reanalysis": REANALYSIS,
            }
        )
        (event,) = self.steps.resize(granted, StepContext(FIRST, AT, ensure_lease))
        assert isinstance(event, ImageResized)
        return event

    def refusal(self, **changed: Any) -> PermanentError:
        with pytest.raises(PermanentError) as refused:
            self.resize(**changed)
        return refused.value

    def stored_keys(self) -> list[str]:
        return list(self.processed.keys(""))


def test_the_event_has_the_source_and_the_renditions() -> None:
    bench = Bench()
    resized = bench.resize()
    assert (resized.image, resized.run, resized.format) == (CAT, 0, "PNG")
    assert (resized.width, resized.height, resized.gps_removed) == (64, 48, False)
    assert resized.source.sha256 == sha256(CAT_PNG).hexdigest()
    assert [(r.name, r.width, r.height) for r in resized.renditions] == [
        ("thumbnail", 16, 12),
        ("web", 40, 30),
    ]


def test_every_published_rendition_exists_with_its_size() -> None:
    bench = Bench()
    resized = bench.resize()
    sizes = {r.key: r.bytes for r in (*resized.renditions, resized.analysis)}
    assert sizes == {key: len(bench.processed.get(key).body) for key in bench.stored_keys()}
    assert all(key.startswith(f"renditions/{CAT}/0/") for key in sizes)


def test_renditions_have_their_content_type_and_are_cacheable() -> None:
    bench = Bench()
    bench.resize()
    assert set(bench.processed.headers.values()) == {("image/jpeg", IMMUTABLE)}


def test_a_transparent_picture_is_stored_as_webp() -> None:
    bench = Bench(picture("RGBA"))
    resized = bench.resize()
    headers = {r.key.rsplit(".", 1)[1]: bench.processed.headers[r.key] for r in resized.renditions}
    assert headers == {"webp": ("image/webp", IMMUTABLE)}
    assert resized.analysis.format == "JPEG"


def test_the_version_of_the_upload_event_is_read() -> None:
    bench = Bench()
    bench.uploads.put("cat.jpg", b"replaced meanwhile", "image/jpeg")
    assert bench.resize().source.sha256 == sha256(CAT_PNG).hexdigest()


def test_a_replaced_original_without_a_version_is_refused() -> None:
    bench = Bench()
    bench.uploads.put("cat.jpg", b"replaced meanwhile", "image/jpeg")
    assert bench.refusal(version=None).reason == "replaced"
    assert bench.stored_keys() == []


def test_a_missing_original_is_refused() -> None:
    bench = Bench()
    assert bench.refusal(key="dog.jpg").reason == "gone"


def test_an_original_with_too_many_bytes_is_refused_unread() -> None:
    bench = Bench(limits=Limits(bytes=100))
    error = bench.refusal(bytes=101)
    assert (error.reason, bench.uploads.reads) == ("too-many-bytes", 0)
    assert "101" in error.detail
    assert "100" in error.detail


def test_an_original_of_the_largest_size_is_read() -> None:
    bench = Bench(limits=Limits(bytes=len(CAT_PNG)))
    assert bench.resize().format == "PNG"


def test_the_owner_is_read_from_the_metadata_of_the_upload() -> None:
    assert Bench(owner="ada").resize().owner == "ada"
    assert Bench().resize().owner is None
    assert Bench(owner="").resize().owner is None


def test_a_long_owner_is_cut() -> None:
    assert Bench(owner="x" * 1000).resize().owner == "x" * LONGEST_OWNER


def test_a_refusal_has_the_owner_and_stores_nothing() -> None:
    bench = Bench(b"this is text", owner="ada")
    error = bench.refusal()
    assert (error.reason, error.facts["owner"]) == ("not-an-image", "ada")
    assert bench.stored_keys() == []


def test_nothing_is_stored_after_the_lease_expired() -> None:
    def expired() -> None:
        raise Overtaken("overtaken", "late")

    bench = Bench()
    with pytest.raises(Overtaken):
        bench.resize(expired)
    assert bench.stored_keys() == []


def test_the_same_upload_twice_makes_the_same_renditions() -> None:
    bench = Bench()
    first = bench.resize()
    bodies = {key: bench.processed.get(key).body for key in bench.stored_keys()}
    assert bench.resize() == first
    assert bodies == {key: bench.processed.get(key).body for key in bench.stored_keys()}


def test_compensation_leaves_other_runs_and_images() -> None:
    bench = Bench()
    bench.resize()
    others = [f"renditions/{CAT}/1/web.jpeg", f"renditions/{CAT}/10/web.jpeg", "renditions/x/0/a"]
    for key in others:
        bench.processed.put(key, b"", "image/jpeg")
    bench.steps.compensate(FAILED.model_copy(update={"image": CAT, "run": 0}))
    assert bench.stored_keys() == sorted(others)


def deletion(bench: Bench, key: str, version: str) -> ImageDeleted:
    source = bench.source.model_copy(update={"key": key, "version": version})
    return DELETED.model_copy(update={"image": CAT, "source": source})


def test_purging_deletes_renditions_and_dead_letters() -> None:
    bench = Bench()
    bench.resize()
    for key in (f"dead-letters/{CAT}/store/2026-11-21/m1.json", "dead-letters/x/store/m2.json"):
        bench.processed.put(key, b"{}", "application/json")
    bench.steps.purge(deletion(bench, "cat.jpg", "v1"))
    assert list(bench.processed.keys("")) == ["dead-letters/x/store/m2.json"]
    assert bench.uploads.find("cat.jpg") is None


def test_purging_deletes_every_version_of_an_issued_key() -> None:
    bench = Bench()
    key, others = f"uploads/{CAT}/cat.jpg", "album/cat.jpg"
    for upload in (key, key, others, others):
        bench.uploads.put(upload, CAT_PNG, "image/png")
    bench.steps.purge(deletion(bench, key, "v1"))
    bench.steps.purge(deletion(bench, others, "v1"))
    assert bench.uploads.versions[key] == [None, None]
    first, second = bench.uploads.versions[others]
    assert first is None
    assert second is not None


def test_compensation_without_objects_succeeds() -> None:
    bench = Bench()
    bench.steps.compensate(UPLOADED)
    bench.resize()
    bench.steps.compensate(UPLOADED)
    bench.steps.compensate(UPLOADED)
    assert bench.stored_keys() == []


def test_a_reanalysis_copies_the_renditions_without_reading_the_original() -> None:
    bench = Bench()
    original = bench.resize()
    bench.uploads.reads = 0
    resized = bench.reanalyze(original)
    assert bench.uploads.reads == 0
    pairs = zip(
        (*original.renditions, original.analysis),
        (*resized.renditions, resized.analysis),
        strict=True,
    )
    for before, after in pairs:
        assert after.key == before.key.replace(f"{CAT}/0/", f"{CAT}/1/")
        assert bench.processed.get(after.key) == bench.processed.get(before.key)
        assert after.model_copy(update={"key": before.key}) == before


def test_a_reanalysis_publishes_the_fields_of_the_previous_run() -> None:
    bench = Bench(owner="ada")
    original = bench.resize()
    resized = bench.reanalyze(original)
    assert (resized.run, resized.reanalysis, resized.owner) == (1, REANALYSIS, "ada")
    same = {"format", "width", "height", "captured", "gps_removed", "source"}
    assert resized.model_dump(include=same) == original.model_dump(include=same)


@pytest.mark.parametrize("missing", ["thumbnail", "web", "analysis"])
def test_if_a_rendition_is_missing_all_are_created_from_the_original(missing: str) -> None:
    bench = Bench()
    original = bench.resize()
    key = next(r.key for r in (*original.renditions, original.analysis) if r.name == missing)
    bench.processed.delete(key)
    resized = bench.reanalyze(original)
    assert (resized.run, resized.reanalysis, bench.uploads.reads) == (1, REANALYSIS, 2)
    assert all(bench.processed.find(r.key) for r in (*resized.renditions, resized.analysis))


def test_nothing_is_copied_after_the_lease_expired() -> None:
    def expired() -> None:
        raise Overtaken("overtaken", "late")

    bench = Bench()
    original = bench.resize()
    before = bench.stored_keys()
    with pytest.raises(Overtaken):
        bench.reanalyze(original, expired)
    assert bench.stored_keys() == before


LEFT, RIGHT = FocalPoint(x=0.1, y=0.5), FocalPoint(x=0.9, y=0.5)


def shown(bench: Bench, **granted: Any) -> str:
    """Which half of a red and blue picture its crop shows, in a run that ``granted`` describes."""
    crop = Spec("crop", 20, Format.PNG, fill=Fill.COVER)
    steps = Steps(bench.uploads, bench.processed, [crop], Limits())
    event = REPLAYED if granted else UPLOADED
    event = event.model_copy(update={"source": bench.source} | granted)
    (resized,) = steps.resize(event, StepContext(FIRST, AT, lambda: None))
    assert isinstance(resized, ImageResized)
    body = bench.processed.get(resized.renditions[0].key).body
    pixel = Image.open(io.BytesIO(body)).convert("RGB").getpixel((10, 10))
    return {(255, 0, 0): "red", (0, 0, 255): "blue"}.get(pixel, str(pixel))  # type: ignore[call-overload, no-any-return]


def halves() -> bytes:
    """A picture that is red on the left and blue on the right."""
    picture = Image.new("RGB", (120, 40), "red")
    picture.paste("blue", (60, 0, 120, 40))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def test_a_crop_shows_the_focal_point_of_the_upload() -> None:
    assert shown(Bench(halves(), focal="0.1,0.5")) == "red"
    assert shown(Bench(halves(), focal="0.9,0.5")) == "blue"


def test_a_crop_of_a_later_run_shows_the_largest_face() -> None:
    assert shown(Bench(halves()), largest_face=LEFT) == "red"
    assert shown(Bench(halves()), largest_face=RIGHT) == "blue"


def test_the_focal_point_of_the_upload_wins_over_the_largest_face() -> None:
    assert shown(Bench(halves(), focal="0.9,0.5"), largest_face=LEFT) == "blue"
    assert shown(Bench(halves(), focal="left"), largest_face=LEFT) == "red"


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("0.3,0.7", (0.3, 0.7)),
        (" 0 , 1 ", (0, 1)),
        (".25,1.0", (0.25, 1.0)),
        ("0.5,0.5", (0.5, 0.5)),
    ],
)
def test_a_focal_point_is_two_ratios(text: str, point: tuple[float, float]) -> None:
    assert read_focal(text) == Point(x=point[0], y=point[1])


@pytest.mark.parametrize(
    "text",
    ["", "0.3", "0.3;0.7", "1.1,0.5", "-0.1,0.5", "nan,0.5", "0.3,0.7,0.1", "٣,0.5", "1e-1,0"],
)
def test_an_invalid_focal_point_is_ignored_with_a_warning(text: str) -> None:
    with captured_logs("resize") as out:
        assert read_focal(text) is None
    assert "focal point ignored" in out.getvalue()


def test_without_a_focal_point_there_is_no_warning() -> None:
    with captured_logs("resize") as out:
        assert read_focal(None) is None
    assert not out.getvalue()
