"""The only place that makes AWS clients, and that knows which of AWS's errors mean what.

Where the calls go is botocore's own business: ``AWS_ENDPOINT_URL``, and for one service
``AWS_ENDPOINT_URL_<SERVICE>``.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import DarkroomError, Fault, PermanentError, Throttled, TransientError

# Codes as they come over the wire, which is not always the name of the exception: SNS says
# KMSThrottling for its KMSThrottlingException.
THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "Throttled",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "ProvisionedThroughputExceededException",
        "TooManyRequestsException",
        "LimitExceededException",
        "SlowDown",
        "KMSThrottling",
        "KmsThrottled",
    }
)
REFUSED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "KMSAccessDenied",
        "KmsAccessDenied",
        "403",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


class _Lazy:
    """A client that is made when it is first asked for anything; then it is that client.

    Most functions have clients that most messages never need: of SQS to return to the queue, of S3 for the
    verdict alone. Making one costs as much as ten calls.
    """

    def __init__(self, service: str, **choices: Any) -> None:
        self._make: Callable[[], Any] = lambda: _session().create_client(service, **choices)

    def __getattr__(self, name: str) -> Any:
        with _MAKING:  # botocore makes clients in one thread at a time; analyze asks in several
            if "_client" not in self.__dict__:
                self._client = self._make()
        found = getattr(self._client, name)
        setattr(self, name, found)
        return found


_MAKING = Lock()


@cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()


@cache
def client(service: str, *, once: bool = False) -> Any:
    """A client of one AWS service, made once and shared; safe to use from several threads.

    ``once`` is for calls that are paid for, or heard: botocore sends none of them again by itself,
    not even after a time-out, when nobody knows whether the first one took effect.
    """
    config = Config(
        connect_timeout=3,
        read_timeout=10,
        retries={"mode": "standard", "total_max_attempts": 1 if once else 3},
        user_agent_extra="darkroom",
    )
    return _Lazy(service, config=config)


@cache
def presigner(endpoint: str | None) -> Any:
    """An S3 client for URLs that others will use: it is never called over the network.

    ``endpoint`` is S3 as those others reach it, on an emulator; None is AWS.
    """
    style = {
        "addressing_style": "path" if endpoint else "virtual",
        "us_east_1_regional_endpoint": "regional",  # one form of host in all regions
    }
    config = Config(signature_version="s3v4", s3=style)
    return _Lazy("s3", endpoint_url=endpoint, config=config)


@contextmanager
def aws_errors(what: str, **permanent: tuple[str, Fault]) -> Iterator[None]:
    """Turn AWS's errors about ``what`` into ours.

    ``permanent`` names the error codes that no retry mends in this place, with our reason and who
    is at fault: ``NoSuchKey=("gone", Fault.CLIENT)``. Being refused is always ours to mend;
    everything else is the world's, and passes.
    """
    try:
        yield
    except ClientError as error:
        raise _translated(error, what, permanent) from error
    except BotoCoreError as error:
        raise TransientError("unreachable", f"no answer about {what}: {error}") from error


def _translated(
    error: ClientError, what: str, permanent: dict[str, tuple[str, Fault]]
) -> DarkroomError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    said = str(error.response.get("Error", {}).get("Message", ""))
    if code in permanent:
        reason, fault = permanent[code]
        return PermanentError(reason, f"{what}: {said}", fault=fault, code=code)
    if code in THROTTLED:
        return Throttled("throttled", f"asked to slow down over {what}", code=code)
    if code in REFUSED:
        return PermanentError("forbidden", f"{what}: {said}", fault=Fault.INTERNAL, code=code)
    return TransientError("unavailable", f"{what}: {code} {said}", code=code)
