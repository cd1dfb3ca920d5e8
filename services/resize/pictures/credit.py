"""Writes the lines of a picture's credit as EXIF data and as an XMP packet."""

import struct
from collections.abc import Mapping
from typing import Any

from PIL import PngImagePlugin

from services.resize.pictures.exif import PREFIX
from services.resize.pictures.values import Credit, Format

ARTIST, COPYRIGHT = 0x013B, 0x8298
TEXT = 2
HEADER, ENTRY, OFFSET = struct.Struct(">2sHI"), struct.Struct(">HHI4s"), struct.Struct(">I")

PACKET = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/">{}</rdf:Description>'
    "</rdf:RDF></x:xmpmeta>"
)
CREATOR = "<dc:creator><rdf:Seq><rdf:li>{}</rdf:li></rdf:Seq></dc:creator>"
RIGHTS = '<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></dc:rights>'
CREDIT = "<photoshop:Credit>{}</photoshop:Credit>"


def metadata_options(credit: Credit, kind: Format) -> Mapping[str, Any]:
    """Options of ``Image.save`` that write the credit's lines; none without a credit."""
    if credit == Credit():
        return {}
    packet, exif = xmp_of(credit), exif_of(credit)
    options: dict[str, Any] = {"exif": exif} if exif else {}
    if kind is not Format.PNG:
        return {**options, "xmp": packet.encode()}
    texts = PngImagePlugin.PngInfo()
    texts.add_itxt("XML:com.adobe.xmp", packet)
    return {**options, "pnginfo": texts}


def exif_of(credit: Credit) -> bytes:
    """An EXIF block of artist and copyright in UTF-8; empty without both.

    Pillow would replace every character that is not ASCII.
    """
    lines = ((ARTIST, credit.creator), (COPYRIGHT, credit.copyright))
    texts = [(tag, line.encode() + b"\0") for tag, line in lines if line]
    start = HEADER.size + 2 + len(texts) * ENTRY.size + OFFSET.size
    table, content = b"", b""
    for tag, text in texts:
        inline = len(text) <= OFFSET.size
        place = text.ljust(OFFSET.size, b"\0") if inline else OFFSET.pack(start + len(content))
        table += ENTRY.pack(tag, TEXT, len(text), place)
        content += b"" if inline else text + b"\0" * (len(text) % 2)
    head = HEADER.pack(b"MM", 42, HEADER.size) + struct.pack(">H", len(texts))
    return PREFIX + head + table + OFFSET.pack(0) + content if texts else b""


def xmp_of(credit: Credit) -> str:
    """An XMP packet of the lines that are not empty."""
    lines = ((CREATOR, credit.creator), (RIGHTS, credit.copyright), (CREDIT, credit.credit))
    return PACKET.format("".join(form.format(_escaped(line)) for form, line in lines if line))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
