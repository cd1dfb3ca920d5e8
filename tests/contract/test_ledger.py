"""One suite for every ledger: the one in DynamoDB (as moto plays it) and the one in memory."""

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


def test_the_first_to_claim_has_the_lease(ledger: Ledger) -> None:
    assert claim(ledger, "a") == Claim(KEY, ClaimStatus.ACQUIRED, "a", NOW + LEASE, 1)


def test_while_the_lease_runs_others_find_it_busy_and_learn_until_when(ledger: Ledger) -> None:
    claim(ledger, "a")
    found = claim(ledger, "b", NOW + 39)
    assert (found.status, found.owner) == (ClaimStatus.IN_PROGRESS, "a")
    assert (found.until, found.attempts) == (NOW + LEASE, 1)


def test_a_lease_that_ran_out_is_the_next_ones(ledger: Ledger) -> None:
    claim(ledger, "a")
    assert claim(ledger, "b", NOW + 41) == Claim(
        KEY, ClaimStatus.ACQUIRED, "b", NOW + 41 + LEASE, 2
    )


def test_a_lease_runs_to_its_very_last_moment(ledger: Ledger) -> None:
    claim(ledger, "a")
    assert claim(ledger, "b", NOW + LEASE).status is ClaimStatus.IN_PROGRESS


def test_what_is_settled_is_done_for_good(ledger: Ledger) -> None:
    ledger.complete(claim(ledger, "a"), NOW + 1)
    assert claim(ledger, "b", NOW + 1000).status is ClaimStatus.COMPLETED
    assert claim(ledger, "a", NOW + 1000).status is ClaimStatus.COMPLETED


def test_a_claim_whose_answer_was_lost_is_still_ones_own_and_counted_once(ledger: Ledger) -> None:
    claim(ledger, "a")
    assert claim(ledger, "a", NOW + 1) == Claim(KEY, ClaimStatus.ACQUIRED, "a", NOW + LEASE, 1)


def test_a_claim_given_back_is_free_at_once_and_the_try_is_counted(ledger: Ledger) -> None:
    ledger.release(claim(ledger, "a"), counts_as_attempt=True)
    found = claim(ledger, "b", NOW + 1)
    assert (found.status, found.attempts) == (ClaimStatus.ACQUIRED, 2)


def test_a_try_that_is_not_charged_is_taken_off_the_count(ledger: Ledger) -> None:
    ledger.release(claim(ledger, "a"), counts_as_attempt=False)
    found = claim(ledger, "b", NOW + 1)
    assert (found.status, found.attempts) == (ClaimStatus.ACQUIRED, 1)


def test_a_release_that_arrives_twice_refunds_once(ledger: Ledger) -> None:
    ledger.release(claim(ledger, "a"), counts_as_attempt=True)
    mine = claim(ledger, "b", NOW + 1)
    ledger.release(mine, counts_as_attempt=False)
    ledger.release(mine, counts_as_attempt=False)
    assert claim(ledger, "c", NOW + 2).attempts == 2


def test_a_former_owner_settles_nothing(ledger: Ledger) -> None:
    former = claim(ledger, "a")
    claim(ledger, "b", NOW + 41)
    ledger.complete(former, NOW + 42)
    assert claim(ledger, "c", NOW + 43).status is ClaimStatus.IN_PROGRESS


@pytest.mark.parametrize("counts_as_attempt", [True, False])
def test_a_former_owner_gives_back_nothing(ledger: Ledger, counts_as_attempt: bool) -> None:
    former = claim(ledger, "a")
    claim(ledger, "b", NOW + 41)
    ledger.release(former, counts_as_attempt=counts_as_attempt)
    found = claim(ledger, "c", NOW + 43)
    assert (found.status, found.owner, found.attempts) == (ClaimStatus.IN_PROGRESS, "b", 2)


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


def test_every_try_is_counted(ledger: Ledger) -> None:
    counts = [claim(ledger, str(n), NOW + 41 * n).attempts for n in range(6)]
    assert counts == [1, 2, 3, 4, 5, 6]


# ---- any interleaving --------------------------------------------------------------------------

EXAMPLES = {"memory": 200, "dynamodb": 40}
"""Of moto's DynamoDB every step takes milliseconds."""


class Workers(RuleBasedStateMachine):
    """Workers that claim one event, live or die, and come back late, by clocks that differ."""

    held = Bundle("held")

    def __init__(self, ledger: Ledger, image: str) -> None:
        super().__init__()
        self.ledger = ledger
        self.key = ClaimKey(image, KEY.name)
        self.now = NOW
        self.owners = (f"owner {n}" for n in count())
        self.owner = ""
        self.until = 0.0
        self.counts_as_attempt = 0
        self.done = False

    @rule(seconds=st.sampled_from([1, 5, LEASE - 1, LEASE, LEASE + 1]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(target=held, skew=st.integers(-3, 3))
    def somebody_claims(self, skew: int) -> Claim | MultipleResults[Claim]:
        now, owner = self.now + skew, next(self.owners)
        found = self.ledger.claim(self.key, owner, now, LEASE)
        if self.done:
            assert found.status is ClaimStatus.COMPLETED
        elif self.until >= now:
            assert (found.status, found.owner) == (ClaimStatus.IN_PROGRESS, self.owner)
        else:
            self.owner, self.until, self.counts_as_attempt = (
                owner,
                now + LEASE,
                self.counts_as_attempt + 1,
            )
            assert found == Claim(
                self.key, ClaimStatus.ACQUIRED, owner, self.until, self.counts_as_attempt
            )
            return found
        return multiple()

    @precondition(lambda self: self.until >= self.now and not self.done)
    @rule()
    def the_owner_asks_again_for_an_answer_that_was_lost(self) -> None:
        found = self.ledger.claim(self.key, self.owner, self.now, LEASE)
        assert found == Claim(
            self.key, ClaimStatus.ACQUIRED, self.owner, self.until, self.counts_as_attempt
        )

    @rule(claim=held)
    def somebody_settles(self, claim: Claim) -> None:
        self.ledger.complete(claim, self.now)
        self.done = self.done or claim.owner == self.owner

    @rule(claim=held, counts_as_attempt=st.booleans())
    def somebody_gives_it_back(self, claim: Claim, counts_as_attempt: bool) -> None:
        self.ledger.release(claim, counts_as_attempt=counts_as_attempt)
        if (claim.owner, claim.until) == (self.owner, self.until):
            self.until = 0.0
            self.counts_as_attempt -= 0 if counts_as_attempt else 1


def test_one_owner_at_a_time_every_try_counted_once_and_done_is_done(
    ledger: Ledger, request: pytest.FixtureRequest
) -> None:
    """However workers claim, settle, give back, die and come back late."""
    images: Iterator[str] = (f"image {n}" for n in count())
    examples = EXAMPLES[request.node.callspec.params["ledger"]]
    run_state_machine_as_test(
        lambda: Workers(ledger, next(images)),
        settings=settings(max_examples=examples, stateful_step_count=30, deadline=None),
    )


@pytest.fixture
def row(dynamodb: Any, ledger_table: str) -> Callable[[], dict[str, Any]]:
    def read() -> dict[str, Any]:
        (item,) = dynamodb.scan(TableName=ledger_table)["Items"]
        return item

    return read


def test_a_row_of_the_table_expires_after_every_queue(
    dynamodb: Any, ledger_table: str, row: Callable[[], dict[str, Any]]
) -> None:
    claim(DynamoLedger(dynamodb, ledger_table), "a", NOW + 0.5)
    assert row()["expires"] == {"N": str(int(NOW) + RETENTION)}
    assert row()["image"] == {"S": CAT}
    assert row()["claim"] == {"S": "resize/image.uploaded.v1/e1"}


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
        with pytest.raises(TransientError, match="about the ledger:"):
            call()
