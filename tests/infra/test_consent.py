"""Consent before a stage is changed: what is shown, and which answers count."""

from dataclasses import replace

import pytest

from infra.clients import Clients
from infra.config.stages import Stage
from infra.deploy.changes import Change, Effect
from infra.deploy.consent import AccountRegion, Consent
from infra.errors import InfraError
from tests.infra.fakes import FakeClients

CALLER = "arn:aws:iam::123456789012:user/ada"
ADDED = (Change(Effect.CREATE, "Queue", "AWS::SQS::Queue"),)
LOST = (Change(Effect.DELETE, "RecordsTable", "AWS::DynamoDB::Table"),)


class Sts:
    def get_caller_identity(self):
        return {"Account": "123456789012", "Arn": CALLER}


@pytest.fixture
def clients():
    return FakeClients(sts=Sts())


@pytest.fixture
def account_region():
    return AccountRegion("123456789012", "eu-west-1", CALLER, None)


def answering(*words, terminal=True, confirmed=False):
    answers = iter(words)
    return Consent(confirmed, terminal, lambda _: next(answers))


def test_account_region_and_caller_are_shown_before_the_question(dev, account_region, said):
    answering("y").to_apply(dev, account_region, ADDED, said.append)
    assert said[0] == (
        f"changes to stage dev in account 123456789012, region eu-west-1, as {CALLER}:"
    )
    assert said[1] == "  create  Queue  SQS::Queue\ntotal: create 1"


@pytest.mark.parametrize("answer", ["", "n", "yes please"])
def test_any_answer_but_yes_refuses(dev, account_region, said, answer):
    with pytest.raises(InfraError, match="nothing was changed"):
        answering(answer).to_apply(dev, account_region, ADDED, said.append)


def test_with_consent_as_an_option_the_changes_are_shown_without_a_question(
    dev, account_region, said
):
    answering(confirmed=True).to_apply(dev, account_region, ADDED, said.append)
    assert "create  Queue" in said[1]


def test_consent_as_an_option_does_not_cover_data_loss(dev, account_region, said):
    with pytest.raises(InfraError, match="RecordsTable would lose data"):
        answering(confirmed=True).to_apply(dev, account_region, LOST, said.append)
    answering("y").to_apply(dev, account_region, LOST, said.append)


def test_without_a_terminal_consent_must_be_an_option(dev, local):
    with pytest.raises(
        InfraError, match="stage dev needs consent, and this is not a terminal: use --yes"
    ):
        answering(terminal=False).require_answerable(dev)
    answering(terminal=False).require_answerable(local)
    answering(terminal=False, confirmed=True).require_answerable(dev)


def test_a_local_stage_needs_no_consent(local, account_region, said):
    answering().to_apply(local, account_region, LOST, said.append)
    answering().to_destroy(local, account_region, said.append)
    assert said == []


@pytest.mark.parametrize(
    ("name", "retained"), [("prod", "its data is retained"), ("dev", "deleted permanently")]
)
def test_destroying_asks_for_the_stages_name_and_says_what_happens_to_its_data(
    account_region, said, name, retained
):
    stage, asked = Stage.load(name), []

    def ask(question):
        asked.append(question)
        return name

    Consent(confirmed=False, terminal=True, ask=ask).to_destroy(stage, account_region, said.append)
    assert retained in asked[0]


@pytest.mark.parametrize("typed", ["y", "", "dev"])
def test_another_name_destroys_nothing(account_region, said, typed):
    with pytest.raises(InfraError, match="nothing was destroyed"):
        answering(typed).to_destroy(Stage.load("prod"), account_region, said.append)


def test_destroying_without_a_terminal_needs_the_name_as_an_option(dev, account_region, said):
    with pytest.raises(InfraError, match="confirm with --confirm dev"):
        answering(terminal=False).to_destroy(dev, account_region, said.append)


def test_a_stage_can_fix_its_account_and_region(dev, clients):
    here = replace(dev, account="123456789012", region="us-east-1")
    assert AccountRegion.of(here, clients).caller == CALLER
    with pytest.raises(InfraError, match="in account 999999999999, but the credentials are for"):
        AccountRegion.of(replace(dev, account="999999999999"), clients)
    with pytest.raises(InfraError, match="stage dev is in eu-west-1, not in us-east-1"):
        AccountRegion.of(replace(dev, region="eu-west-1"), clients)


def test_an_option_overrides_the_stages_region(dev, monkeypatch):
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    mine = replace(dev, region="eu-west-1")
    assert Clients.of(mine, None).region == "eu-west-1"
    assert Clients.of(mine, None, "us-east-1").region == "us-east-1"
