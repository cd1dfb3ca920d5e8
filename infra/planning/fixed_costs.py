"""What a deployment costs each month, whether anything is uploaded or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.config.prices import Prices

MONTH = 30 * 86_400  # s
POLL = 20  # s that Lambda waits on an empty queue for a message
POLLERS = 5
"""Of each event source, always: Lambda goes down to two only where no MaximumConcurrency is set.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""


@dataclass(frozen=True)
class FixedCosts:
    """Dollars a month for polling by so many event sources, and for so many alarms."""

    sources: int
    polling: float
    alarms: int
    alarming: float


def fixed_costs(template: Mapping[str, Any], prices: Prices) -> FixedCosts:
    """Count the event sources and alarms in a stage's CloudFormation template."""
    kinds = [resource["Type"] for resource in template["Resources"].values()]
    sources = kinds.count("AWS::Lambda::EventSourceMapping")
    alarms = kinds.count("AWS::CloudWatch::Alarm")
    polls = sources * POLLERS * MONTH / POLL
    return FixedCosts(sources, polls * prices.sqs.request, alarms, alarms * prices.alarms.month)
