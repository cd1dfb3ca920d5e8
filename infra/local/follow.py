"""Notifications as they come, a line each."""

from collections.abc import Callable, Iterator
from itertools import count
from textwrap import shorten

from pydantic import ValidationError

from infra.local.subscription import Subscription
from infra.terminal import Style
from shared.contracts.notification import Notification, NotificationStatus

LABELS = 3
"""How many labels fit the line."""
LETTERS = 30
"""How much of the text does."""
GOOD = frozenset({NotificationStatus.COMPLETED, NotificationStatus.RELEASED})
"""Good news, unless the renditions are quarantined."""


def follow(
    subscription: Subscription,
    show: Callable[[str], str],
    say: Callable[[str], None],
    *,
    once: bool,
) -> None:
    """Say each notification as ``show`` words it, until the first (once) or for ever."""
    for _ in count():
        bodies = subscription.receive()
        for body in bodies:
            say(show(body))
        if bodies and once:
            return


def line(body: str, style: Style) -> str:
    """One notification in one line; what is none of ours is shown as it is."""
    try:
        notification = Notification.model_validate_json(body)
    except ValidationError:
        return body
    at = notification.time.astimezone().strftime("%H:%M:%S")
    news = coloured(f"{display_status(notification):<9}", notification, style)
    return f"{style.dim(at)}  {news}  {notification.source.key}  {summary(notification)}".rstrip()


def display_status(notification: Notification) -> str:
    """How the image stands, in a word: the notification's, or that quarantine keeps it."""
    return "quarantined" if notification.quarantined else notification.status.value


def coloured(text: str, notification: Notification, style: Style) -> str:
    """The text in the colour of the news that this notification brings."""
    good = notification.status in GOOD and not notification.quarantined
    return style.good(text) if good else style.bad(text)


def summary(notification: Notification) -> str:
    """What became of the image, in a few words; none where its status says it all."""
    if notification.failure:
        return f"{notification.failure.stage}: {notification.failure.reason}: {notification.failure.detail}"
    if notification.status is NotificationStatus.DELETED:
        return ""
    labels = [
        f"{label.name} {label.confidence:.0f} %" for label in (notification.labels or ())[:LABELS]
    ]
    return ", ".join([*_picture(notification), *labels, *_other_results(notification)])


def _picture(notification: Notification) -> Iterator[str]:
    yield f"{notification.width} x {notification.height} {notification.format}"
    if not notification.quarantined:
        yield f"{len(notification.renditions)} renditions"


def _other_results(notification: Notification) -> Iterator[str]:
    """What else was seen. What was asked and not found is not worth a word here."""
    if notification.faces:
        yield "1 face" if notification.faces == 1 else f"{notification.faces} faces"
    if notification.text:
        yield f'"{shorten(" ".join(notification.text), LETTERS, placeholder="…")}"'
    if notification.moderation and notification.moderation.flagged:
        yield f"flagged: {', '.join(notification.moderation.names)}"
