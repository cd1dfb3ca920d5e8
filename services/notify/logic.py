"""A notification in the format of each kind of subscriber. Pure."""

from dataclasses import dataclass

from shared.contracts.notification import Notification, NotificationStatus
from shared.picture_facts import picture_facts

LONGEST_SUBJECT = 100
"""Characters of ASCII; SNS refuses more in an e-mail's subject."""
LONGEST_SMS = 140
"""Characters that fit one text message."""
NOBODY = "unknown"
"""The owner attribute of an image without an owner, so that a filter can match it."""


@dataclass(frozen=True)
class Message:
    """One notification: ``data`` for programs, the rest for people."""

    data: str
    subject: str
    email: str
    sms: str
    attributes: dict[str, str]


def render(notification: Notification) -> Message:
    """Stable JSON, a text and one line, with the attributes that subscribers filter on."""
    name = notification.source.key.rsplit("/", 1)[-1]
    # Keys and error details may contain line breaks.
    headline = " ".join(f"{name}: {_summary(notification)}".split())
    return Message(
        data=notification.model_dump_json(exclude_none=True),
        subject=_ascii(f"Darkroom: {notification.status} - {name}")[:LONGEST_SUBJECT],
        email="\n".join(
            [
                headline,
                "",
                *_details(notification),
                "",
                f"Image {notification.image}, run {notification.run}",
            ]
        ),
        sms=headline if len(headline) <= LONGEST_SMS else f"{headline[: LONGEST_SMS - 1]}…",
        attributes=_attributes(notification),
    )


def _summary(notification: Notification) -> str:
    if notification.failure:
        return f"failed, {notification.failure.detail}"
    if notification.status is NotificationStatus.DELETED:
        return "deleted, with all renditions and results"
    size = f"{notification.width} x {notification.height}"
    if notification.quarantined:
        return f"{size}, quarantined until an operator reviews it"
    labels = [label.name for label in (notification.labels or ())[:3]]
    words = [size, f"{len(notification.renditions)} renditions", *labels]
    return ", ".join(
        ["released", *words] if notification.status is NotificationStatus.RELEASED else words
    )


def _details(notification: Notification) -> list[str]:
    lines = [f"Original: s3://{notification.source.bucket}/{notification.source.key}"]
    if notification.failure:
        advice = {
            "client": "Upload a different file.",
            "dependency": "Try again later.",
            "internal": "An operator has to fix this. The original is still stored.",
        }
        return [
            *lines,
            f"Stage:    {notification.failure.stage}",
            f"Reason:   {notification.failure.reason}",
            advice[notification.failure.fault],
        ]
    if facts := list(picture_facts(notification.details)):
        lines.append(f"Details:  {'; '.join(facts)}")
    lines += [
        f"{r.name:<9} {r.width} x {r.height}, {r.bytes:,} bytes" for r in notification.renditions
    ]
    lines += [f"{label.confidence:5.1f} %  {label.name}" for label in notification.labels or ()]
    if notification.moderation and notification.moderation.flagged:
        lines.append(f"Flagged:  {', '.join(notification.moderation.names)}")
    if notification.quarantined:
        lines.append("Quarantined: the renditions are published after an operator releases them.")
    return lines


def _attributes(notification: Notification) -> dict[str, str]:
    flagged = bool(notification.moderation and notification.moderation.flagged)
    return {
        "status": notification.status,
        "flagged": str(flagged).lower(),
        "quarantined": str(notification.quarantined).lower(),
        "owner": notification.owner or NOBODY,
        "stage": notification.failure.stage if notification.failure else notification.status,
    }


def _ascii(text: str) -> str:
    return "".join(c if " " <= c <= "~" else "?" for c in text)
