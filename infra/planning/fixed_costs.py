"""Fixed costs: what a deployment costs each month without any upload."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.config.prices import Prices

MONTH = 30 * 86_400  # s
POLL = 20  # s; Lambda's long polling of an empty queue
POLLERS = 5
"""Pollers of each event source. Lambda scales down to two only without MaximumConcurrency.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""


@dataclass(frozen=True)
class FixedCosts:
    """Dollars a month for the polling of event sources and for alarms."""

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
