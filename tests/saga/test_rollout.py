"""Old and new versions of a service at work side by side, as in every rollout and every rollback.

A version is added the way docs/runbook.md says: first every consumer handles it, then it
is published instead of the old one, and never both for one run.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any, ClassVar

import pytest

from shared.contracts.envelope import Envelope, Event
from shared.contracts.images import ImageReplayed, ImageResized, ImageUploaded
from shared.delivery import Service, Step, StepContext
from tests.lab.simulator.scripted import ScriptedSaga
from tests.lab.simulator.simulation import Sent
from tests.saga.test_replay import CAT

NEW = "image.resized.v2"


@pytest.fixture
def resized_v2() -> Iterator[type[ImageResized]]:
    """What ``image.resized`` may become: a field more that its readers cannot do without."""

    class ImageResizedV2(ImageResized):
        """The original was read and its renditions were made, by a named profile."""

        type: ClassVar[str] = NEW
        profile: str

    yield ImageResizedV2
    del Event.registry[NEW]


class Rollout(ScriptedSaga):
    """A saga in which some services run in two versions, and either version takes a message.

    ``subscribed`` names services that receive every type, also one that they do not consume.
    """

    random: Random

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.versions = {name: [service] for name, service in self.services.items()}
        self.subscribed: set[str] = set()

    def handle(self, message: Sent) -> None:
        if not message.dead:
            version = self.random.choice(self.versions[message.service])
            self.services[message.service] = version
        super().handle(message)

    def publish(self, envelope: Envelope) -> None:
        """Send it to each service that has a version for it: the stack subscribes those."""
        self.published.append(envelope)
        for name, services in self.versions.items():
            consumed = any(type(envelope.data) in service.routes for service in services)
            if consumed or (envelope.type == NEW and name in self.subscribed):
                self.send(name, envelope.type, envelope.to_json())


def answering(service: Service, kind: type[ImageResized]) -> Service:
    """The service's next version: it answers the new type as well as the old."""
    routes = {**service.routes, kind: service.routes[ImageResized]}
    return replace(service, routes=routes)


def announcing(service: Service, kind: type[ImageResized]) -> Service:
    """The next version of ``resize``: it announces the new type instead of the old."""

    def renewed(route: Any) -> Step:
        def act(event: Any, context: StepContext) -> Iterator[Event]:
            for each in route.run(event, context):
                old = isinstance(each, ImageResized)
                yield kind(**each.model_dump(), profile="J") if old else each

        return replace(route, run=act)

    changed = {cause: renewed(service.routes[cause]) for cause in (ImageUploaded, ImageReplayed)}
    return replace(service, routes={**service.routes, **changed})


def rolling_out(seed: int, kind: type[ImageResized], *, consumers: bool) -> Rollout:
    """``resize`` in its old and its new version at once; the others are new if ``consumers``."""
    saga = Rollout(seed)
    services = saga.services
    saga.versions["resize"].append(announcing(services["resize"], kind))
    if consumers:
        for name in ("analyze", "store"):
            saga.versions[name] = [answering(services[name], kind)]
    return saga


@pytest.mark.parametrize("seed", range(10))
def test_both_versions_end_alike_and_cost_the_same(
    seed: int, resized_v2: type[ImageResized]
) -> None:
    saga = rolling_out(seed, resized_v2, consumers=True)
    for n in range(8):
        saga.upload(CAT + bytes([n]), f"{n}.jpg")
    saga.run()
    assert saga.outcomes() == ["completed"] * 8
    assert set(saga.recognizer.paid.values()) == {1}
    assert len({words.data for words in saga.notifications.sent}) == 8


def test_both_versions_publish(resized_v2: type[ImageResized]) -> None:
    saga = rolling_out(1, resized_v2, consumers=True)
    for n in range(8):
        saga.upload(CAT + bytes([n]), f"{n}.jpg")
    saga.run()
    said = {envelope.type for envelope in saga.published}
    assert {ImageResized.type, NEW} <= said


def test_rolled_back_with_messages_under_way_nothing_is_lost(
    resized_v2: type[ImageResized],
) -> None:
    saga = rolling_out(3, resized_v2, consumers=True)
    saga.versions["resize"] = saga.versions["resize"][1:]
    saga.upload(CAT)
    while NEW not in {envelope.type for envelope in saga.published}:
        saga.run_for(0)
    saga.versions["resize"] = [rolling_out(3, resized_v2, consumers=True).versions["resize"][0]]
    saga.run()
    assert saga.outcomes() == ["completed"]


def test_an_event_received_too_early_is_stored_and_can_be_sent_again(
    resized_v2: type[ImageResized],
) -> None:
    """Subscribed already, and not yet able to answer: the wrong order."""
    saga = rolling_out(5, resized_v2, consumers=False)
    saga.versions["resize"] = saga.versions["resize"][1:]
    saga.subscribed = {"analyze", "store"}
    saga.upload(CAT)
    saga.run()
    kept = [json.loads(saga.processed.get(key).body) for key in saga.left("dead-letters/")]
    assert (saga.outcomes(), len(kept)) == ([], 2)
    for name in ("analyze", "store"):
        saga.versions[name] = [answering(saga.services[name], resized_v2)]
    for letter in kept:
        saga.post(letter["service"], letter["body"])
    saga.run()
    assert saga.outcomes() == ["completed"]
