"""What a deployment costs each month, whether anything is uploaded or not."""

from collections.abc import Iterable
from dataclasses import dataclass

from infra.cloudformation.template import template
from infra.config.definitions import Definition
from infra.config.stages import Stage
from infra.planning.prices import Prices

MONTH = 30 * 86_400  # s
POLL = 20  # s that Lambda waits on an empty queue for a message
POLLERS = 5
"""Of each event source, always: Lambda goes down to two only where no MaximumConcurrency is set.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""


@dataclass(frozen=True)
class Standing:
    """Dollars a month for polling by so many event sources, and for so many alarms."""

    sources: int
    polling: float
    alarms: int
    alarming: float


def standing(stage: Stage, everyone: Iterable[Definition], prices: Prices) -> Standing:
    """Counted off the template: what looks at queues, and what watches."""
    kinds = [made["Type"] for made in template(tuple(everyone), stage)["Resources"].values()]
    sources = kinds.count("AWS::Lambda::EventSourceMapping")
    alarms = kinds.count("AWS::CloudWatch::Alarm")
    polls = sources * POLLERS * MONTH / POLL
    return Standing(sources, polls * prices.sqs.request, alarms, alarms * prices.alarms.month)
