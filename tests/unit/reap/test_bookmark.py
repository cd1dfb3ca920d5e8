"""The bookmark stores where the next sweep continues."""

import pytest

from services.reap.bookmark import KEY, Bookmark
from services.reap.logic import BEGINNING, Part, Position
from tests.fakes import MemoryObjects

HALFWAY = Position(part=Part.UPLOADS, after={"KeyMarker": "m.jpg"})


def test_a_stored_position_is_read_back() -> None:
    bookmark = Bookmark(MemoryObjects())
    bookmark.write(HALFWAY)
    assert bookmark.read() == HALFWAY


def test_without_a_bookmark_a_sweep_starts_at_the_beginning() -> None:
    assert Bookmark(MemoryObjects()).read() == BEGINNING


@pytest.mark.parametrize("body", [b"", b"not JSON", b'{"part": "elsewhere"}'])
def test_an_unreadable_bookmark_means_the_beginning(body: bytes) -> None:
    objects = MemoryObjects()
    objects.put(KEY, body, "application/json")
    assert Bookmark(objects).read() == BEGINNING
