"""The tooling's only maker of boto3 clients: an emulator on this machine, or AWS."""

import ipaddress
import os
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
import localstack_client.config
import localstack_client.session
from botocore.config import Config

from infra.config.stages import Stage
from infra.errors import InfraError

# The emulators' root user, with and without AUTH=true. Nothing secret, and good for nothing on AWS.
ACCESS_KEY = SECRET_KEY = "test"  # noqa: S105  a documented word, not a secret
LOCAL_ENDPOINT = "http://localhost:4566"
LOCAL_REGION = "us-east-1"

# Names of the loopback interface; the second is LocalStack's own, for virtual-hosted buckets.
LOOPBACK_NAMES = {"localhost", "localhost.localstack.cloud"}

# A port where nobody listens is told at once; a bucket's name is no host name here.
LOCAL_CONFIG = Config(retries={"total_max_attempts": 2}, s3={"addressing_style": "path"})


class Clients:
    """boto3 clients for one endpoint and region; `endpoint_url=None` is AWS.

    With an endpoint they carry the emulators' test credentials, whatever profile the user has, and
    an endpoint that is not on this machine is refused (InfraError).
    """

    def __init__(self, endpoint_url: str | None, region: str) -> None:
        if endpoint_url is not None and not is_loopback(endpoint_url):
            raise InfraError(f"{endpoint_url} is not on this machine; leave it out to go to AWS")
        self.endpoint_url = endpoint_url
        self.region = region
        self.client = lru_cache(maxsize=None)(self._make)

    @classmethod
    def of(cls, stage: Stage, endpoint_url: str | None, region: str | None = None) -> "Clients":
        """Clients for a stage; a local one takes $AWS_ENDPOINT_URL or http://localhost:4566.

        Other stages go to AWS unless they are given an endpoint, and need a region.
        """
        if stage.local:
            endpoint = endpoint_url or os.environ.get("AWS_ENDPOINT_URL") or LOCAL_ENDPOINT
            return cls(endpoint, region or LOCAL_REGION)
        chosen = region or stage.region or boto3.Session().region_name
        if not chosen:
            raise InfraError(f"which region is stage {stage.name} in? give --region")
        return cls(endpoint_url, chosen)

    def _make(self, service: str) -> Any:
        if self.endpoint_url is None:
            # $AWS_ENDPOINT_URL is for emulators: a stage on AWS must not end on one by accident.
            config = Config(ignore_configured_endpoint_urls=True)
            # A session of its own: the default one may be LocalSession's.
            return boto3.Session().client(service, region_name=self.region, config=config)
        return self._session.client(service, config=LOCAL_CONFIG)

    @cached_property
    def _session(self) -> "LocalSession":
        return LocalSession(str(self.endpoint_url), self.region)


class LocalSession(localstack_client.session.Session):  # type: ignore[misc]  # it has no types
    """localstack-client's session, held to one endpoint and to the test credentials."""

    def __init__(self, endpoint_url: str, region: str) -> None:
        super().__init__(ACCESS_KEY, SECRET_KEY, region_name=region)
        # The package prefers $AWS_ENDPOINT_URL to what it is told.
        services = localstack_client.config.get_service_endpoints()
        self._service_endpoint_mapping = dict.fromkeys(services, endpoint_url)
        # It makes its clients with boto3's default session, which would read the user's profile
        # (and fail on one that is not there).
        boto3.setup_default_session(botocore_session=_without_profile())


def _without_profile() -> botocore.session.Session:
    nothing = (None, None, None, None)
    no_file = (None, None, os.devnull, None)
    return botocore.session.Session(
        {"profile": nothing, "config_file": no_file, "credentials_file": no_file}
    )


def is_loopback(endpoint_url: str) -> bool:
    """Whether a URL names this machine's loopback interface, without asking the network."""
    host = urlsplit(endpoint_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK_NAMES
