"""The CloudEvents 1.0 envelope of every event, and the derived ids that make repeats recognisable.

An id is derived (UUID v5), not random: the same cause always gives the same id. So a step that runs
again publishes the same event under the same id, and consumers recognise the duplicate. No outbox
table is needed.
"""

import builtins
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, Self
from uuid import NAMESPACE_URL, uuid5

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from shared.errors import Fault, PermanentError

NAMESPACE = uuid5(NAMESPACE_URL, "urn:darkroom:events")
"""The namespace of every derived id. Changing it makes every image a new one."""
UUID_TEXT = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


def derive(*parts: object) -> str:
    """The id (UUID v5) of these parts, in this order."""
    return str(uuid5(NAMESPACE, "\x1f".join(str(part) for part in parts)))


class Value(BaseModel):
    """A frozen value of a contract. Unknown fields are ignored, so that a version can gain optional
    fields without breaking its consumers.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Event(Value):
    """Something that happened to a run of an image; each type and version is a subclass."""

    type: ClassVar[str]
    """The name on the wire, with its version: ``image.resized.v1``."""

    registry: ClassVar[dict[str, builtins.type["Event"]]] = {}
    """Every event class, by its name on the wire."""

    image: str = Field(pattern=UUID_TEXT)
    """The image's id. The ids and traces of later events are derived from it."""
    run: int = Field(ge=0)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "type" in cls.__dict__:
            Event.registry[cls.type] = cls

    def identity(self, source: str, cause: str, n: int) -> str:
        """The envelope's id if ``source`` publishes this as its n-th event because of ``cause``."""
        return derive(source, cause, self.type, n)


class Envelope(BaseModel):
    """One event with its CloudEvents attributes and correlation ids."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    correlationid: str
    """The image's id: the same for every event of one upload."""
    causationid: str
    """The id of the event that caused this one; the image's id for the first."""
    traceparent: str
    """W3C trace context, derived as well: one trace for each image."""
    data: SerializeAsAny[Event]

    @field_validator("data", mode="before")
    @classmethod
    def _read_as_its_type(cls, data: object, info: ValidationInfo) -> object:
        if isinstance(data, Event):
            return data
        kind = Event.registry.get(info.data.get("type", ""))
        if kind is None:
            raise PydanticCustomError("unknown_type", "no such type of event")
        return kind.model_validate(data)

    @classmethod
    def first(cls, event: Event, source: str, at: datetime, cause: str = "") -> Self:
        """The envelope of an event that no event caused: an upload or a request.

        ``cause`` distinguishes two of one type about one image; it defaults to the image.
        """
        cause = cause or event.image
        return cls._wrap(event, event.identity(source, cause, 0), source, at, cause)

    def caused(self, event: Event, source: str, n: int, at: datetime) -> Self:
        """The envelope of ``event``, the n-th that ``source`` publishes because of this one."""
        identity = event.identity(source, self.id, n)
        return self._wrap(event, identity, source, at, self.id)

    @classmethod
    def _wrap(cls, event: Event, identity: str, source: str, at: datetime, cause: str) -> Self:
        return cls(
            id=identity,
            source=source,
            type=event.type,
            subject=event.image,
            time=at.astimezone(UTC),
            correlationid=event.image,
            causationid=cause,
            traceparent=traceparent(event.image, identity),
            data=event,
        )

    def to_json(self) -> str:
        """The message body: one line, in the order of this class, without absent fields."""
        return self.model_dump_json(exclude_none=True)


def traceparent(correlation: str, identity: str) -> str:
    """W3C trace context of one event: the trace id is the image's, the span id the event's."""
    return f"00-{correlation.replace('-', '')}-{identity.replace('-', '')[:16]}-01"


def read_envelope(message: Mapping[str, Any]) -> Envelope:
    """The envelope in a decoded message.

    Raises PermanentError: ``unknown-type`` for a type or version that has no class, ``unreadable``
    for any other invalid message. Both are dead-lettered.
    """
    try:
        return Envelope.model_validate(message)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        unknown = any(problem["type"] == "unknown_type" for problem in problems)
        where = ".".join(str(step) for step in problems[0]["loc"])
        raise PermanentError(
            "unknown-type" if unknown else "unreadable",
            f"{message.get('type')}: {where}: {problems[0]['msg']}",
            fault=Fault.INTERNAL,
        ) from error
