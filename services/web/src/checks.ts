/** What can be told of a file before it is sent. The service checks again, by the content. */
import { typeOf, type Limits } from "./api";
import { inBytes } from "./words";

const ACCEPTED: Record<string, string> = {
  "image/jpeg": "JPEG",
  "image/png": "PNG",
  "image/webp": "WebP",
  "image/gif": "GIF",
  "image/tiff": "TIFF",
  "image/bmp": "BMP",
  "image/avif": "AVIF",
  "image/heic": "HEIC",
  "image/heif": "HEIF",
};

/** For the file picker, which on some systems knows HEIC by its ending only. */
export const PICKABLE = [...Object.keys(ACCEPTED), ".heic", ".heif"].join(",");

const MEGAPIXEL = 1e6;

/** Why this file need not be sent, in plain words; null if nothing speaks against it. */
export async function objection(file: File, limits: Limits): Promise<string | null> {
  if (!(typeOf(file) in ACCEPTED)) {
    return `This is ${typeOf(file) ? `of the type ${typeOf(file)}` : "no picture we know"}. Send JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF or BMP.`;
  }
  if (file.size === 0) return "This file is empty.";
  if (file.size > limits.bytes) {
    return `This file has ${inBytes(file.size)}; ${inBytes(limits.bytes)} is the most we take.`;
  }
  const pixels = await pixelsOf(file);
  if (pixels > limits.pixels) {
    return `This picture has ${Math.round(pixels / MEGAPIXEL)} megapixels; ${Math.round(limits.pixels / MEGAPIXEL)} is the most we take.`;
  }
  return null;
}

const HEAD = 256 * 1024;

/** Width times height by the header of a JPEG or PNG, undecoded; 0 where it is not found. */
async function pixelsOf(file: File): Promise<number> {
  const head = new DataView(await file.slice(0, HEAD).arrayBuffer());
  if (head.byteLength > 24 && head.getUint32(0) === 0x89504e47) return head.getUint32(16) * head.getUint32(20);
  return head.byteLength > 4 && head.getUint16(0) === 0xffd8 ? pixelsOfJpeg(head) : 0;
}

/** The frame header (SOF0 to SOF15) holds the sides; DHT, JPG and DAC share its range of codes. */
function pixelsOfJpeg(head: DataView): number {
  for (let at = 2; at + 9 < head.byteLength && head.getUint8(at) === 0xff; ) {
    const marker = head.getUint8(at + 1);
    const frame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (frame) return head.getUint16(at + 5) * head.getUint16(at + 7);
    at += 2 + head.getUint16(at + 2);
  }
  return 0;
}
