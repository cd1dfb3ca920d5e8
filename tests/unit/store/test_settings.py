"""What store has to be told."""

import pytest

from services.store.settings import StoreSettings
from shared.config import Misconfigured
from tests.unit.shared.test_config import COMPLETE


def test_it_starts_with_what_every_service_needs_and_one_thing_more() -> None:
    assert StoreSettings.read(COMPLETE | {"PROCESSED_BUCKET": "here"}).processed_bucket == "here"


def test_what_is_missing_is_named() -> None:
    with pytest.raises(Misconfigured, match=r"^PROCESSED_BUCKET: Field required$"):
        StoreSettings.read(COMPLETE)
