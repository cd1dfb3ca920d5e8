"""Where images are backlog_report: how deep the queues are, and what the functions said last."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.clients import Clients
from infra.deploy.outputs import Outputs
from infra.terminal import table

LINES = 3
"""Log lines of each function that are shown."""
RECENT = 600
"""s. What was logged before has nothing to do with what is backlog_report now."""


@dataclass(frozen=True)
class QueueDepth:
    """How many messages one service's queues hold, as SQS estimates it."""

    service: str
    waiting: int
    at_work: int
    dead: int

    @property
    def empty(self) -> bool:
        return not (self.waiting or self.at_work or self.dead)


def depths(outputs: Outputs, clients: Clients) -> list[QueueDepth]:
    """Every service that has a queue."""
    sqs = clients.client("sqs")
    return [
        QueueDepth(
            service, *_counts(sqs, url), sum(_counts(sqs, outputs.dead_letter_queues[service]))
        )
        for service, url in outputs.queues.items()
    ]


def depth_table(found: Iterable[QueueDepth]) -> list[str]:
    """The queues as lines of a table."""
    rows = [("queue", "waiting", "at work", "dead letters")]
    rows += [(d.service, str(d.waiting), str(d.at_work), str(d.dead)) for d in found]
    return table(rows, "<>>>")


def backlog_report(outputs: Outputs, clients: Clients) -> str:
    """Everything there is to say about why nothing arrives."""
    lines = depth_table(depths(outputs, clients))
    for service, function in outputs.functions.items():
        said = recent_log_lines(clients.client("logs"), function)
        lines += [f"  {service} said last:", *(f"    {line}" for line in said)] if said else []
    return "\n".join(lines)


def recent_log_lines(logs: Any, function: str) -> list[str]:
    """The last lines that a function logged lately; none if there are none to be had."""
    group, since = f"/aws/lambda/{function}", int((time.time() - RECENT) * 1000)
    pages = logs.get_paginator("filter_log_events")
    try:
        found = list(pages.paginate(logGroupName=group, startTime=since).search("events[]"))
    except (BotoCoreError, ClientError):
        return []  # logs are extra: their absence must not hide what is known already
    said = [event["message"].strip() for event in sorted(found, key=lambda e: e["timestamp"])]
    ours = [line for line in said if not line.startswith(("START ", "END ", "REPORT ", "INIT_"))]
    return ours[-LINES:]


def _counts(sqs: Any, url: str) -> tuple[int, int]:
    """Waiting and at work."""
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names))["Attributes"]
    waiting, at_work = (int(counts[name]) for name in names)
    return waiting, at_work
