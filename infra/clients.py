"""Create boto3 clients, for AWS or for an emulator on this machine. Nothing else in infra does."""

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

# The emulators' root user, with and without AUTH=true. Not a secret, and invalid on AWS.
ACCESS_KEY = SECRET_KEY = "test"  # noqa: S105  a documented value, not a secret
LOCAL_ENDPOINT = "http://localhost:4566"
LOCAL_REGION = "us-east-1"

# Names of the loopback interface; the second is LocalStack's own, for virtual-hosted buckets.
LOOPBACK_NAMES = {"localhost", "localhost.localstack.cloud"}

# Few attempts: a port without a server fails at once. Path style: a bucket is not a host name here.
LOCAL_CONFIG = Config(retries={"total_max_attempts": 2}, s3={"addressing_style": "path"})


class Clients:
    """boto3 clients for one endpoint and region; `endpoint_url=None` is AWS.

    With an endpoint they use the emulators' test credentials and ignore the user's profile.
    InfraError if the endpoint is not on this machine.
    """

    def __init__(self, endpoint_url: str | None, region: str) -> None:
        if endpoint_url is not None and not is_loopback(endpoint_url):
            raise InfraError(f"{endpoint_url} is not on this machine; leave it out to go to AWS")
        self.endpoint_url = endpoint_url
        self.region = region
        self.client = lru_cache(maxsize=None)(self._create)

    @classmethod
    def of(cls, stage: Stage, endpoint_url: str | None, region: str | None = None) -> "Clients":
        """Clients for a stage; a local stage uses $AWS_ENDPOINT_URL or http://localhost:4566.

        Other stages use AWS unless `endpoint_url` is set. InfraError if they have no region.
        """
        if stage.local:
            endpoint = endpoint_url or os.environ.get("AWS_ENDPOINT_URL") or LOCAL_ENDPOINT
            return cls(endpoint, region or LOCAL_REGION)
        chosen = region or stage.region or boto3.Session().region_name
        if not chosen:
            raise InfraError(f"which region is stage {stage.name} in? give --region")
        return cls(endpoint_url, chosen)

    def _create(self, service: str) -> Any:
        if self.endpoint_url is None:
            # $AWS_ENDPOINT_URL is for emulators: a stage on AWS must not reach one by accident.
            config = Config(ignore_configured_endpoint_urls=True)
            # A session of its own: the default one may be LocalSession's.
            return boto3.Session().client(service, region_name=self.region, config=config)
        return self._session.client(service, config=LOCAL_CONFIG)

    @cached_property
    def _session(self) -> "LocalSession":
        return LocalSession(str(self.endpoint_url), self.region)


class LocalSession(localstack_client.session.Session):  # type: ignore[misc]  # it has no types
    """localstack-client's session, fixed to one endpoint and to the test credentials."""

    def __init__(self, endpoint_url: str, region: str) -> None:
        super().__init__(ACCESS_KEY, SECRET_KEY, region_name=region)
        # The package prefers $AWS_ENDPOINT_URL to its arguments.
        services = localstack_client.config.get_service_endpoints()
        self._service_endpoint_mapping = dict.fromkeys(services, endpoint_url)
        # It creates its clients with boto3's default session. That would read the user's profile,
        # and fail if the profile is missing.
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
