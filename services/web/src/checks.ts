/** Checks a file before its upload. `resize` checks its content again. */
import { mediaType, type Limits } from "./api";
import { formatBytes } from "./format";

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
  "image/svg+xml": "SVG",
};

/** For the file picker. Some systems know HEIC by its suffix only. */
export const PICKABLE = [...Object.keys(ACCEPTED), ".heic", ".heif"].join(",");

const MEGAPIXEL = 1e6;

/** Why this file cannot be uploaded, as a sentence; null if it can. */
export async function refusal(file: File, limits: Limits): Promise<string | null> {
  if (!(mediaType(file) in ACCEPTED)) {
    const type = mediaType(file);
    return `${type ? `Files of the type ${type} are not supported` : "This is not a supported picture"}. Use JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF, BMP or SVG.`;
  }
  if (file.size === 0) return "This file is empty.";
  if (file.size > limits.bytes) {
    return `This file has ${formatBytes(file.size)}; the limit is ${formatBytes(limits.bytes)}.`;
  }
  const pixels = await pixelsOf(file);
  if (pixels > limits.pixels) {
    return `This picture has ${Math.round(pixels / MEGAPIXEL)} megapixels; the limit is ${Math.round(limits.pixels / MEGAPIXEL)}.`;
  }
  return null;
}

/** Bytes that are searched for a picture's size. */
const HEAD = 256 * 1024;

/** Width times height from the header of a JPEG or PNG, without decoding it; 0 if it is not found. */
async function pixelsOf(file: File): Promise<number> {
  const head = new DataView(await file.slice(0, HEAD).arrayBuffer());
  if (head.byteLength > 24 && head.getUint32(0) === 0x89504e47) return head.getUint32(16) * head.getUint32(20);
  return head.byteLength > 4 && head.getUint16(0) === 0xffd8 ? pixelsOfJpeg(head) : 0;
}

/** From the frame header (SOF0 to SOF15). DHT, JPG and DAC have codes in the same range. */
function pixelsOfJpeg(head: DataView): number {
  for (let offset = 2; offset + 9 < head.byteLength && head.getUint8(offset) === 0xff; ) {
    const marker = head.getUint8(offset + 1);
    const frame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (frame) return head.getUint16(offset + 5) * head.getUint16(offset + 7);
    offset += 2 + head.getUint16(offset + 2);
  }
  return 0;
}
