"""Create AWS clients, and translate AWS's errors. The only module that imports botocore.

botocore itself reads the endpoint: ``AWS_ENDPOINT_URL``, and for one service
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

# Error codes as they are on the wire. These can differ from the exception's name: SNS sends
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
    """A client that is created at its first use.

    Most messages need only some of a function's clients, and creating one takes as long as ten
    calls.
    """

    def __init__(self, service: str, **choices: Any) -> None:
        self._make: Callable[[], Any] = lambda: _session().create_client(service, **choices)

    def __getattr__(self, name: str) -> Any:
        with (
            _MAKING
        ):  # botocore's create_client is not thread-safe, and analyze calls from several threads
            if "_client" not in self.__dict__:
                self._client = self._make()
        attribute = getattr(self._client, name)
        setattr(self, name, attribute)
        return attribute


_MAKING = Lock()


@cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()


@cache
def client(service: str, *, once: bool = False) -> Any:
    """A client of one AWS service, created once and shared; safe to use from several threads.

    ``once`` is for paid calls and deliveries: botocore then retries nothing by itself, not even
    after a timeout, when the first request may have taken effect.
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
    """An S3 client that presigns URLs, and sends no request.

    ``endpoint`` is the emulator's address as browsers reach it; None is AWS.
    """
    style = {
        "addressing_style": "path" if endpoint else "virtual",
        "us_east_1_regional_endpoint": "regional",  # one form of host in all regions
    }
    config = Config(signature_version="s3v4", s3=style)
    return _Lazy("s3", endpoint_url=endpoint, config=config)


@contextmanager
def aws_errors(what: str, **permanent: tuple[str, Fault]) -> Iterator[None]:
    """Translate AWS's errors about ``what`` into ours.

    ``permanent`` maps the error codes that no retry can fix here to our reason and fault:
    ``NoSuchKey=("gone", Fault.CLIENT)``. A denied request is permanent and ``INTERNAL``. Every
    other error is transient and ``DEPENDENCY``.
    """
    try:
        yield
    except ClientError as error:
        raise _translated(error, what, permanent) from error
    except BotoCoreError as error:
        raise TransientError("unreachable", f"{what}: no response: {error}") from error


def _translated(
    error: ClientError, what: str, permanent: dict[str, tuple[str, Fault]]
) -> DarkroomError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    message = str(error.response.get("Error", {}).get("Message", ""))
    if code in permanent:
        reason, fault = permanent[code]
        return PermanentError(reason, f"{what}: {message}", fault=fault, code=code)
    if code in THROTTLED:
        return Throttled("throttled", f"{what}: throttled", code=code)
    if code in REFUSED:
        return PermanentError("forbidden", f"{what}: {message}", fault=Fault.INTERNAL, code=code)
    return TransientError("unavailable", f"{what}: {code} {message}", code=code)
