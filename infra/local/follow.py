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
        told = Notification.model_validate_json(body)
    except ValidationError:
        return body
    at = told.time.astimezone().strftime("%H:%M:%S")
    news = painted(f"{standing(told):<9}", told, style)
    return f"{style.dim(at)}  {news}  {told.source.key}  {gist(told)}".rstrip()


def standing(told: Notification) -> str:
    """How the image stands, in a word: the notification's, or that quarantine keeps it."""
    return "quarantined" if told.quarantined else told.status.value


def painted(text: str, told: Notification, style: Style) -> str:
    """The text in the colour of the news that this notification brings."""
    good = told.status in GOOD and not told.quarantined
    return style.good(text) if good else style.bad(text)


def gist(told: Notification) -> str:
    """What became of the image, in a few words; none where its status says it all."""
    if told.failure:
        return f"{told.failure.stage}: {told.failure.reason}: {told.failure.detail}"
    if told.status is NotificationStatus.DELETED:
        return ""
    labels = [f"{label.name} {label.confidence:.0f} %" for label in (told.labels or ())[:LABELS]]
    return ", ".join([*_made(told), *labels, *_besides(told)])


def _made(told: Notification) -> Iterator[str]:
    yield f"{told.width} x {told.height} {told.format}"
    if not told.quarantined:
        yield f"{len(told.renditions)} renditions"


def _besides(told: Notification) -> Iterator[str]:
    """What else was seen. What was asked and not found is not worth a word here."""
    if told.faces:
        yield "1 face" if told.faces == 1 else f"{told.faces} faces"
    if told.text:
        yield f'"{shorten(" ".join(told.text), LETTERS, placeholder="…")}"'
    if told.moderation and told.moderation.flagged:
        yield f"flagged: {', '.join(told.moderation.names)}"
