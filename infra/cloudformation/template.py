"""The CloudFormation template of a stage: one flat template without transforms or nested stacks."""

from collections.abc import Iterable

from infra.cloudformation import (
    api_gateway,
    auth,
    cfn,
    cloudfront,
    encryption,
    lambda_service,
    messaging,
    observability,
    storage,
)
from infra.cloudformation.cfn import Json
from infra.config.definitions import Definition
from infra.config.stages import Stage
from shared.contracts.cost import Rates

# Defaults of the template's parameters: Lambda's runtime, the local Rekognition's endpoint, and the
# emulator's endpoint as the host reaches it.
RUNTIME = "python3.13"
REKOGNITION = "http://127.0.0.1:4567"
PUBLIC = "http://localhost:4566"


def template(definitions: Iterable[Definition], stage: Stage, rates: Rates | None) -> Json:
    """The template of a stage. The same input gives the same output.

    Code keys, runtime and architecture are parameters, so a new zip does not change the template.
    """
    services = stage.run(definitions)
    created = encryption.resources(stage, storage.deletion_policies(stage))
    created |= storage.buckets(services, stage) | messaging.topics(stage) | storage.tables(stage)
    created |= auth.resources(stage) | api_gateway.account(services, stage)
    created |= cloudfront.resources(services, stage)
    for definition in services:
        created |= lambda_service.resources(definition, services, stage, rates)
    created |= observability.resources(services, stage)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Darkroom, stage {stage.name}: an event-driven image pipeline",
        "Parameters": parameters(services, stage),
        "Resources": created,
        "Outputs": outputs(services, stage),
    }


def parameters(services: tuple[Definition, ...], stage: Stage) -> Json:
    """The parameters: where the zips are, and the runtime and architecture they were built for."""
    code = {cfn.logical(definition.name, "Code"): {"Type": "String"} for definition in services}
    created = {
        "Runtime": {"Type": "String", "Default": RUNTIME},
        "CodeBucket": {"Type": "String"},
        **code,
        **{
            cfn.logical(service.name, "Architecture"): _architecture(service, stage)
            for service in services
        },
    }
    if stage.local:
        created["RekognitionEndpoint"] = {"Type": "String", "Default": REKOGNITION}
        created["PublicEndpoint"] = {"Type": "String", "Default": PUBLIC}
    return created


def _architecture(definition: Definition, stage: Stage) -> Json:
    return {"Type": "String", "Default": definition.function.runs_on(stage.architecture)}


def outputs(services: tuple[Definition, ...], stage: Stage) -> Json:
    """What `python -m infra outputs` reads back (see infra/deploy/outputs.py)."""
    created = {
        "Services": cfn.output(
            ",".join(service.name for service in services), "the names of the services"
        ),
        "Account": cfn.output(cfn.ref("AWS::AccountId"), "the AWS account"),
    }
    for kind in storage.BUCKETS:
        created |= _named(kind, "Bucket")
    for kind in messaging.TOPICS:
        created |= _named(kind, "Topic")
    for kind in storage.TABLES:
        created |= _named(kind, "Table")
    created |= observability.outputs()
    for definition in services:
        created |= _of_service(definition, stage)
    return created | auth.outputs(stage) | cloudfront.outputs(stage)


def _of_service(definition: Definition, stage: Stage) -> Json:
    kinds = ("Queue", "DeadLetters", "Function") if definition.queued else ("Function",)
    address = cfn.logical(definition.name, "Address")
    api = {
        address: cfn.output(api_gateway.address(definition, stage), "the service's HTTP endpoint")
    }
    return (api if definition.http else {}) | {
        cfn.logical(definition.name, kind): cfn.output(
            cfn.ref(cfn.logical(definition.name, kind)), definition.purpose
        )
        for kind in kinds
    }


def _named(kind: str, resource: str) -> Json:
    name = f"{kind.capitalize()}{resource}"
    return {name: cfn.output(cfn.ref(name), f"the {kind} {resource.lower()}")}
