"""The fake backend of the page's tests answers in the API's own models."""

import pytest

from services.api.models import ImageDetail, ImageSummary
from tests.web.fake_api import FLAGGED, QUARANTINED, detail, filled_backend, summary

FAILED = 5


@pytest.mark.parametrize("n", [0, FLAGGED, FAILED, QUARANTINED])
def test_the_fake_backend_has_the_apis_fields(n: int) -> None:
    photo = filled_backend(QUARANTINED + 1).photos[n]
    for model, response in ((ImageSummary, summary(photo)), (ImageDetail, detail(photo))):
        model.model_validate(response, by_alias=True, by_name=False)
        names = {field.alias or name for name, field in model.model_fields.items()}
        assert set(response) == names
