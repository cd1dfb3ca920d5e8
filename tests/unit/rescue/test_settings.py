"""The settings that rescue requires. It has no queue, ledger or record."""

import pytest

from services.rescue.settings import RescueSettings
from shared.config import Misconfigured

COMPLETE = {"SERVICE": "rescue", "PROCESSED_BUCKET": "processed", "EVENTS_TOPIC_ARN": "arn:events"}


def test_rescue_needs_no_queue() -> None:
    settings = RescueSettings.read(COMPLETE)
    assert (settings.processed_bucket, settings.events_topic_arn) == ("processed", "arn:events")


@pytest.mark.parametrize("name", COMPLETE)
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(Misconfigured, match=f"^{name}: Field required$"):
        RescueSettings.read({key: value for key, value in COMPLETE.items() if key != name})
