"""The settings of store and their defaults."""

import pytest

from services.store.logic import Policy
from services.store.settings import StoreSettings
from shared.config import Misconfigured
from tests.unit.shared.test_config import COMPLETE


def test_the_processed_bucket_is_required() -> None:
    assert StoreSettings.read(COMPLETE | {"PROCESSED_BUCKET": "here"}).processed_bucket == "here"


def test_flagged_pictures_are_published_by_default() -> None:
    variables = COMPLETE | {"PROCESSED_BUCKET": "here"}
    assert StoreSettings.read(variables).moderation is Policy.FLAG
    assert (
        StoreSettings.read(variables | {"MODERATION": "quarantine"}).moderation is Policy.QUARANTINE
    )


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(Misconfigured, match="MODERATION: Input should be 'flag' or 'quarantine'"):
        StoreSettings.read(COMPLETE | {"PROCESSED_BUCKET": "here", "MODERATION": "hide"})


def test_a_missing_bucket_is_named() -> None:
    with pytest.raises(Misconfigured, match=r"^PROCESSED_BUCKET: Field required$"):
        StoreSettings.read(COMPLETE)
