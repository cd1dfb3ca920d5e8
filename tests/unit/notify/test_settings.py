"""The settings that notify requires."""

import pytest

from services.notify.settings import NotifySettings
from shared.config import Misconfigured
from tests.unit.shared.test_config import COMPLETE


def test_notify_needs_the_common_settings_and_its_topic() -> None:
    assert (
        NotifySettings.read(COMPLETE | {"NOTIFICATIONS_TOPIC_ARN": "here"}).notifications_topic_arn
        == "here"
    )


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(Misconfigured, match=r"^NOTIFICATIONS_TOPIC_ARN: Field required$"):
        NotifySettings.read(COMPLETE)
