"""Commands to copy for the aws command line. Each one works as printed."""

import json
import shlex

from infra.clients import ACCESS_KEY, SECRET_KEY
from infra.deploy.outputs import Outputs
from infra.local.policies import from_topic

CREDENTIALS = f"AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={SECRET_KEY}"
SAMPLE = "infra/local/samples/cat.jpg"
"""Relative to the top folder of the checkout."""


def how_to_use(outputs: Outputs, page: str, name: str, this_machine: str) -> list[str]:
    """The addresses of the local environment, and commands to copy for the aws command line.

    ``page`` is the page's address, or the reason why there is none. ``name`` is the emulator's
    name; ``this_machine`` is the host name under which it reaches this machine.
    """
    notifications = outputs.topics["notifications"]
    aws = f"aws --endpoint-url {outputs.endpoint}"
    subscribe = f"{aws} sns subscribe --topic-arn {notifications}"
    queue = f"arn:aws:sqs:{outputs.region}:{outputs.account}:mine"
    policy = shlex.quote(json.dumps({"Policy": json.dumps(from_topic(notifications, queue))}))
    return [
        f"Darkroom runs on {name} at {outputs.endpoint}",
        "",
        f"  page           {page}",
        f"  uploads        s3://{outputs.buckets['uploads']}",
        f"  processed      s3://{outputs.buckets['processed']}",
        f"  notifications  {notifications}",
        f"  events         {outputs.topics['events']}",
        *(f"  {name:<13}  {url}" for name, url in outputs.addresses.items()),
        "",
        "Upload with the aws command line:",
        f"  export {CREDENTIALS} AWS_DEFAULT_REGION={outputs.region}",
        f"  {aws} s3 cp {SAMPLE} s3://{outputs.buckets['uploads']}/any/key.jpg",
        "",
        "Subscribe (as on AWS, a queue needs a policy for the topic; a web server has to confirm):",
        f"  {subscribe} --protocol email --notification-endpoint you@example.com",
        f"  {subscribe} --protocol http --notification-endpoint http://{this_machine}:8000/",
        f"  {aws} sqs create-queue --queue-name mine --attributes {policy}",
        f"  {subscribe} --protocol sqs --notification-endpoint {queue}",
        "",
        "Without the aws command line: make demo, make upload FILE=photo.jpg, make follow",
        "Stop: make local-down",
    ]
