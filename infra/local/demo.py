"""One photo's way through Darkroom, followed and shown."""

import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from infra.clients import Clients
from infra.deploy.outputs import Outputs
from infra.errors import InfraError
from infra.local.aws_lines import CREDENTIALS
from infra.local.diagnosis import stuck
from infra.local.follow import painted, standing
from infra.local.subscription import Subscription, subscribed
from infra.local.upload import upload
from infra.operations.trace import read_hops
from infra.processes import wait_until
from infra.terminal import Say, Style, table
from shared.contracts.notification import Notification
from shared.hops import TimelineHop, since_upload

SETTLE_WITHIN = 10.0
"""s that ``notify`` may take to settle what we have already heard."""
LINES = 3
"""Lines of text that are shown."""


@dataclass(frozen=True)
class Seen:
    """What the demo saw. Times are epoch seconds of this machine."""

    told: Notification
    hops: tuple[TimelineHop, ...]
    uploaded: float
    heard: float


def demo(photo: Path, outputs: Outputs, clients: Clients, patience: float, say: Say) -> Seen:
    """Upload a photo under a fresh key and follow it until its notification has come.

    InfraError if none comes within ``patience`` seconds: it says where everything stands.
    """
    key = _fresh_key(photo)
    with subscribed(outputs, clients) as subscription:  # before the upload, or it may be missed
        uri = upload(photo, key, None, outputs, clients)
        uploaded = time.time()
        say(f"uploaded {photo} to {uri}")
        told = _await(subscription, key, uploaded + patience)
        heard = time.time()
    if told is None:
        state = stuck(outputs, clients)
        raise InfraError(f"no notification within {patience:.0f} s of the upload\n{state}")
    return Seen(told, settled_hops(told, uploaded, outputs, clients), uploaded, heard)


def refuse_failure(told: Notification) -> None:
    """InfraError with stage, reason and detail if the image failed."""
    if told.failure:
        why = f"{told.failure.reason}: {told.failure.detail}"
        raise InfraError(f"the image failed at {told.failure.stage}: {why}")


def _fresh_key(photo: Path) -> str:
    now = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    return f"demo/{now}-{secrets.token_hex(2)}/{photo.name}"


def _await(subscription: Subscription, key: str, until: float) -> Notification | None:
    """The notification about this key; others may be told of theirs meanwhile."""
    while (left := until - time.time()) > 0:
        for body in subscription.receive(left):
            told = Notification.model_validate_json(body)
            if told.source.key == key:
                return told
    return None


def settled_hops(
    told: Notification, uploaded: float, outputs: Outputs, clients: Clients
) -> tuple[TimelineHop, ...]:
    """All hops; we may hear of the end before ``notify`` has written down that it told us."""

    def read() -> tuple[TimelineHop, ...]:
        return read_hops(told.image, outputs, clients)

    wait_until(lambda: _arrived(read(), told), SETTLE_WITHIN)
    return since_upload((hop for hop in read() if hop.completed), uploaded)


def _arrived(found: tuple[TimelineHop, ...], told: Notification) -> bool:
    """Whether nobody is at work any more, and ``notify`` has settled what it told."""
    return all(hop.completed for hop in found) and told.id in {hop.event for hop in found}


def report(seen: Seen, outputs: Outputs, style: Style) -> list[str]:
    """The whole story in lines: the notification, renditions, what is in the picture, and where the
    time went.
    """
    parts = {
        "Notification": _notification(seen.told, style),
        "Renditions": _renditions(seen.told),
        "Labels": _labels(seen.told),
        "Faces, text, moderation": _besides(seen.told),
        "Time": _times(seen),
    }
    lines = []
    for head, part in parts.items():
        lines += ["", style.bold(head), *part] if part else []
    return lines + _epilogue(seen, outputs, style)


def _notification(told: Notification, style: Style) -> list[str]:
    word = standing(told)
    rows = [("status", word), ("image", f"{told.image}, run {told.run}")]
    rows.append(("original", f"s3://{told.source.bucket}/{told.source.key}"))
    if told.failure:
        rows.append(("stage", told.failure.stage))
        rows.append(("reason", f"{told.failure.reason}: {told.failure.detail}"))
    else:
        size = f"{told.width} x {told.height} px, {told.source.bytes:,} bytes"
        rows.append(("picture", f"{told.format}, {size}"))
    rows.append(("id", told.id))
    lines = table(rows, "<<")
    return [lines[0].replace(word, painted(word, told, style)), *lines[1:]]


def _renditions(told: Notification) -> list[str]:
    if not told.renditions:
        return []
    rows = [("name", "format", "pixels", "bytes", "saved")]
    for made in told.renditions:
        saved = 1 - made.bytes / told.source.bytes
        pixels = f"{made.width} x {made.height}"
        rows.append((made.name, made.format, pixels, f"{made.bytes:,}", f"{saved:.0%}"))
    return table(rows, "<<>>>")


def _labels(told: Notification) -> list[str]:
    rows = [(label.name, f"{label.confidence:.1f} %") for label in told.labels or ()]
    return table(rows, "<>") if rows else []


def _besides(told: Notification) -> list[str]:
    """What was asked of it; a detection that is switched off has no line."""
    rows = []
    if told.faces is not None:
        rows.append(("faces", str(told.faces)))
    if told.text is not None:
        rows.append(("text", _excerpt(told.text)))
    if told.moderation is not None:
        flags = ", ".join(told.moderation.names)
        rows.append(("moderation", f"flagged: {flags}" if flags else "not flagged"))
    return table(rows, "<<") if rows else []


def _excerpt(text: tuple[str, ...]) -> str:
    more = f" … and {len(text) - LINES} more" if len(text) > LINES else ""
    return " / ".join(text[:LINES]) + more if text else "none"


def _times(seen: Seen) -> list[str]:
    rows = [("service", "answered", "took", "of it at work", "after the upload")]
    for hop in seen.hops:
        done = hop.completed or hop.began
        since = hop.began if hop.published is None else hop.published
        worked = "" if hop.service == "store" else _milliseconds(hop.worked or 0.0)
        after = _milliseconds(done - seen.uploaded)
        rows.append((hop.service, hop.type, _milliseconds(done - since), worked, after))
    total = _milliseconds(seen.heard - seen.uploaded)
    return table([*rows, ("heard here", "", "", "", total)], "<<>>>")


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def _epilogue(seen: Seen, outputs: Outputs, style: Style) -> list[str]:
    if seen.told.quarantined:
        release = f".venv/bin/python -m infra release --endpoint-url {outputs.endpoint}"
        return ["", f"Quarantined until somebody has looked: {release} {seen.told.image}"]
    if not seen.told.renditions:
        return []
    largest = max(seen.told.renditions, key=lambda made: made.bytes)
    source = f"s3://{outputs.buckets['processed']}/{largest.key}"
    total = f"{seen.heard - seen.uploaded:.2f} s"
    return [
        "",
        style.good(f"From upload to notification in {total}."),
        f"To look at it: {CREDENTIALS} aws --endpoint-url {outputs.endpoint} s3 cp {source} .",
    ]
