"""Darkroom's own picture work, as ``resize`` calls it."""

from services.resize.logic import Format, Limits, Spec, develop

FORMATS = {"JPEG": Format.JPEG, "WEBP": Format.WEBP}


def work(original: bytes, form: str) -> list[bytes]:
    kind = FORMATS[form]
    specs = [Spec("web", 2048, kind), Spec("preview", 1024, kind), Spec("thumbnail", 256, kind)]
    developed = develop(original, specs, Limits())
    return [one.body for one in (*developed.renditions, developed.analysis)]
