"""The whole CloudFormation template of a stage, flat: no transform, no nested stack, no macro."""

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

# Used where the deployment says nothing else: AWS's runtime, the local Rekognition's address, and
# the emulator's as people reach it.
RUNTIME = "python3.13"
REKOGNITION = "http://127.0.0.1:4567"
PUBLIC = "http://localhost:4566"


def template(definitions: Iterable[Definition], stage: Stage, rates: Rates | None) -> Json:
    """The template of `definitions` as `stage` runs them; the same input gives the same output.

    Code keys, runtime and architecture are parameters: a new zip changes no template.
    """
    everyone = stage.run(definitions)
    found = encryption.resources(stage, storage.kept(stage))
    found |= storage.buckets(everyone, stage) | messaging.topics(stage) | storage.tables(stage)
    found |= auth.resources(stage) | api_gateway.account(everyone, stage)
    found |= cloudfront.resources(everyone, stage)
    for definition in everyone:
        found |= lambda_service.resources(definition, everyone, stage, rates)
    found |= observability.resources(everyone, stage)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Darkroom, stage {stage.name}: an event-driven image pipeline",
        "Parameters": parameters(everyone, stage),
        "Resources": found,
        "Outputs": outputs(everyone, stage),
    }


def parameters(everyone: tuple[Definition, ...], stage: Stage) -> Json:
    """What a deployment fills in: where the zips are, and what they were built for."""
    code = {cfn.logical(definition.name, "Code"): {"Type": "String"} for definition in everyone}
    found = {
        "Runtime": {"Type": "String", "Default": RUNTIME},
        "CodeBucket": {"Type": "String"},
        **code,
        **{cfn.logical(each.name, "Architecture"): _architecture(each, stage) for each in everyone},
    }
    if stage.local:
        found["RekognitionEndpoint"] = {"Type": "String", "Default": REKOGNITION}
        found["PublicEndpoint"] = {"Type": "String", "Default": PUBLIC}
    return found


def _architecture(definition: Definition, stage: Stage) -> Json:
    return {"Type": "String", "Default": definition.function.runs_on(stage.architecture)}


def outputs(everyone: tuple[Definition, ...], stage: Stage) -> Json:
    """What `python -m infra outputs` reads back (see infra/deploy/outputs.py)."""
    found = {
        "Services": cfn.output(",".join(service.name for service in everyone), "their names"),
        "Account": cfn.output(cfn.ref("AWS::AccountId"), "where this runs"),
    }
    for kind in storage.BUCKETS:
        found |= _named(kind, "Bucket")
    for kind in messaging.TOPICS:
        found |= _named(kind, "Topic")
    for kind in storage.TABLES:
        found |= _named(kind, "Table")
    found |= observability.outputs()
    for definition in everyone:
        found |= _of_service(definition, stage)
    return found | auth.outputs(stage) | cloudfront.outputs(stage)


def _of_service(definition: Definition, stage: Stage) -> Json:
    kinds = ("Queue", "DeadLetters", "Function") if definition.queued else ("Function",)
    where = cfn.logical(definition.name, "Address")
    door = {where: cfn.output(api_gateway.address(definition, stage), "where it answers HTTP")}
    return (door if definition.http else {}) | {
        cfn.logical(definition.name, kind): cfn.output(
            cfn.ref(cfn.logical(definition.name, kind)), definition.purpose
        )
        for kind in kinds
    }


def _named(kind: str, what: str) -> Json:
    name = f"{kind.capitalize()}{what}"
    return {name: cfn.output(cfn.ref(name), f"the {kind} {what.lower()}")}
