"""What the runbook says to type can be typed."""

import re
import shlex
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from infra.cli.main import parser

TEXT = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text()
IMAGE = "917cc51b-e36d-551f-b1b3-15e7c7dbedff"
STANDS_FOR = {
    "SERVICE…": "",
    "SERVICE": "resize",
    "IMAGE…": IMAGE,
    "IMAGE": IMAGE,
    "STAGE": "analyze",
}
OF_THE_CLI = {"query", "endpoint-url", "region", "output"}
RENAMED = {"notification-endpoint": "endpoint"}
"""Options that are the CLI's own, and one that it calls otherwise than the API."""


def commands(start):
    """Every line of the runbook's code that starts so, in words."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)).replace("\\\n", " ")
    inline = "\n".join(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)))
    for line in f"{blocks}\n{inline}".splitlines():
        if line.startswith(start):
            yield shlex.split(filled(line.removeprefix(start)), comments=True)


def filled(line):
    """With something in the place of each word that stands for it."""
    for word, value in STANDS_FOR.items():
        line = line.replace(word, value)
    return line


INFRA = [*commands("python -m infra ")]
AWS = [*commands("aws ")]


def test_there_is_something_to_type():
    assert len(INFRA) > 15
    assert len(AWS) > 5


@pytest.mark.parametrize("words", INFRA, ids=" ".join)
def test_a_command_of_ours_is_one(words):
    assert callable(parser().parse_args(words).run)


@pytest.mark.parametrize("words", AWS, ids=" ".join)
def test_a_command_of_aws_has_the_operation_and_the_options_it_names(words):
    service, operation = words[:2]
    model = botocore.session.Session().get_service_model(service)
    named = {xform_name(name, "-"): name for name in model.operation_names}
    known = {
        xform_name(name, "-")
        for name in model.operation_model(named[operation]).input_shape.members
    }
    options = {word[2:].removeprefix("no-") for word in words if word.startswith("--")} - OF_THE_CLI
    assert {RENAMED.get(option, option) for option in options} <= known
