"""Old and new versions of a service at work side by side, as in every rollout and every rollback.

A version is added the way docs/runbook.md says: first everyone learns to answer it, then it is
announced instead of the old one, and never both for one run.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import pytest

from shared.contracts.envelope import Envelope, Event
from shared.contracts.images import ImageReplayed, ImageResized, ImageUploaded
from shared.delivery import Service, Step, StepContext
from tests.saga.test_replay import CAT
from tests.saga.world import World

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


@dataclass
class Rollout:
    """A world in which some services run in two versions, and either takes a message."""

    world: World
    versions: dict[str, list[Service]] = field(default_factory=dict)
    subscribed: set[str] = field(default_factory=set)
    """Services that get every type, whether they answer it or not."""

    def __post_init__(self) -> None:
        for name, service in self.world.services.items():
            self.versions.setdefault(name, [service])
        self.world.publish = self.publish  # type: ignore[method-assign]
        deliver = self.world._deliver

        def to_either(name: str, delivery: Any) -> None:
            self.world.services[name] = self.world.random.choice(self.versions[name])
            deliver(name, delivery)

        self.world._deliver = to_either  # type: ignore[method-assign]

    def publish(self, envelopes: Iterable[Envelope]) -> None:
        """To whoever has a version that answers it: so the stack's subscriptions say."""
        for envelope in envelopes:
            self.world.published.append(envelope)
            for name, services in self.versions.items():
                known = any(type(envelope.data) in service.routes for service in services)
                if known or (envelope.type == NEW and name in self.subscribed):
                    self.world.send(name, envelope.to_json())


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
    world = World(seed)
    services = world.services
    versions = {"resize": [services["resize"], announcing(services["resize"], kind)]}
    if consumers:
        versions |= {name: [answering(services[name], kind)] for name in ("analyze", "store")}
    return Rollout(world, versions)


@pytest.mark.parametrize("seed", range(10))
def test_images_of_both_versions_end_alike_and_cost_the_same(
    seed: int, resized_v2: type[ImageResized]
) -> None:
    rollout = rolling_out(seed, resized_v2, consumers=True)
    world = rollout.world
    for n in range(8):
        world.upload(CAT + bytes([n]), f"{n}.jpg")
    world.run()
    assert world.outcomes() == ["completed"] * 8
    assert set(world.recognizer.paid.values()) == {1}
    assert len({words.data for words in world.told.heard}) == 8


def test_both_versions_are_seen_in_it(resized_v2: type[ImageResized]) -> None:
    rollout = rolling_out(1, resized_v2, consumers=True)
    for n in range(8):
        rollout.world.upload(CAT + bytes([n]), f"{n}.jpg")
    rollout.world.run()
    said = {envelope.type for envelope in rollout.world.published}
    assert {ImageResized.type, NEW} <= said


def test_rolled_back_with_messages_under_way_nothing_is_lost(
    resized_v2: type[ImageResized],
) -> None:
    rollout = rolling_out(3, resized_v2, consumers=True)
    world = rollout.world
    rollout.versions["resize"] = rollout.versions["resize"][1:]
    world.upload(CAT)
    while NEW not in {envelope.type for envelope in world.published}:
        world.run_for(0)
    rollout.versions["resize"] = [rolling_out(3, resized_v2, consumers=True).versions["resize"][0]]
    world.run()
    assert world.outcomes() == ["completed"]


def test_what_a_service_gets_too_early_is_kept_and_counts_once_it_is_sent_again(
    resized_v2: type[ImageResized],
) -> None:
    """Subscribed already, and not yet able to answer: the wrong order."""
    rollout = rolling_out(5, resized_v2, consumers=False)
    world = rollout.world
    rollout.versions["resize"] = rollout.versions["resize"][1:]
    rollout.subscribed = {"analyze", "store"}
    world.upload(CAT)
    world.run()
    kept = [json.loads(world.processed.get(key).body) for key in world.left("dead-letters/")]
    assert (world.outcomes(), len(kept)) == ([], 2)
    for name in ("analyze", "store"):
        rollout.versions[name] = [answering(world.services[name], resized_v2)]
    for letter in kept:
        world.send(letter["service"], letter["body"])
    world.run()
    assert world.outcomes() == ["completed"]
