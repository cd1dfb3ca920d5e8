"""What a caller may read, list and upload. An image of another owner is answered as unknown."""

from dataclasses import replace

from services.api.callers import Caller
from services.api.filters import Filters
from services.api.models import File
from services.api.problems import Problem
from services.api.records import Tables
from shared.contracts.record import Record
from shared.requests import Refusal


def visible_record(records: Tables, caller: Caller, image: str) -> Record:
    """The record, if the caller may see it.

    Problem ``image-not-found`` (404) for an unknown image and for another owner's, deleted or not;
    ``image-deleted`` (410) for a deleted one of the caller's.
    """
    record = records.record(image)
    if record is None or not caller.sees(record.owner):
        detail = f"There is no image {image}: not uploaded, or not processed yet."
        raise Problem(404, "image-not-found", detail)
    if record.deleted:
        time = record.deleted.isoformat(timespec="seconds")
        raise Problem(410, Refusal.DELETED.value, f"{image} was deleted at {time}.")
    return record


def visible_only(filters: Filters, caller: Caller) -> Filters:
    """The filters, restricted to the caller's own images unless they see all.

    Problem ``not-owner`` (403) if they name another owner.
    """
    if caller.sees_all:
        return filters
    if filters.owner not in (None, caller.name):
        raise Problem(403, "not-owner", "Only an operator lists the images of another owner.")
    return replace(filters, owner=caller.name)


def owned(file: File, caller: Caller) -> File:
    """The file with its owner: the caller, or whom an operator names.

    Problem ``not-owner`` (403) if anyone else names another owner.
    """
    if file.owner in (None, caller.name):
        return file.model_copy(update={"owner": caller.name})
    if not caller.sees_all:
        raise Problem(403, "not-owner", "Only an operator uploads for another owner.")
    return file
