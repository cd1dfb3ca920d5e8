"""Stubbed clients of boto3: requests are validated against the service model and not sent."""

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
from botocore.stub import Stubber


@contextmanager
def stubbed(service: str) -> Iterator[Stubber]:
    """A stubbed client of this service. The test fails if a prepared response was not used."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_PROFILE", raising=False)
        client = boto3.client(
            service,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        with Stubber(client) as stubber:
            yield stubber
            stubber.assert_no_pending_responses()
