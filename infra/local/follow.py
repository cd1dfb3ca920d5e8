"""Show notifications as they arrive, one line each."""

from collections.abc import Callable, Iterator
from itertools import count
from textwrap import shorten

from pydantic import ValidationError

from infra.local.subscription import Subscription
from infra.terminal import Style
from shared.contracts.notification import Notification, NotificationStatus
from shared.picture_facts import picture_facts

LABELS = 3
"""How many labels a line shows."""
LETTERS = 30
"""How many characters of the detected text a line shows."""
GOOD = frozenset({NotificationStatus.COMPLETED, NotificationStatus.RELEASED})
"""Shown in green, unless the renditions are quarantined."""


def follow(
    subscription: Subscription,
    show: Callable[[str], str],
    say: Callable[[str], None],
    *,
    once: bool,
) -> None:
    """Print each notification as ``show`` formats it: the first poll's (once), or without end."""
    for _ in count():
        bodies = subscription.receive()
        for body in bodies:
            say(show(body))
        if bodies and once:
            return


def line(body: str, style: Style) -> str:
    """One notification as one line, which ends with the image's id.

    A message that is not a notification is shown unchanged.
    """
    try:
        notification = Notification.model_validate_json(body)
    except ValidationError:
        return body
    at = notification.time.astimezone().strftime("%H:%M:%S")
    status = coloured(f"{display_status(notification):<9}", notification, style)
    key, image = notification.source.key, style.dim(notification.image)
    return "  ".join(filter(None, (style.dim(at), status, key, summary(notification), image)))


def display_status(notification: Notification) -> str:
    """The notification's status, or ``quarantined``."""
    return "quarantined" if notification.quarantined else notification.status.value


def coloured(text: str, notification: Notification, style: Style) -> str:
    """The text in green for a success, else in red."""
    good = notification.status in GOOD and not notification.quarantined
    return style.good(text) if good else style.bad(text)


def summary(notification: Notification) -> str:
    """The result in a few words; empty for a deletion."""
    if notification.failure:
        failure = notification.failure
        return f"{failure.stage}: {failure.reason}: {failure.detail}"
    if notification.status is NotificationStatus.DELETED:
        return ""
    labels = [
        f"{label.name} {label.confidence:.0f} %" for label in (notification.labels or ())[:LABELS]
    ]
    return ", ".join([*_picture(notification), *labels, *_other_results(notification)])


def _picture(notification: Notification) -> Iterator[str]:
    yield f"{notification.width} x {notification.height} {notification.format}"
    yield from picture_facts(notification.details)
    if not notification.quarantined:
        yield f"{len(notification.renditions)} renditions"


def _other_results(notification: Notification) -> Iterator[str]:
    """The detections besides labels; those without a result are left out."""
    if notification.faces:
        yield "1 face" if notification.faces == 1 else f"{notification.faces} faces"
    if notification.text:
        yield f'"{shorten(" ".join(notification.text), LETTERS, placeholder="…")}"'
    if notification.moderation and notification.moderation.flagged:
        yield f"flagged: {', '.join(notification.moderation.names)}"
