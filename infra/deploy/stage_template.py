"""A stage's CloudFormation template, with the rates that planning computes for it."""

from collections.abc import Iterable

from infra.cloudformation.cfn import Json
from infra.cloudformation.lambda_service import reports_cost
from infra.cloudformation.template import template
from infra.config.definitions import Definition
from infra.config.stages import Stage
from infra.planning.rates import rates


def stage_template(services: Iterable[Definition], stage: Stage) -> Json:
    """The template of `services` as `stage` runs them; the same input gives the same output."""
    all_services = tuple(services)
    priced = any(reports_cost(service) for service in all_services)
    return template(all_services, stage, rates(stage, all_services) if priced else None)
