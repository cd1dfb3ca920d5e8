"""Pillow as it is commonly used: open and rotate the file, and shrink each rendition from it."""

import io

import pillow_heif
from PIL import Image, ImageCms, ImageOps

from tests.lab.bench.profile import RENDITIONS, Rendition

pillow_heif.register_heif_opener()
SRGB = ImageCms.createProfile("sRGB")


def work(original: bytes, form: str) -> list[bytes]:
    picture = whole(original)
    return [encoded(shrunk(picture, r.side), r) for r in RENDITIONS[form]]


def whole(original: bytes) -> Image.Image:
    """All pixels, upright and in sRGB."""
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(original)))
    if picture.mode == "I;16":
        picture = picture.point(lambda value: value / 257).convert("L")
    if picture.mode not in {"RGB", "RGBA"}:
        picture = picture.convert("RGB")
    if profile := picture.info.get("icc_profile"):
        ImageCms.profileToProfile(picture, io.BytesIO(profile), SRGB, inPlace=True)
    return picture


def shrunk(picture: Image.Image, side: int) -> Image.Image:
    scale = min(1, side / max(picture.size))
    size = round(picture.width * scale), round(picture.height * scale)
    return picture.resize(size, Image.Resampling.LANCZOS)


def encoded(picture: Image.Image, rendition: Rendition) -> bytes:
    file = io.BytesIO()
    if rendition.form == "JPEG" and picture.mode == "RGBA":
        background = Image.new("RGB", picture.size, "white")
        background.paste(picture, mask=picture)
        picture = background
    picture.save(file, rendition.form, quality=rendition.quality, **rendition.options)
    return file.getvalue()
