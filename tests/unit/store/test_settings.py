"""What store has to be told."""

import pytest

from services.store.logic import Policy
from services.store.settings import StoreSettings
from shared.config import Misconfigured
from tests.unit.shared.test_config import COMPLETE


def test_it_starts_with_what_every_service_needs_and_one_thing_more() -> None:
    assert StoreSettings.read(COMPLETE | {"PROCESSED_BUCKET": "here"}).processed_bucket == "here"


def test_a_flagged_picture_is_told_of_unless_the_stage_wants_it_quarantined() -> None:
    read = COMPLETE | {"PROCESSED_BUCKET": "here"}
    assert StoreSettings.read(read).moderation is Policy.FLAG
    assert StoreSettings.read(read | {"MODERATION": "quarantine"}).moderation is Policy.QUARANTINE


def test_another_word_for_it_is_refused_by_name() -> None:
    with pytest.raises(Misconfigured, match="MODERATION: Input should be 'flag' or 'quarantine'"):
        StoreSettings.read(COMPLETE | {"PROCESSED_BUCKET": "here", "MODERATION": "hide"})


def test_what_is_missing_is_named() -> None:
    with pytest.raises(Misconfigured, match=r"^PROCESSED_BUCKET: Field required$"):
        StoreSettings.read(COMPLETE)
