"""The local environment as a whole: up with one call, down with another."""

import json
import shlex

from infra.clients import ACCESS_KEY, LOCAL_REGION, SECRET_KEY, Clients
from infra.deploy import deploy
from infra.errors import InfraError
from infra.local.docker import Docker, Engine, Programs
from infra.local.emulator import Embedded, Emulator
from infra.local.places import RUN
from infra.local.policies import from_topic
from infra.local.processes import Say
from infra.outputs import Outputs
from infra.stages import Stage

SAMPLE = "infra/local/samples/cat.jpg"


def clients_on(port: int) -> Clients:
    """Clients for the emulator on this port of this machine."""
    return Clients(f"http://localhost:{port}", LOCAL_REGION)


def up(emulator: Emulator, port: int, say: Say) -> Outputs:
    """Start the emulator and deploy to it; what runs and is deployed already stays as it is.

    InfraError if something fails; then nothing is left running that did not run before.
    """
    started = emulator.start(say)
    try:
        stage = Stage.load("local")
        return deploy(stage, clients_on(port), emulator.target(), say, emulator.rekognition)
    except BaseException:
        if started:
            emulator.stop()
        raise


def down(programs: Programs, say: Say) -> None:
    """Stop everything of ours on every port. What the emulators held is forgotten."""
    ports = sorted(int(home.name) for home in RUN.glob("*") if home.name.isdigit())
    stopped = [port for port in ports if Embedded(port).stop()]
    for port in stopped:
        say(f"stopped MiniStack and the local Rekognition (port {port})")
    if engine := Engine.find(programs):
        _containers_down(engine, say)
    elif not stopped:
        say("nothing was running")


def _containers_down(engine: Engine, say: Say) -> None:
    try:
        Docker(engine, port=4566).stop()
    except InfraError:
        return  # an engine without compose: so nothing of ours runs there
    say("no containers of ours are running")


def how_to_use(outputs: Outputs, name: str) -> list[str]:
    """What is where, and the lines to copy for the aws command line."""
    notifications = outputs.topics["notifications"]
    credentials = f"AWS_ACCESS_KEY_ID={ACCESS_KEY} AWS_SECRET_ACCESS_KEY={SECRET_KEY}"
    aws = f"aws --endpoint-url {outputs.endpoint}"
    subscribe = f"{aws} sns subscribe --topic-arn {notifications}"
    queue = f"arn:aws:sqs:{outputs.region}:{outputs.account}:mine"
    policy = shlex.quote(json.dumps({"Policy": json.dumps(from_topic(notifications, queue))}))
    return [
        f"Darkroom runs on {name} at {outputs.endpoint}",
        "",
        f"  uploads        s3://{outputs.buckets['uploads']}",
        f"  processed      s3://{outputs.buckets['processed']}",
        f"  notifications  {notifications}",
        f"  events         {outputs.topics['events']}",
        "",
        "Upload with the aws command line:",
        f"  export {credentials} AWS_DEFAULT_REGION={outputs.region}",
        f"  {aws} s3 cp {SAMPLE} s3://{outputs.buckets['uploads']}/any/key.jpg",
        "",
        "Subscribe (a queue has to let the topic in, here as on AWS):",
        f"  {subscribe} --protocol email --notification-endpoint you@example.com",
        f"  {subscribe} --protocol http --notification-endpoint http://localhost:8000/",
        f"  {aws} sqs create-queue --queue-name mine --attributes {policy}",
        f"  {subscribe} --protocol sqs --notification-endpoint {queue}",
        "",
        "Or without it: make demo, make upload FILE=photo.jpg, make follow",
        "Stop: make local-down",
    ]
