"""An outcome as an entry of EventBridge. Pure."""

from shared.contracts.envelope import Envelope

SOURCE = "darkroom"
"""What rules match on, followed by the stage: ``darkroom.prod``."""


def entry(envelope: Envelope, stage: str) -> dict[str, object]:
    """The whole envelope as ``detail``, and its type, version included, as ``detail-type``.

    EventBridge gives each entry a new id. ``detail.id`` identifies repeats.
    """
    return {
        "Source": f"{SOURCE}.{stage}",
        "DetailType": envelope.type,
        "Detail": envelope.to_json(),
        "Time": envelope.time,
        "Resources": [f"image:{envelope.subject}"],
    }
