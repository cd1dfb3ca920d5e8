"""Show why images are stuck: the depth of the queues and the latest log lines of the functions."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.clients import Clients
from infra.deploy.outputs import Outputs
from infra.terminal import table

LINES = 3
"""How many log lines of each function the report shows."""
RECENT = 600
"""s. Older log lines are unrelated to the current backlog."""


@dataclass(frozen=True)
class QueueDepth:
    """How many messages a service's queue and dead-letter queue hold, as SQS estimates it."""

    service: str
    waiting: int
    in_flight: int
    dead: int

    @property
    def empty(self) -> bool:
        return not (self.waiting or self.in_flight or self.dead)


def depths(outputs: Outputs, clients: Clients) -> list[QueueDepth]:
    """The queue depth of every service that has a queue."""
    sqs = clients.client("sqs")
    return [
        QueueDepth(
            service, *_counts(sqs, url), sum(_counts(sqs, outputs.dead_letter_queues[service]))
        )
        for service, url in outputs.queues.items()
    ]


def depth_table(depths: Iterable[QueueDepth]) -> list[str]:
    """The queue depths as lines of a table."""
    rows = [("queue", "waiting", "in flight", "dead letters")]
    rows += [(d.service, str(d.waiting), str(d.in_flight), str(d.dead)) for d in depths]
    return table(rows, "<>>>")


def backlog_report(outputs: Outputs, clients: Clients) -> str:
    """The queue depths, and the latest log lines of each function that logged recently."""
    report = depth_table(depths(outputs, clients))
    for service, function in outputs.functions.items():
        lines = recent_log_lines(clients.client("logs"), function)
        if lines:
            report += [f"  latest log lines of {service}:", *(f"    {line}" for line in lines)]
    return "\n".join(report)


def recent_log_lines(logs: Any, function: str) -> list[str]:
    """The latest lines that a function logged; empty if there are none or they cannot be read."""
    group, since = f"/aws/lambda/{function}", int((time.time() - RECENT) * 1000)
    pages = logs.get_paginator("filter_log_events")
    try:
        events = list(pages.paginate(logGroupName=group, startTime=since).search("events[]"))
    except (BotoCoreError, ClientError):
        return []  # without logs, the queue depths are still reported
    lines = [event["message"].strip() for event in sorted(events, key=lambda e: e["timestamp"])]
    own = [line for line in lines if not line.startswith(("START ", "END ", "REPORT ", "INIT_"))]
    return own[-LINES:]


def _counts(sqs: Any, url: str) -> tuple[int, int]:
    """How many messages are waiting, and how many are in flight."""
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names))["Attributes"]
    waiting, in_flight = (int(counts[name]) for name in names)
    return waiting, in_flight
