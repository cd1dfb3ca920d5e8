"""What each function asks of AWS, recorded while everything happens to it that its code foresees,
against what its role allows: nothing is missing, and nothing is there for no reason.

On MiniStack with ``AUTH=true``, through one recording proxy for each function. What AWS asks in the
functions' names is not seen here, and stands in PLATFORM.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import pytest
import requests

from infra.config.definitions import definitions
from infra.config.stages import Stage
from infra.deploy.deploy import deploy
from infra.local.ministack import ENVIRONMENT
from infra.packaging.package import Target
from shared.contracts.envelope import Envelope
from shared.contracts.images import ImageResized
from shared.contracts.record import RunStatus
from shared.delivery import CLOCK_SKEW
from tests.contract.samples import AT, RESIZED
from tests.e2e.rights import Grant, Need, Recorder, grants
from tests.e2e.stack import DEADLINE
from tests.e2e.stack import Stack as Deployed
from tests.fakes import s3_notification
from tests.lab.chaos.calls import Call
from tests.lab.chaos.faults import Fault, Kind, none

PLATFORM = frozenset(
    {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
    }
)
"""What Lambda does with a function's role: it writes its log, and takes its messages."""

QUEUED = ("analyze", "forward", "notify", "resize", "store")


@dataclass(frozen=True)
class Bench:
    """The deployed stage, and what stands between each function and the emulator."""

    stack: Deployed
    recorders: dict[str, Recorder]
    cat: bytes

    def ask(self, method: str, path: str, **more: Any) -> Any:
        address = self.stack.outputs.addresses["api"] + path
        answer = requests.request(method, address, timeout=DEADLINE, **more)
        assert answer.status_code < 500, answer.text
        return answer.json()

    def ticket(self, name: str) -> Any:
        wanted = {"fileName": name, "fileType": "image/jpeg", "fileSize": len(self.cat)}
        return self.ask("POST", "/upload-url", json=wanted | {"owner": "ann"})["uploads"][0]

    def posted(self, name: str) -> str:
        ticket = self.ticket(name)
        form = ticket["post"]
        sent = requests.post(
            form["url"], data=form["fields"], files={"file": self.cat}, timeout=DEADLINE
        )
        assert sent.status_code == 204, sent.text
        return str(ticket["image"])

    def put(self, name: str) -> str:
        ticket = self.ticket(name)
        how = ticket["put"]
        sent = requests.put(how["url"], self.cat, headers=how["headers"], timeout=DEADLINE)
        assert sent.status_code == 200, sent.text
        return str(ticket["image"])

    def until(self, image: str, done: Callable[[Any], bool]) -> Any:
        end = time.monotonic() + DEADLINE
        while not done(seen := self.ask("GET", f"/results/{image}")):
            assert time.monotonic() < end, seen
            time.sleep(0.3)
        self.stack.wait_until_idle()
        return seen

    def completed(self, image: str, run: int = 0) -> Any:
        return self.until(
            image, lambda said: (said.get("status"), said.get("run")) == ("completed", run)
        )

    def send(self, service: str, body: str) -> None:
        queue = self.stack.outputs.queues[service]
        self.stack.client("sqs").send_message(QueueUrl=queue, MessageBody=body)

    def published(self, service: str, kind: str) -> str:
        """What the service last announced of this type, as it was sent."""
        asked = (request for request in self.recorders[service].tape.requests)
        sent = [dict(parse_qsl(one.body.decode())) for one in asked if one.service == "sns"]
        return [said["Message"] for said in sent if kind in said["Message"]][-1]

    @contextmanager
    def told(self, service: str, **changed: str) -> Iterator[None]:
        """The service's function with these settings changed; as it was, afterwards."""
        client, name = self.stack.client("lambda"), self.stack.outputs.functions[service]
        before = client.get_function_configuration(FunctionName=name)["Environment"]
        variables = {"Variables": before["Variables"] | changed}
        client.update_function_configuration(FunctionName=name, Environment=variables)
        try:
            yield
        finally:
            client.update_function_configuration(FunctionName=name, Environment=before)

    @contextmanager
    def failing(self, service: str, name: str, times: int) -> Iterator[None]:
        """The service's next calls of this name are answered with 503, so many times."""
        left = [times]

        def draw(call: Call) -> Fault | None:
            if call.name != name or not left[0]:
                return None
            left[0] -= 1
            return Fault(Kind.ERROR, status=503)

        self.recorders[service].draw = draw
        try:
            yield
        finally:
            self.recorders[service].draw = none
        assert left == [0]


@pytest.fixture(scope="module")
def bench(ministack: Deployed, cat: Path) -> Iterator[Bench]:
    """The local stage once more, under another name: each function reaches AWS by its recorder."""
    emulator = urlsplit(ministack.outputs.endpoint or "").port or 0
    function = ministack.outputs.functions["analyze"]
    known = ministack.client("lambda").get_function_configuration(FunctionName=function)
    rekognition = known["Environment"]["Variables"]["AWS_ENDPOINT_URL_REKOGNITION"]
    services = dict.fromkeys(("rekognition", "bedrock"), urlsplit(rekognition).port or 0)
    with ExitStack() as running:
        recorders = {
            service.name: running.enter_context(Recorder(emulator, services))
            for service in definitions()
        }
        variables = {name: _through(recorder) for name, recorder in recorders.items()}
        local = Stage.load("local")
        for name, own in local.service_variables.items():
            variables[name] |= own
        optional = tuple(each.name for each in definitions() if each.optional)
        stage = replace(local, name="rights", service_variables=variables, also=optional)
        target = Target.here(ENVIRONMENT.python)
        outputs = deploy(stage, ministack.clients, target, print, rekognition)
        yield Bench(Deployed(outputs, ministack.clients), recorders, cat.read_bytes())
        for recorder in recorders.values():
            recorder.must_be_sound()


def _through(recorder: Recorder) -> dict[str, str]:
    """All that a function, and whoever got a presigned URL from it, knows of AWS."""
    models = ("AWS_ENDPOINT_URL_REKOGNITION", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME")
    names = ("AWS_ENDPOINT_URL", *models, "PUBLIC_ENDPOINT")
    return dict.fromkeys(names, recorder.endpoint)


def an_image_lives(bench: Bench) -> None:
    """Sent twice, the same content; analysed anew, replayed, asked for in every way; deleted."""
    with ExitStack() as troubles:  # each service gives one message back, and takes it again
        for service in ("resize", "analyze", "notify", "forward"):
            troubles.enter_context(bench.failing(service, "dynamodb UpdateItem claim", 3))
        troubles.enter_context(bench.failing("store", "dynamodb GetItem", 3))
        first = bench.posted("first.jpg")
        bench.completed(first)
    second = bench.put("second.jpg")
    shown = bench.completed(second)
    assert requests.get(shown["thumbnail"]["url"], timeout=DEADLINE).status_code == 200
    for path in ("", "/analysis", "/similar"):
        bench.ask("GET", f"/results/{first}{path}")
    for path in ("/results", "/results?label=Cat&owner=ann", "/labels"):
        bench.ask("GET", path)
    bench.ask("POST", f"/results/{first}/replay", json={"analyzeOnly": True})
    bench.completed(first, run=1)
    bench.ask("POST", f"/results/{first}/replay", json={})
    bench.completed(first, run=2)
    for image in (first, second):
        bench.ask("DELETE", f"/results/{image}")
        bench.until(image, lambda said: said.get("code") == "image-deleted")


def events_come_again(bench: Bench) -> None:
    """Word for word: the ledger is asked what became of the first."""
    bench.send("analyze", bench.published("resize", "image.resized.v1"))
    bench.send("resize", bench.published("store", "image.replayed.v1"))
    bench.stack.wait_until_idle()


def a_worker_outlives_its_lease(bench: Bench) -> None:
    """It ends as soon as it begins: so before telling anyone `notify` reads the record, and leaves
    it to the next try, which has a lease that lasts. `forward` does alike.
    """
    for service in ("notify", "forward"):
        tape, key = bench.recorders[service].tape, f"rights/late-{service}.jpg"
        with bench.stack.listening() as listener:
            with bench.told(service, FUNCTION_TIMEOUT=str(-CLOCK_SKEW)):
                bench.stack.upload(key, bench.cat)
                end = time.monotonic() + DEADLINE
                while not any("-records" in need.arn for need in tape.needs()):
                    assert time.monotonic() < end, "the record was never read"
                    time.sleep(0.3)
            listener.hear(key)


def an_analysis_is_gone(bench: Bench) -> None:
    """Between two versions of it, nothing stands there for a moment."""
    image = bench.posted("gone.jpg")
    bench.completed(image)
    bucket = bench.stack.outputs.buckets["processed"]
    (document,) = [key for key in bench.stack.made(image) if key.startswith("analyses/")]
    bench.stack.client("s3").delete_object(Bucket=bucket, Key=document)
    assert bench.ask("GET", f"/results/{image}/analysis")["code"] == "not-analyzed"


def s3_names_no_version(bench: Bench) -> None:
    """As it does of a bucket that keeps none."""
    key, bucket = "rights/plain.jpg", bench.stack.outputs.buckets["uploads"]
    with bench.stack.listening() as listener:
        bench.stack.upload(key, bench.cat)
        listener.hear(key)
    with bench.stack.listening() as listener:
        bench.send("resize", s3_notification((bucket, key, bench.cat), version=None))
        image = listener.hear(key)[key]["image"]
    bench.ask("DELETE", f"/results/{image}")
    bench.until(image, lambda said: said.get("code") == "image-deleted")


def an_original_is_gone(bench: Bench) -> None:
    image = bench.put("lost.jpg")
    key = bench.completed(image)["source"]["key"]
    s3, bucket = bench.stack.client("s3"), bench.stack.outputs.buckets["uploads"]
    for version in s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]:
        s3.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])
    bench.ask("POST", f"/results/{image}/replay", json={})
    bench.until(image, lambda said: said["runs"][-1]["status"] == RunStatus.FAILED)


def an_upload_fails(bench: Bench) -> None:
    with bench.stack.listening() as listener:
        bench.stack.upload("rights/text.jpg", b"no picture")
        listener.hear("rights/text.jpg")


def poison_is_buried(bench: Bench) -> None:
    """On every queue; and one message that was to do something for a run is reported, and goes with
    its image.
    """
    for service in QUEUED:
        bench.send(service, "this is not JSON")
    bench.stack.wait_until_idle()
    resized = _resized()
    killed = Envelope.first(resized, "darkroom/resize", AT, "worker-died").to_json()
    dead = bench.stack.outputs.dead_letter_queues["analyze"]
    bench.stack.client("sqs").send_message(QueueUrl=dead, MessageBody=killed)
    bench.stack.wait_until_idle()
    bench.ask("DELETE", f"/results/{resized.image}")
    bench.until(resized.image, lambda said: said.get("code") == "image-deleted")


def reap_sweeps(bench: Bench) -> None:
    """A run that fell silent, in two pieces, because the first had no time left."""
    bench.send("store", Envelope.first(_resized(), "darkroom/resize", AT, "silent").to_json())
    bench.stack.wait_until_idle()
    client, name = bench.stack.client("lambda"), bench.stack.outputs.functions["reap"]
    for hurry in ("100000", "100000", "120"):
        with bench.told("reap", SILENCE_HOURS="0", WORST_CASE=hurry):
            answer = client.invoke(FunctionName=name, Payload=b"{}")
        assert "FunctionError" not in answer, answer["Payload"].read()
    bench.stack.wait_until_idle()


def _resized() -> ImageResized:
    return RESIZED.model_copy(update={"image": str(uuid4())})


HAPPENINGS = (
    an_image_lives,
    events_come_again,
    a_worker_outlives_its_lease,
    an_analysis_is_gone,
    s3_names_no_version,
    an_original_is_gone,
    an_upload_fails,
    poison_is_buried,
    reap_sweeps,
)


@pytest.fixture(scope="module")
def needed(bench: Bench) -> dict[str, set[Need]]:
    """What each function asked for, once all of this has happened."""
    for happening in HAPPENINGS:
        happening(bench)
    return {name: recorder.tape.needs() for name, recorder in bench.recorders.items()}


@pytest.fixture(scope="module")
def granted(bench: Bench) -> dict[str, list[Grant]]:
    """What each function's role allows, as it is deployed."""
    return {name: list(_grants(bench, name)) for name in bench.recorders}


def _grants(bench: Bench, service: str) -> Iterator[Grant]:
    function = bench.stack.outputs.functions[service]
    found = bench.stack.client("lambda").get_function_configuration(FunctionName=function)
    role, iam = found["Role"].rpartition("/")[2], bench.stack.client("iam")
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        yield from grants(json.loads(policy) if isinstance(policy, str) else policy)


def test_a_function_may_do_all_that_it_asks_for(
    needed: dict[str, set[Need]], granted: dict[str, list[Grant]]
) -> None:
    missing = {
        name: sorted(str(need) for need in asked if not any(g.covers(need) for g in granted[name]))
        for name, asked in needed.items()
    }
    assert all(needed.values())
    assert not any(missing.values()), json.dumps(missing, indent=2)


def test_a_function_may_do_nothing_that_it_never_asks_for(
    needed: dict[str, set[Need]], granted: dict[str, list[Grant]]
) -> None:
    idle = {
        name: sorted(
            str(grant)
            for grant in allowed
            if grant.action not in PLATFORM and not any(map(grant.covers, needed[name]))
        )
        for name, allowed in granted.items()
    }
    assert not any(idle.values()), json.dumps(idle, indent=2)


def test_what_the_platform_asks_for_is_not_asked_by_any_function(
    needed: dict[str, set[Need]],
) -> None:
    """Else it would be excused where it need not be."""
    assert PLATFORM & {need.action for asked in needed.values() for need in asked} == set()
