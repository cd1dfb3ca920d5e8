"""The segments that X-Ray receives.

Each test has its own process, because X-Ray patches botocore for the life of a process.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest

from infra.paths import ROOT

pytestmark = pytest.mark.slow


def in_own_process(script: str, **variables: str) -> dict[str, Any]:
    """The last line that the script prints. X-Ray patches botocore for the life of a process."""
    completed = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert completed.returncode == 0, completed.stderr
    return json.loads(completed.stdout.splitlines()[-1])


PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

LISTENING = """
import json, socket, sys
from shared import telemetry
sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sink.bind(("127.0.0.1", 0))
sink.settimeout(30)
telemetry.start("toy", tracing=True)
from aws_xray_sdk.core import xray_recorder
xray_recorder.configure(daemon_address="127.0.0.1:%d" % sink.getsockname()[1])

def received():
    # a message to the daemon: a header line, then a line with the segment
    return json.loads(sink.recv(65536).decode().splitlines()[-1])
"""


def test_with_tracing_off_x_ray_is_not_imported() -> None:
    script = """
import json, sys
from shared import telemetry
telemetry.start("toy")
print(json.dumps({"loaded": "aws_xray_sdk" in sys.modules}))
"""
    assert in_own_process(script) == {"loaded": False}


def test_each_event_is_a_segment_of_the_trace_of_its_image() -> None:
    script = f"""{LISTENING}
with telemetry.traced({PARENT!r}, image="i1", event="image.resized.v1"):
    pass
print(json.dumps(received()))
"""
    sent = in_own_process(script)
    assert (sent["name"], sent["trace_id"]) == ("toy", "1-0af76519-16cd43dd8448eb211c80319c")
    assert sent["annotations"] == {"image": "i1", "event": "image.resized.v1", "stage": "local"}


def test_aws_calls_on_any_thread_are_subsegments_without_keys() -> None:
    script = f"""{LISTENING}
import boto3
from concurrent.futures import ThreadPoolExecutor
from moto import mock_aws
with mock_aws():
    s3 = boto3.client("s3", "us-east-1", aws_access_key_id="t", aws_secret_access_key="t")
    s3.create_bucket(Bucket="uploads")
    with telemetry.traced({PARENT!r}, image="i1"), ThreadPoolExecutor(1) as pool:
        s3.put_object(Bucket="uploads", Key="jane@example.org.jpg", Body=b"x")
        pool.submit(telemetry.with_context(s3.list_buckets)).result()
print(json.dumps(received()))
"""
    sent = in_own_process(script)
    called = [part["aws"]["operation"] for part in sent["subsegments"]]
    assert called == ["PutObject", "ListBuckets"]
    assert "jane" not in json.dumps(sent)


def test_an_error_marks_its_segment_as_a_fault_without_its_message() -> None:
    script = f"""{LISTENING}
try:
    with telemetry.traced({PARENT!r}, image="i1"):
        raise KeyError("jane@example.org")
except KeyError:
    print(json.dumps(received()))
"""
    sent = in_own_process(script)
    assert sent["fault"] is True
    assert "jane" not in json.dumps(sent)


def test_all_hops_of_an_image_are_segments_of_one_trace() -> None:
    """Including the first hop, although S3 sends no trace context, and the compensations."""
    script = f"""{LISTENING}
from shared.errors import PermanentError
from tests.pictures import encoded, photo
from tests.lab.simulator.scripted import ScriptedSaga
saga = ScriptedSaga()
saga.recognizer.failures = [PermanentError("no", "no")]
image = saga.upload(encoded(photo(120, 80), "JPEG"))
saga.run()
segments = [received() for _ in range({FAILED_HOPS})]
print(json.dumps({{"image": image, "segments": segments}}))
"""
    output = in_own_process(script)
    trace, segments = output["image"].replace("-", ""), output["segments"]
    assert {segment["trace_id"] for segment in segments} == {f"1-{trace[:8]}-{trace[8:]}"}
    assert {segment["annotations"]["image"] for segment in segments} == {output["image"]}
    assert Counter(segment["annotations"]["event"] for segment in segments) == {
        "image.uploaded.v1": 1,
        "image.resized.v1": 2,
        "step.failed.v1": 1,
        "image.failed.v1": 3,
    }


FAILED_HOPS = 7
"""Hops of resize, analyze, store (twice) and the three services that consume the outcome."""


def test_on_lambda_calls_outside_a_hop_are_in_the_trace_of_the_invocation() -> None:
    script = f"""{LISTENING}
import boto3
from moto import mock_aws
with mock_aws():
    s3 = boto3.client("s3", "us-east-1", aws_access_key_id="t", aws_secret_access_key="t")
    with telemetry.traced({PARENT!r}, image="i1"):
        s3.list_buckets()
    s3.list_buckets()
segments = [received() for _ in range(3)]
print(json.dumps({{"traces": [[segment["name"], segment["trace_id"]] for segment in segments]}}))
"""
    invocation = "1-5759e988-bd862e3fe1be46a994272793"
    header = f"Root={invocation};Parent=53995c3f42cd8ad8;Sampled=1"
    output = in_own_process(script, LAMBDA_TASK_ROOT="/var/task", _X_AMZN_TRACE_ID=header)
    image = "1-0af76519-16cd43dd8448eb211c80319c"
    assert sorted(output["traces"]) == [["s3", image], ["s3", invocation], ["toy", image]]


def test_with_tracing_on_calls_outside_a_hop_are_not_traced() -> None:
    script = f"""{LISTENING}
import boto3
from moto import mock_aws
with mock_aws():
    s3 = boto3.client("s3", "us-east-1", aws_access_key_id="t", aws_secret_access_key="t")
    print(json.dumps({{"buckets": s3.list_buckets()["Buckets"]}}))
"""
    assert in_own_process(script) == {"buckets": []}
