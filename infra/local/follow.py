"""Notifications as they come, a line each."""

from collections.abc import Callable
from itertools import count

from pydantic import ValidationError

from infra.local.subscription import Subscription
from infra.local.terminal import Style
from shared.contracts.notification import Notification, Outcome

LABELS = 3
"""How many labels fit the line."""


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
    paint = style.good if told.status is Outcome.COMPLETED else style.bad
    return f"{style.dim(at)}  {paint(f'{told.status:<9}')}  {told.source.key}  {gist(told)}"


def gist(told: Notification) -> str:
    """What became of the image, in a few words."""
    if told.failure:
        return f"{told.failure.stage}: {told.failure.reason}: {told.failure.detail}"
    words = [f"{told.width} x {told.height} {told.format}", f"{len(told.renditions)} renditions"]
    labels = [f"{label.name} {label.confidence:.0f} %" for label in (told.labels or ())[:LABELS]]
    return ", ".join(words + labels)
