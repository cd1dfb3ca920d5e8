"""Upload one photo, follow it through Darkroom, and report the result."""

import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from infra.clients import Clients
from infra.deploy.outputs import Outputs
from infra.errors import InfraError
from infra.local.aws_lines import CREDENTIALS
from infra.local.diagnosis import backlog_report
from infra.local.follow import coloured, display_status
from infra.local.subscription import Subscription, subscribed
from infra.local.upload import upload
from infra.operations.trace import read_hops
from infra.processes import wait_until
from infra.terminal import Say, Style, table
from shared.contracts.notification import Notification
from shared.hops import TimelineHop, since_upload
from shared.picture_facts import picture_facts

COMPLETE_WITHIN = 10.0
"""s that ``notify`` may take to complete its claim after the notification has arrived."""
LINES = 3
"""How many lines of detected text the report shows."""


@dataclass(frozen=True)
class DemoResult:
    """A finished demo. Times are epoch seconds of this machine's clock."""

    notification: Notification
    hops: tuple[TimelineHop, ...]
    uploaded_at: float
    notified_at: float


def demo(
    photo: Path, outputs: Outputs, clients: Clients, image_timeout: float, say: Say
) -> DemoResult:
    """Upload a photo under a new key and wait for its notification.

    InfraError with the state of the queues and logs if none arrives within ``image_timeout``
    seconds.
    """
    key = _fresh_key(photo)
    with subscribed(outputs, clients) as subscription:  # before the upload: else it may be missed
        uri = upload(photo, key, None, outputs, clients)
        uploaded = time.time()
        say(f"uploaded {photo} to {uri}")
        notification = _await(subscription, key, uploaded + image_timeout)
        notified_at = time.time()
    if notification is None:
        report = backlog_report(outputs, clients)
        raise InfraError(f"no notification within {image_timeout:.0f} s of the upload\n{report}")
    return DemoResult(
        notification,
        completed_hops(notification, uploaded, outputs, clients),
        uploaded,
        notified_at,
    )


def require_success(notification: Notification) -> None:
    """InfraError with stage, reason and detail if the image failed."""
    if notification.failure:
        why = f"{notification.failure.reason}: {notification.failure.detail}"
        raise InfraError(f"the image failed at {notification.failure.stage}: {why}")


def _fresh_key(photo: Path) -> str:
    now = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    return f"demo/{now}-{secrets.token_hex(2)}/{photo.name}"


def _await(subscription: Subscription, key: str, until: float) -> Notification | None:
    """The notification about this key, skipping those about other images; None at ``until``."""
    while (left := until - time.time()) > 0:
        for body in subscription.receive(left):
            notification = Notification.model_validate_json(body)
            if notification.source.key == key:
                return notification
    return None


def completed_hops(
    notification: Notification, uploaded: float, outputs: Outputs, clients: Clients
) -> tuple[TimelineHop, ...]:
    """All hops since the upload, once ``notify`` has completed its claim.

    The notification may arrive before that.
    """

    def read() -> tuple[TimelineHop, ...]:
        return read_hops(notification.image, outputs, clients)

    wait_until(lambda: _all_completed(read(), notification), COMPLETE_WITHIN)
    return since_upload((hop for hop in read() if hop.completed), uploaded)


def _all_completed(hops: tuple[TimelineHop, ...], notification: Notification) -> bool:
    """Whether every hop is completed, including the one that sent the notification."""
    return all(hop.completed for hop in hops) and notification.id in {hop.event for hop in hops}


def report(result: DemoResult, outputs: Outputs, style: Style) -> list[str]:
    """The report as lines: notification, renditions, detections and the time of each hop."""
    parts = {
        "Notification": _notification(result.notification, style),
        "Renditions": _renditions(result.notification),
        "Labels": _labels(result.notification),
        "Faces, text, moderation": _other_results(result.notification),
        "Time": _times(result),
    }
    lines = []
    for head, part in parts.items():
        lines += ["", style.bold(head), *part] if part else []
    return lines + _epilogue(result, outputs, style)


def _notification(notification: Notification, style: Style) -> list[str]:
    word = display_status(notification)
    rows = [("status", word), ("image", f"{notification.image}, run {notification.run}")]
    rows.append(("original", f"s3://{notification.source.bucket}/{notification.source.key}"))
    if notification.failure:
        rows.append(("stage", notification.failure.stage))
        rows.append(("reason", f"{notification.failure.reason}: {notification.failure.detail}"))
    else:
        size = (
            f"{notification.width} x {notification.height} px, {notification.source.bytes:,} bytes"
        )
        rows.append(("picture", f"{notification.format}, {size}"))
        rows += [("", fact) for fact in picture_facts(notification.details)]
    rows.append(("id", notification.id))
    lines = table(rows, "<<")
    return [lines[0].replace(word, coloured(word, notification, style)), *lines[1:]]


def _renditions(notification: Notification) -> list[str]:
    if not notification.renditions:
        return []
    rows = [("name", "format", "pixels", "bytes", "saved")]
    for rendition in notification.renditions:
        saved = 1 - rendition.bytes / notification.source.bytes
        pixels = f"{rendition.width} x {rendition.height}"
        size = f"{rendition.bytes:,}"
        rows.append((rendition.name, rendition.format, pixels, size, f"{saved:.0%}"))
    return table(rows, "<<>>>")


def _labels(notification: Notification) -> list[str]:
    rows = [(label.name, f"{label.confidence:.1f} %") for label in notification.labels or ()]
    return table(rows, "<>") if rows else []


def _other_results(notification: Notification) -> list[str]:
    """The detections besides labels; one that is switched off has no line."""
    rows = []
    if notification.faces is not None:
        rows.append(("faces", str(notification.faces)))
    if notification.text is not None:
        rows.append(("text", _excerpt(notification.text)))
    if notification.moderation is not None:
        flags = ", ".join(notification.moderation.names)
        rows.append(("moderation", f"flagged: {flags}" if flags else "not flagged"))
    return table(rows, "<<") if rows else []


def _excerpt(text: tuple[str, ...]) -> str:
    more = f" … and {len(text) - LINES} more" if len(text) > LINES else ""
    return " / ".join(text[:LINES]) + more if text else "none"


def _times(result: DemoResult) -> list[str]:
    rows = [("service", "event", "took", "working", "since the upload")]
    for hop in result.hops:
        completed = hop.completed or hop.began
        start = hop.began if hop.published is None else hop.published
        worked = "" if hop.service == "store" else _milliseconds(hop.worked or 0.0)
        after = _milliseconds(completed - result.uploaded_at)
        rows.append((hop.service, hop.type, _milliseconds(completed - start), worked, after))
    total = _milliseconds(result.notified_at - result.uploaded_at)
    return table([*rows, ("notification received", "", "", "", total)], "<<>>>")


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def _epilogue(result: DemoResult, outputs: Outputs, style: Style) -> list[str]:
    if result.notification.quarantined:
        release = f".venv/bin/python -m infra release --endpoint-url {outputs.endpoint}"
        return ["", f"Quarantined until it is released: {release} {result.notification.image}"]
    if not result.notification.renditions:
        return []
    largest = max(result.notification.renditions, key=lambda made: made.bytes)
    source = f"s3://{outputs.buckets['processed']}/{largest.key}"
    total = f"{result.notified_at - result.uploaded_at:.2f} s"
    return [
        "",
        style.good(f"From upload to notification in {total}."),
        f"To download it: {CREDENTIALS} aws --endpoint-url {outputs.endpoint} s3 cp {source} .",
    ]
