"""Where a sweep goes on is kept, and nobody is lost without it."""

import pytest

from services.reap.bookmark import KEY, Bookmark
from services.reap.logic import BEGINNING, Part, Position
from tests.fakes import MemoryObjects

HALFWAY = Position(part=Part.UPLOADS, after={"KeyMarker": "m.jpg"})


def test_a_sweep_goes_on_where_the_last_one_stopped() -> None:
    bookmark = Bookmark(MemoryObjects())
    bookmark.keep(HALFWAY)
    assert bookmark.read() == HALFWAY


def test_the_first_sweep_begins_at_the_beginning() -> None:
    assert Bookmark(MemoryObjects()).read() == BEGINNING


@pytest.mark.parametrize("body", [b"", b"not JSON", b'{"part": "elsewhere"}'])
def test_a_bookmark_that_nobody_can_read_is_no_bookmark(body: bytes) -> None:
    kept = MemoryObjects()
    kept.put(KEY, body, "application/json")
    assert Bookmark(kept).read() == BEGINNING
