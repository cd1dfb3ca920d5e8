"""Clients of boto3 that send nothing: what they are asked is checked by the service's own model."""

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
from botocore.stub import Stubber


@contextmanager
def stubbed(service: str) -> Iterator[Stubber]:
    """A client of this service; every answer that was prepared has to be asked for."""
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
