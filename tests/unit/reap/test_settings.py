"""The settings of reap and their defaults."""

from datetime import timedelta

import pytest

from services.reap.settings import ReapSettings
from shared.config import Misconfigured

ENOUGH = {
    "SERVICE": "reap",
    "RECORDS_TABLE": "records",
    "UPLOADS_BUCKET": "uploads",
    "PROCESSED_BUCKET": "processed",
    "EVENTS_TOPIC_ARN": "arn:events",
    "WORST_CASE": "120",
}


def test_the_default_silence_is_a_day() -> None:
    assert ReapSettings.read(ENOUGH).silence == timedelta(hours=24)
    assert ReapSettings.read(ENOUGH | {"SILENCE_HOURS": "0.5"}).silence == timedelta(minutes=30)


@pytest.mark.parametrize("name", ENOUGH)
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(Misconfigured, match=f"^{name}: Field required$"):
        ReapSettings.read({key: value for key, value in ENOUGH.items() if key != name})


def test_a_negative_silence_is_refused() -> None:
    with pytest.raises(Misconfigured, match=r"^SILENCE_HOURS: "):
        ReapSettings.read(ENOUGH | {"SILENCE_HOURS": "-1"})
