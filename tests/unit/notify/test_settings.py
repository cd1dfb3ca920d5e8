"""What notify has to be told."""

import pytest

from services.notify.settings import NotifySettings
from shared.config import Misconfigured
from tests.unit.shared.test_config import COMPLETE


def test_it_starts_with_what_every_service_needs_and_one_thing_more() -> None:
    assert (
        NotifySettings.read(COMPLETE | {"NOTIFICATIONS_TOPIC_ARN": "here"}).notifications_topic_arn
        == "here"
    )


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(Misconfigured, match=r"^NOTIFICATIONS_TOPIC_ARN: Field required$"):
        NotifySettings.read(COMPLETE)
