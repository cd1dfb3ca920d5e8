"""A notification in the words of each kind of subscriber. Pure."""

from dataclasses import dataclass

from shared.contracts.notification import Notification, NotificationStatus

LONGEST_SUBJECT = 100
"""Characters of ASCII; SNS refuses more in an e-mail's subject."""
LONGEST_SMS = 140
"""Characters that fit one text message."""
NOBODY = "unknown"
"""The owner attribute where no owner was given: a filter can ask for it."""


@dataclass(frozen=True)
class Words:
    """One notification, worded: ``data`` for programs, the rest for people."""

    data: str
    subject: str
    email: str
    sms: str
    attributes: dict[str, str]


def word(told: Notification) -> Words:
    """Stable JSON, readable text and one line, with the attributes that subscribers filter on."""
    name = told.source.key.rsplit("/", 1)[-1]
    # One line: a key may hold line breaks, and so may the words of an error.
    headline = " ".join(f"{name}: {_gist(told)}".split())
    return Words(
        data=told.model_dump_json(exclude_none=True),
        subject=_ascii(f"Darkroom: {told.status} - {name}")[:LONGEST_SUBJECT],
        email="\n".join([headline, "", *_details(told), "", f"Image {told.image}, run {told.run}"]),
        sms=headline if len(headline) <= LONGEST_SMS else f"{headline[: LONGEST_SMS - 1]}…",
        attributes=_attributes(told),
    )


def _gist(told: Notification) -> str:
    if told.failure:
        return f"failed, {told.failure.detail}"
    if told.status is NotificationStatus.DELETED:
        return "deleted, with everything that was made of it"
    size = f"{told.width} x {told.height}"
    if told.quarantined:
        return f"{size}, quarantined until somebody has looked at it"
    labels = [label.name for label in (told.labels or ())[:3]]
    words = [size, f"{len(told.renditions)} renditions", *labels]
    return ", ".join(["released", *words] if told.status is NotificationStatus.RELEASED else words)


def _details(told: Notification) -> list[str]:
    lines = [f"Original: s3://{told.source.bucket}/{told.source.key}"]
    if told.failure:
        mend = {
            "client": "The file has to be changed.",
            "dependency": "Trying again later may help.",
            "internal": "This is ours to mend; the original is kept.",
        }
        return [
            *lines,
            f"Stage:    {told.failure.stage}",
            f"Reason:   {told.failure.reason}",
            mend[told.failure.fault],
        ]
    lines += [f"{r.name:<9} {r.width} x {r.height}, {r.bytes:,} bytes" for r in told.renditions]
    lines += [f"{label.confidence:5.1f} %  {label.name}" for label in told.labels or ()]
    if told.moderation and told.moderation.flagged:
        lines.append(f"Flagged:  {', '.join(told.moderation.names)}")
    if told.quarantined:
        lines.append("Quarantined: the renditions are handed out once an operator releases them.")
    return lines


def _attributes(told: Notification) -> dict[str, str]:
    flagged = bool(told.moderation and told.moderation.flagged)
    return {
        "status": told.status,
        "flagged": str(flagged).lower(),
        "quarantined": str(told.quarantined).lower(),
        "owner": told.owner or NOBODY,
        "stage": told.failure.stage if told.failure else told.status,
    }


def _ascii(words: str) -> str:
    return "".join(c if " " <= c <= "~" else "?" for c in words)
