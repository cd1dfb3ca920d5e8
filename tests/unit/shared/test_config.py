"""Settings are read from the environment; all missing or invalid variables are named at once."""

import pytest
from pydantic import Field

from shared.config import Misconfigured, ServiceSettings, Settings

COMPLETE = {
    "SERVICE": "toy",
    "QUEUE_URL": "http://sqs/toy",
    "DEAD_LETTER_QUEUE_URL": "http://sqs/toy-dead",
    "EVENTS_TOPIC_ARN": "arn:aws:sns:us-east-1:000000000000:events",
    "RECORDS_TABLE": "records",
    "LEDGER_TABLE": "ledger",
    "FUNCTION_TIMEOUT": "30",
    "WORST_CASE": "4.5",
    "MAX_ATTEMPTS": "5",
}


class ToySettings(Settings):
    bucket: str
    size: int = Field(default=10, gt=0)


def test_a_variable_has_the_name_of_the_field_in_capitals() -> None:
    assert ToySettings.read({"BUCKET": "b", "SIZE": "7"}) == ToySettings(bucket="b", size=7)


def test_a_missing_variable_has_the_default_of_its_field() -> None:
    assert ToySettings.read({"BUCKET": "b"}).size == 10


def test_other_variables_are_ignored() -> None:
    assert ToySettings.read({"BUCKET": "b", "bucket": "no", "PATH": "/bin"}).bucket == "b"


def test_all_missing_and_invalid_variables_are_named() -> None:
    with pytest.raises(Misconfigured) as refused:
        ToySettings.read({"SIZE": "0"})
    assert str(refused.value) == "BUCKET: Field required; SIZE: Input should be greater than 0"


def test_read_uses_the_environment_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUCKET", "of the environment")
    assert ToySettings.read().bucket == "of the environment"


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        ToySettings(bucket="b").bucket = "c"


@pytest.mark.parametrize("name", COMPLETE)
def test_a_service_does_not_start_without_a_required_variable(name: str) -> None:
    with pytest.raises(Misconfigured, match=f"^{name}: Field required$"):
        ServiceSettings.read({key: value for key, value in COMPLETE.items() if key != name})


def test_a_service_starts_with_tracing_off_by_default() -> None:
    settings = ServiceSettings.read(COMPLETE)
    assert (settings.tracing, settings.log_level, settings.stage) == ("off", "INFO", "local")
    assert (settings.function_timeout, settings.worst_case, settings.max_attempts) == (30.0, 4.5, 5)
