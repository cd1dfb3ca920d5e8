"""The conformance suite of the ledger: DynamoDB (played by moto) and memory."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.errors import TransientError
from shared.ledger import RETENTION, Claim, ClaimKey, ClaimStatus, DynamoLedger, Ledger
from tests.contract.samples import CAT
from tests.fakes import MemoryLedger

NOW = 1_800_000_000.0
LEASE = 40.0
KEY = ClaimKey.of("resize", CAT, "image.uploaded.v1", "e1")


@pytest.fixture(params=["memory", "dynamodb"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    if request.param == "memory":
        return MemoryLedger()
    table = request.getfixturevalue("ledger_table")
    return DynamoLedger(request.getfixturevalue("dynamodb"), table)


def claim(ledger: Ledger, owner: str, now: float = NOW, key: ClaimKey = KEY) -> Claim:
    return ledger.claim(key, owner, now, LEASE)


def test_the_first_worker_acquires_the_claim(ledger: Ledger) -> None:
    assert claim(ledger, "a") == Claim(KEY, ClaimStatus.ACQUIRED, "a", NOW + LEASE, 1)


def test_a_claim_under_lease_is_in_progress_for_other_workers(ledger: Ledger) -> None:
    claim(ledger, "a")
    current = claim(ledger, "b", NOW + 39)
    assert (current.status, current.owner) == (ClaimStatus.IN_PROGRESS, "a")
    assert (current.until, current.attempts) == (NOW + LEASE, 1)


def test_an_expired_lease_is_acquired_by_the_next_worker(ledger: Ledger) -> None:
    claim(ledger, "a")
    assert claim(ledger, "b", NOW + 41) == Claim(
        KEY, ClaimStatus.ACQUIRED, "b", NOW + 41 + LEASE, 2
    )


def test_a_lease_includes_its_last_moment(ledger: Ledger) -> None:
    claim(ledger, "a")
    assert claim(ledger, "b", NOW + LEASE).status is ClaimStatus.IN_PROGRESS


def test_a_completed_claim_stays_completed(ledger: Ledger) -> None:
    ledger.complete(claim(ledger, "a"), NOW + 1)
    assert claim(ledger, "b", NOW + 1000).status is ClaimStatus.COMPLETED
    assert claim(ledger, "a", NOW + 1000).status is ClaimStatus.COMPLETED


def test_a_repeated_claim_of_its_owner_counts_one_attempt(ledger: Ledger) -> None:
    claim(ledger, "a")
    assert claim(ledger, "a", NOW + 1) == Claim(KEY, ClaimStatus.ACQUIRED, "a", NOW + LEASE, 1)


def test_a_released_claim_is_available_at_once_and_its_attempt_counts(ledger: Ledger) -> None:
    ledger.release(claim(ledger, "a"), counts_as_attempt=True)
    current = claim(ledger, "b", NOW + 1)
    assert (current.status, current.attempts) == (ClaimStatus.ACQUIRED, 2)


def test_a_release_without_an_attempt_reduces_the_count(ledger: Ledger) -> None:
    ledger.release(claim(ledger, "a"), counts_as_attempt=False)
    current = claim(ledger, "b", NOW + 1)
    assert (current.status, current.attempts) == (ClaimStatus.ACQUIRED, 1)


def test_a_repeated_release_reduces_the_count_once(ledger: Ledger) -> None:
    ledger.release(claim(ledger, "a"), counts_as_attempt=True)
    second = claim(ledger, "b", NOW + 1)
    ledger.release(second, counts_as_attempt=False)
    ledger.release(second, counts_as_attempt=False)
    assert claim(ledger, "c", NOW + 2).attempts == 2


def test_a_former_owner_cannot_complete_the_claim(ledger: Ledger) -> None:
    former = claim(ledger, "a")
    claim(ledger, "b", NOW + 41)
    ledger.complete(former, NOW + 42)
    assert claim(ledger, "c", NOW + 43).status is ClaimStatus.IN_PROGRESS


@pytest.mark.parametrize("counts_as_attempt", [True, False])
def test_a_former_owner_cannot_release_the_claim(ledger: Ledger, counts_as_attempt: bool) -> None:
    former = claim(ledger, "a")
    claim(ledger, "b", NOW + 41)
    ledger.release(former, counts_as_attempt=counts_as_attempt)
    current = claim(ledger, "c", NOW + 43)
    assert (current.status, current.owner, current.attempts) == (ClaimStatus.IN_PROGRESS, "b", 2)


@pytest.mark.parametrize(
    "other",
    [
        ClaimKey.of("analyze", CAT, "image.uploaded.v1", "e1"),
        ClaimKey.of("resize", CAT, "image.uploaded.v1", "e2"),
        ClaimKey.of("resize", "another image", "image.uploaded.v1", "e1"),
    ],
)
def test_another_service_event_or_image_is_another_claim(ledger: Ledger, other: ClaimKey) -> None:
    claim(ledger, "a")
    assert claim(ledger, "b", key=other).status is ClaimStatus.ACQUIRED


def test_every_attempt_is_counted(ledger: Ledger) -> None:
    counts = [claim(ledger, str(n), NOW + 41 * n).attempts for n in range(6)]
    assert counts == [1, 2, 3, 4, 5, 6]


# ---- any interleaving --------------------------------------------------------------------------

EXAMPLES = {"memory": 2, "dynamodb": 0.4}
"""As a factor: a step of moto's DynamoDB takes milliseconds."""


class Workers(RuleBasedStateMachine):
    """Workers that claim one event, complete it, release it or die; their clocks differ."""

    held = Bundle("held")

    def __init__(self, ledger: Ledger, image: str) -> None:
        super().__init__()
        self.ledger = ledger
        self.key = ClaimKey(image, KEY.name)
        self.now = NOW
        self.owners = (f"owner {n}" for n in count())
        self.owner = ""
        self.until = 0.0
        self.attempts = 0
        self.completed = False

    @rule(seconds=st.sampled_from([1, 5, LEASE - 1, LEASE, LEASE + 1]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(target=held, skew=st.integers(-3, 3))
    def a_worker_claims(self, skew: int) -> Claim | MultipleResults[Claim]:
        now, owner = self.now + skew, next(self.owners)
        current = self.ledger.claim(self.key, owner, now, LEASE)
        if self.completed:
            assert current.status is ClaimStatus.COMPLETED
        elif self.until >= now:
            assert (current.status, current.owner) == (ClaimStatus.IN_PROGRESS, self.owner)
        else:
            self.owner, self.until, self.attempts = owner, now + LEASE, self.attempts + 1
            assert current == self.acquired()
            return current
        return multiple()

    @precondition(lambda self: self.until >= self.now and not self.completed)
    @rule()
    def the_owner_claims_again_after_a_lost_response(self) -> None:
        current = self.ledger.claim(self.key, self.owner, self.now, LEASE)
        assert current == self.acquired()

    @rule(claim=held)
    def a_worker_completes(self, claim: Claim) -> None:
        self.ledger.complete(claim, self.now)
        self.completed = self.completed or claim.owner == self.owner

    @rule(claim=held, counts_as_attempt=st.booleans())
    def a_worker_releases(self, claim: Claim, counts_as_attempt: bool) -> None:
        self.ledger.release(claim, counts_as_attempt=counts_as_attempt)
        if (claim.owner, claim.until) == (self.owner, self.until):
            self.until = 0.0
            self.attempts -= 0 if counts_as_attempt else 1

    def acquired(self) -> Claim:
        """The claim of the present owner."""
        return Claim(self.key, ClaimStatus.ACQUIRED, self.owner, self.until, self.attempts)


def test_a_claim_has_one_owner_an_exact_count_and_a_final_completion(
    ledger: Ledger, request: pytest.FixtureRequest
) -> None:
    """For any sequence in which workers claim, complete, release, die and return late."""
    images: Iterator[str] = (f"image {n}" for n in count())
    examples = int(settings().max_examples * EXAMPLES[request.node.callspec.params["ledger"]])
    run_state_machine_as_test(
        lambda: Workers(ledger, next(images)),
        settings=settings(max_examples=examples, stateful_step_count=30),
    )


@pytest.fixture
def stored_item(dynamodb: Any, ledger_table: str) -> Callable[[], dict[str, Any]]:
    def read() -> dict[str, Any]:
        (item,) = dynamodb.scan(TableName=ledger_table)["Items"]
        return item

    return read


def test_an_item_of_the_table_has_a_ttl_beyond_all_queues(
    dynamodb: Any, ledger_table: str, stored_item: Callable[[], dict[str, Any]]
) -> None:
    claim(DynamoLedger(dynamodb, ledger_table), "a", NOW + 0.5)
    assert stored_item()["expires"] == {"N": str(int(NOW) + RETENTION)}
    assert stored_item()["image"] == {"S": CAT}
    assert stored_item()["claim"] == {"S": "resize/image.uploaded.v1/e1"}


def test_a_claim_names_its_event_whatever_its_status(ledger: Ledger) -> None:
    mine = claim(ledger, "a")
    others = claim(ledger, "b")
    ledger.complete(mine, NOW)
    done = claim(ledger, "c")
    assert (mine.key, others.key, done.key) == (KEY, KEY, KEY)


class Refused(Exception):
    """The condition of a request did not hold."""


class Client:
    """A DynamoDB client: it refuses every condition, or raises ``error``, and finds no item."""

    class exceptions:  # noqa: N801 - boto3's name
        ConditionalCheckFailedException = Refused

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error or Refused()
        self.reads: list[dict[str, Any]] = []

    def update_item(self, **_: Any) -> None:
        raise self.error

    def get_item(self, **request: Any) -> dict[str, Any]:
        self.reads.append(request)
        return {}


def test_a_row_that_expires_during_a_claim_is_retried_later() -> None:
    client = Client()
    found = DynamoLedger(client, "ledger").claim(KEY, "a", NOW, LEASE)
    assert found == Claim(KEY, ClaimStatus.IN_PROGRESS)
    assert [read["ConsistentRead"] for read in client.reads] == [True]


def test_an_error_of_the_table_names_the_ledger() -> None:
    ledger = DynamoLedger(Client(ConnectTimeoutError(endpoint_url="http://localhost")), "ledger")
    mine = Claim(KEY, ClaimStatus.ACQUIRED, "a", NOW + LEASE, 1)
    for call in (
        lambda: ledger.claim(KEY, "a", NOW, LEASE),
        lambda: ledger.complete(mine, NOW),
        lambda: ledger.release(mine, counts_as_attempt=True),
    ):
        with pytest.raises(TransientError, match="the ledger: no response:"):
            call()
