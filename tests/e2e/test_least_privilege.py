"""Each function's role allows exactly what the function calls.

A proxy for each function records its requests to MiniStack (``AUTH=true``) while scenarios reach
every call in its code. Calls that Lambda itself makes with the role are listed in PLATFORM.
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
from tests.e2e.rights import Grant, Need, RecordingProxy, grants
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
"""What Lambda itself does with a function's role: write its log, and receive its messages."""

QUEUED = ("analyze", "forward", "notify", "resize", "store")


@dataclass(frozen=True)
class Bench:
    """The deployed stage, and the proxy between each function and the emulator."""

    stack: Deployed
    proxies: dict[str, RecordingProxy]
    cat: bytes

    def request(self, method: str, path: str, **options: Any) -> Any:
        address = self.stack.outputs.addresses["api"] + path
        answer = requests.request(method, address, timeout=DEADLINE, **options)
        assert answer.status_code < 500, answer.text
        return answer.json()

    def presign(self, name: str) -> Any:
        file = {"fileName": name, "fileType": "image/jpeg", "fileSize": len(self.cat)}
        return self.request("POST", "/upload-url", json=file | {"owner": "ann"})["uploads"][0]

    def post(self, name: str) -> str:
        upload = self.presign(name)
        form = upload["post"]
        response = requests.post(
            form["url"], data=form["fields"], files={"file": self.cat}, timeout=DEADLINE
        )
        assert response.status_code == 204, response.text
        return str(upload["image"])

    def put(self, name: str) -> str:
        upload = self.presign(name)
        put = upload["put"]
        response = requests.put(put["url"], self.cat, headers=put["headers"], timeout=DEADLINE)
        assert response.status_code == 200, response.text
        return str(upload["image"])

    def wait_for(self, image: str, condition: Callable[[Any], bool]) -> Any:
        end = time.monotonic() + DEADLINE
        while not condition(body := self.request("GET", f"/results/{image}")):
            assert time.monotonic() < end, body
            time.sleep(0.3)
        self.stack.wait_until_idle()
        return body

    def completed(self, image: str, run: int = 0) -> Any:
        return self.wait_for(
            image, lambda body: (body.get("status"), body.get("run")) == ("completed", run)
        )

    def send(self, service: str, body: str) -> None:
        queue = self.stack.outputs.queues[service]
        self.stack.client("sqs").send_message(QueueUrl=queue, MessageBody=body)

    def published(self, service: str, kind: str) -> str:
        """The message of the service's last event of this type."""
        recorded = self.proxies[service].recording.requests
        published = [dict(parse_qsl(r.body.decode())) for r in recorded if r.service == "sns"]
        return [call["Message"] for call in published if kind in call["Message"]][-1]

    @contextmanager
    def settings(self, service: str, **settings: str) -> Iterator[None]:
        """Change settings of the service's function; restore them afterwards."""
        client, name = self.stack.client("lambda"), self.stack.outputs.functions[service]
        before = client.get_function_configuration(FunctionName=name)["Environment"]
        variables = {"Variables": before["Variables"] | settings}
        client.update_function_configuration(FunctionName=name, Environment=variables)
        try:
            yield
        finally:
            client.update_function_configuration(FunctionName=name, Environment=before)

    @contextmanager
    def failing(self, service: str, name: str, times: int) -> Iterator[None]:
        """Answer the service's next calls of this name with 503, so many times."""
        left = [times]

        def draw(call: Call) -> Fault | None:
            if call.name != name or not left[0]:
                return None
            left[0] -= 1
            return Fault(Kind.ERROR, status=503)

        self.proxies[service].draw = draw
        try:
            yield
        finally:
            self.proxies[service].draw = none
        assert left == [0]


@pytest.fixture(scope="module")
def bench(ministack: Deployed, cat: Path) -> Iterator[Bench]:
    """The local stage under another name; each function reaches AWS through its own proxy."""
    emulator = urlsplit(ministack.outputs.endpoint or "").port or 0
    function = ministack.outputs.functions["analyze"]
    configuration = ministack.client("lambda").get_function_configuration(FunctionName=function)
    rekognition = configuration["Environment"]["Variables"]["AWS_ENDPOINT_URL_REKOGNITION"]
    services = dict.fromkeys(("rekognition", "bedrock"), urlsplit(rekognition).port or 0)
    with ExitStack() as running:
        proxies = {
            service.name: running.enter_context(RecordingProxy(emulator, services))
            for service in definitions()
        }
        variables = {name: _endpoints(proxy) for name, proxy in proxies.items()}
        local = Stage.load("local")
        for name, own in local.service_variables.items():
            variables[name] |= own
        optional = tuple(service.name for service in definitions() if service.optional)
        stage = replace(local, name="rights", service_variables=variables, also=optional)
        target = Target.here(ENVIRONMENT.python)
        outputs = deploy(stage, ministack.clients, target, print, rekognition)
        yield Bench(Deployed(outputs, ministack.clients), proxies, cat.read_bytes())
        for proxy in proxies.values():
            proxy.raise_for_errors()


def _endpoints(proxy: RecordingProxy) -> dict[str, str]:
    """Every endpoint that a function, or a client with its presigned URL, uses."""
    models = ("AWS_ENDPOINT_URL_REKOGNITION", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME")
    names = ("AWS_ENDPOINT_URL", *models, "PUBLIC_ENDPOINT")
    return dict.fromkeys(names, proxy.endpoint)


def process_replay_and_delete_images(bench: Bench) -> None:
    """Upload the same content twice; analyse it again, replay, read in every way, and delete."""
    with ExitStack() as failures:  # each service returns one message, and receives it again
        for service in ("resize", "analyze", "notify", "forward"):
            failures.enter_context(bench.failing(service, "dynamodb UpdateItem claim", 3))
        failures.enter_context(bench.failing("store", "dynamodb GetItem", 3))
        first = bench.post("first.jpg")
        bench.completed(first)
    second = bench.put("second.jpg")
    body = bench.completed(second)
    assert requests.get(body["thumbnail"]["url"], timeout=DEADLINE).status_code == 200
    for path in ("", "/analysis", "/similar"):
        bench.request("GET", f"/results/{first}{path}")
    for path in ("/results", "/results?label=Cat&owner=ann", "/labels"):
        bench.request("GET", path)
    bench.request("POST", f"/results/{first}/replay", json={"analyzeOnly": True})
    bench.completed(first, run=1)
    bench.request("POST", f"/results/{first}/replay", json={})
    bench.completed(first, run=2)
    for image in (first, second):
        bench.request("DELETE", f"/results/{image}")
        bench.wait_for(image, lambda body: body.get("code") == "image-deleted")


def redeliver_events(bench: Bench) -> None:
    """Send identical events again; the ledger recognises them."""
    bench.send("analyze", bench.published("resize", "image.resized.v1"))
    bench.send("resize", bench.published("store", "image.replayed.v1"))
    bench.stack.wait_until_idle()


def outlive_the_lease(bench: Bench) -> None:
    """With a lease that ends at once, ``notify`` and ``forward`` read the record before delivery.

    The next attempt has a full lease.
    """
    for service in ("notify", "forward"):
        recording, key = bench.proxies[service].recording, f"rights/late-{service}.jpg"
        with bench.stack.listening() as listener:
            with bench.settings(service, FUNCTION_TIMEOUT=str(-CLOCK_SKEW)):
                bench.stack.upload(key, bench.cat)
                end = time.monotonic() + DEADLINE
                while not any("-records" in need.arn for need in recording.needs()):
                    assert time.monotonic() < end, "the record was not read"
                    time.sleep(0.3)
            listener.notifications(key)


def read_a_missing_analysis(bench: Bench) -> None:
    """Between two versions of an analysis, the object is missing for a moment."""
    image = bench.post("gone.jpg")
    bench.completed(image)
    bucket = bench.stack.outputs.buckets["processed"]
    (document,) = [key for key in bench.stack.objects(image) if key.startswith("analyses/")]
    bench.stack.client("s3").delete_object(Bucket=bucket, Key=document)
    assert bench.request("GET", f"/results/{image}/analysis")["code"] == "not-analyzed"


def process_an_unversioned_original(bench: Bench) -> None:
    """S3 sends no version id for an unversioned bucket."""
    key, bucket = "rights/plain.jpg", bench.stack.outputs.buckets["uploads"]
    with bench.stack.listening() as listener:
        bench.stack.upload(key, bench.cat)
        listener.notifications(key)
    with bench.stack.listening() as listener:
        bench.send("resize", s3_notification((bucket, key, bench.cat), version=None))
        image = listener.notification(key)["image"]
    bench.request("DELETE", f"/results/{image}")
    bench.wait_for(image, lambda body: body.get("code") == "image-deleted")


def replay_a_missing_original(bench: Bench) -> None:
    image = bench.put("lost.jpg")
    key = bench.completed(image)["source"]["key"]
    s3, bucket = bench.stack.client("s3"), bench.stack.outputs.buckets["uploads"]
    for version in s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]:
        s3.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])
    bench.request("POST", f"/results/{image}/replay", json={})
    bench.wait_for(image, lambda body: body["runs"][-1]["status"] == RunStatus.FAILED)


def fail_an_upload(bench: Bench) -> None:
    with bench.stack.listening() as listener:
        bench.stack.upload("rights/text.jpg", b"no picture")
        listener.notifications("rights/text.jpg")


def dead_letter_messages(bench: Bench) -> None:
    """Send a malformed message to every queue, and dead-letter the event of a step.

    The dead letter of the event is reported, and deleted with its image.
    """
    for service in QUEUED:
        bench.send(service, "this is not JSON")
    bench.stack.wait_until_idle()
    resized = _resized()
    dead_letter = Envelope.first(resized, "darkroom/resize", AT, "worker-died").to_json()
    queue = bench.stack.outputs.dead_letter_queues["analyze"]
    bench.stack.client("sqs").send_message(QueueUrl=queue, MessageBody=dead_letter)
    bench.stack.wait_until_idle()
    bench.request("DELETE", f"/results/{resized.image}")
    bench.wait_for(resized.image, lambda body: body.get("code") == "image-deleted")


def sweep_timeouts(bench: Bench) -> None:
    """Sweep a stuck run in two invocations; the first has no time left."""
    bench.send("store", Envelope.first(_resized(), "darkroom/resize", AT, "stuck").to_json())
    bench.stack.wait_until_idle()
    client, name = bench.stack.client("lambda"), bench.stack.outputs.functions["reap"]
    for worst_case in ("100000", "100000", "120"):
        with bench.settings("reap", SILENCE_HOURS="0", WORST_CASE=worst_case):
            answer = client.invoke(FunctionName=name, Payload=b"{}")
        assert "FunctionError" not in answer, answer["Payload"].read()
    bench.stack.wait_until_idle()


def _resized() -> ImageResized:
    return RESIZED.model_copy(update={"image": str(uuid4())})


SCENARIOS = (
    process_replay_and_delete_images,
    redeliver_events,
    outlive_the_lease,
    read_a_missing_analysis,
    process_an_unversioned_original,
    replay_a_missing_original,
    fail_an_upload,
    dead_letter_messages,
    sweep_timeouts,
)


@pytest.fixture(scope="module")
def needed(bench: Bench) -> dict[str, set[Need]]:
    """The needs of each function, recorded over all scenarios."""
    for scenario in SCENARIOS:
        scenario(bench)
    return {name: proxy.recording.needs() for name, proxy in bench.proxies.items()}


@pytest.fixture(scope="module")
def granted(bench: Bench) -> dict[str, list[Grant]]:
    """The grants of each function's deployed role."""
    return {name: list(_grants(bench, name)) for name in bench.proxies}


def _grants(bench: Bench, service: str) -> Iterator[Grant]:
    function = bench.stack.outputs.functions[service]
    configuration = bench.stack.client("lambda").get_function_configuration(FunctionName=function)
    role, iam = configuration["Role"].rpartition("/")[2], bench.stack.client("iam")
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        yield from grants(json.loads(policy) if isinstance(policy, str) else policy)


def test_a_role_allows_every_call_of_its_function(
    needed: dict[str, set[Need]], granted: dict[str, list[Grant]]
) -> None:
    missing = {
        name: sorted(str(need) for need in needs if not any(g.covers(need) for g in granted[name]))
        for name, needs in needed.items()
    }
    assert all(needed.values())
    assert not any(missing.values()), json.dumps(missing, indent=2)


def test_a_role_allows_nothing_that_its_function_does_not_call(
    needed: dict[str, set[Need]], granted: dict[str, list[Grant]]
) -> None:
    unused = {
        name: sorted(
            str(grant)
            for grant in allowed
            if grant.action not in PLATFORM and not any(map(grant.covers, needed[name]))
        )
        for name, allowed in granted.items()
    }
    assert not any(unused.values()), json.dumps(unused, indent=2)


def test_no_function_makes_the_platform_s_calls_itself(
    needed: dict[str, set[Need]],
) -> None:
    """Otherwise PLATFORM would hide an unused grant."""
    assert PLATFORM & {need.action for needs in needed.values() for need in needs} == set()
