"""What rescue has to be told: it has no queue, no ledger and no record of its own."""

import pytest

from services.rescue.settings import RescueSettings
from shared.config import Misconfigured

ENOUGH = {"SERVICE": "rescue", "PROCESSED_BUCKET": "processed", "EVENTS_TOPIC_ARN": "arn:events"}


def test_it_starts_without_a_queue_of_its_own() -> None:
    settings = RescueSettings.read(ENOUGH)
    assert (settings.processed_bucket, settings.events_topic_arn) == ("processed", "arn:events")


@pytest.mark.parametrize("name", ENOUGH)
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(Misconfigured, match=f"^{name}: Field required$"):
        RescueSettings.read({key: value for key, value in ENOUGH.items() if key != name})
