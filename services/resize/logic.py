"""Creates renditions from the bytes of an original. Pure: it calls no cloud service.

``develop`` lists the steps in their order.
"""

from collections.abc import Sequence

from PIL import Image

from services.resize.pictures import memory
from services.resize.pictures.analysis import ANALYSIS, for_analysis
from services.resize.pictures.cascade import shapes
from services.resize.pictures.decode import decode
from services.resize.pictures.decoded import Decoded
from services.resize.pictures.encode import encode
from services.resize.pictures.fingerprint import fingerprint_of
from services.resize.pictures.header import identify
from services.resize.pictures.placeholder import placeholder_of
from services.resize.pictures.refusals import Refusal
from services.resize.pictures.values import (
    Developed,
    FocalPoint,
    Format,
    Job,
    Limits,
    MetadataPolicy,
    Rendition,
    Spec,
)

__all__ = [
    "ANALYSIS",
    "Developed",
    "Format",
    "Limits",
    "MetadataPolicy",
    "Refusal",
    "Rendition",
    "Spec",
    "develop",
]

memory.enable_cache()


def develop(
    original: bytes,
    specs: Sequence[Spec],
    limits: Limits,
    analysis: Spec = ANALYSIS,
    *,
    focal: FocalPoint | None = None,
    metadata: MetadataPolicy = MetadataPolicy.STRIP,
) -> Developed:
    """Create all requested renditions and the picture for the analysis, decoding only once.

    It never enlarges, except for the analysis of a tiny picture. It copies no metadata, except the
    lines of ``Credit`` if ``metadata`` says so. Renditions that cover their box show ``focal``;
    None: the point that ``attention`` finds.

    Raises PermanentError with a code of ``Refusal`` for bytes that it cannot process.
    """
    kind = identify(original, limits.bytes)
    job = Job((*specs, analysis), limits, focal, metadata)
    decoded = decode(kind, original, job)
    renditions, smallest = _renditions(decoded, job, analysis)
    return Developed(
        format=kind,
        width=decoded.upright_size.width,
        height=decoded.upright_size.height,
        captured=decoded.captured,
        gps_removed=decoded.has_gps,
        details=decoded.details,
        renditions=tuple(renditions[:-1]),
        analysis=renditions[-1],
        fingerprint=fingerprint_of(smallest),
        placeholder=placeholder_of(smallest),
    )


def _renditions(decoded: Decoded, job: Job, analysis: Spec) -> tuple[list[Rendition], Image.Image]:
    """Return the renditions in the order of the specs, and the smallest whole picture."""
    renditions = {rendition.name: rendition for rendition in decoded.animated}
    smallest = decoded.image
    for shape in shapes(decoded.image, decoded.upright_size, job.specs, job.focal):
        spec, smallest, shown = shape
        if spec is analysis:
            renditions[spec.name] = for_analysis(shown, spec)
        elif spec.name not in renditions:
            renditions[spec.name] = encode(shown, spec, decoded.credit)
    return [renditions[spec.name] for spec in job.specs], smallest
