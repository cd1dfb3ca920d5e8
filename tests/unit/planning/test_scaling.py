"""The fluid model against results that can be calculated by hand."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from infra.planning.quotas import Quotas
from infra.planning.scaling import FINE, NOTHING, Cap, Queue, flow

QUOTAS = Quotas.load()
START = QUOTAS.event_source.batches_at_start

seconds = st.floats(0.01, 5)
counts = st.integers(1_000, 1_000_000)
concurrency = st.integers(2, 1000)


def line(*times, caps=()):
    """Consecutive queues of different services. The last queue has the caps."""
    names = [f"q{n}" for n in range(len(times))]
    return tuple(
        Queue(name, f"s{n}", time, names[n - 1] if n else None, caps if n == len(times) - 1 else ())
        for n, (name, time) in enumerate(zip(names, times, strict=True))
    )


def through(images, queues, workers, quotas=QUOTAS):
    return flow(images, queues, {queue.service: workers for queue in queues}, quotas)


@settings(max_examples=20)
@given(counts, st.lists(seconds, min_size=1, max_size=4), concurrency)
def test_every_image_passes_every_queue(images, times, workers):
    traces = through(images, line(*times), workers).queues.values()
    for trace in traces:
        assert trace.arrived == pytest.approx(images, rel=1e-6)
        assert trace.done == pytest.approx(trace.arrived, rel=1e-6)


@settings(max_examples=20)
@given(counts, st.lists(seconds, min_size=1, max_size=3), concurrency)
def test_waiting_messages_follow_littles_law(images, times, workers):
    """Little's law: the area below the waiting messages equals the sum of all waits."""
    result = through(images, line(*times), workers)
    for trace in result.queues.values():
        step = max(1.0, result.seconds * FINE)
        assert abs(trace.waited - trace.area) <= images * step * (1 + 1e-6)


@settings(max_examples=20)
@given(counts, seconds, concurrency)
def test_a_queue_takes_its_backlog_over_its_rate_plus_scaling_time(images, time, workers):
    quotas = replace(QUOTAS, account=replace(QUOTAS.account, concurrency=10_000))
    rate = workers / time
    growing = max(0, workers - START) / QUOTAS.event_source.batches_a_minute * 60
    took = through(images, line(time), workers, quotas).seconds
    assert images / rate <= took * (1 + FINE) + 1
    assert took <= (images / rate + growing) * (1 + FINE) + time + 2


@settings(max_examples=20)
@given(counts, st.lists(seconds, min_size=1, max_size=3), concurrency, st.integers(1, 500))
@example(13081, [3.0, 2.0, 4.0], 469, 32)
@example(12015, [5.0, 1.5, 5.0], 664, 12)
def test_more_concurrency_never_takes_longer(images, times, workers, more):
    """In an account with enough concurrency; within a smaller one, queues slow each other down."""
    quotas = replace(QUOTAS, account=replace(QUOTAS.account, concurrency=10_000))
    queues = line(*times)
    some = through(images, queues, workers, quotas).seconds
    others = through(images, queues, min(1000, workers + more), quotas).seconds
    assert others <= some * (1 + 10 * FINE) + 2


@settings(max_examples=20)
@given(counts, counts, seconds, concurrency)
def test_more_images_never_take_less_time(some, others, time, workers):
    fewer, more = sorted((some, others))
    queues = line(time, time / 2)
    assert through(fewer, queues, workers).seconds <= through(more, queues, workers).seconds + 2


@settings(max_examples=20)
@given(counts, st.floats(1, 500))
def test_a_cap_is_never_exceeded(images, rate):
    queues = line(0.01, 0.01, caps=(Cap("the cap", rate),))
    assert through(images, queues, 1000).seconds * (1 + FINE) >= images / rate


def test_the_bottleneck_is_the_slowest_part():
    slow_last = line(0.01, 2.0)
    assert through(100_000, slow_last, 10).bottleneck == "s1: its concurrency"
    capped = line(0.01, 0.01, caps=(Cap("the cap", 5),))
    assert through(10_000, capped, 100).bottleneck == "the cap"
    scaling = through(20_000, line(5.0), 1000).bottleneck
    assert scaling == "s0: its event source is still scaling up"


def test_the_account_s_concurrency_is_shared():
    tight = replace(QUOTAS, account=replace(QUOTAS.account, concurrency=100))
    result = through(1_000_000, line(1.0, 1.0), 100, tight)
    assert result.bottleneck.startswith("Lambda: concurrent executions")
    assert result.seconds == pytest.approx(1_000_000 / 50, rel=0.02)


def test_two_queues_of_one_service_share_its_functions():
    first, second = line(0.001, 1.0)
    both = (first, replace(second, name="a"), replace(second, name="b", after="a"))
    assert through(10_000, both, 10).seconds == pytest.approx(10_000 * 2 / 10, rel=0.03)


def test_a_few_images_do_not_wait():
    result = through(3, line(0.1, 0.2), 10)
    assert result.seconds == pytest.approx(1 + 0.3)
    assert result.bottleneck == NOTHING


def test_a_growing_cap_doubles_up_to_its_maximum():
    cap = Cap("table", 10, doubling=60, most=35)
    assert [cap.at(t) for t in (0, 59, 60, 119, 120, 1e9)] == [10, 10, 20, 20, 35, 35]
    assert cap.lasting == 35


def test_an_event_source_starts_with_five_batches_and_adds_300_a_minute():
    result = [QUOTAS.event_source.batches(t) for t in (0, 60, 120, 249, 1e6)]
    assert result == [5, 305, 605, 1250, 1250]
