/** Formats numbers, times and codes for people. */
import type { ImageSummary, PictureDetails } from "./types";

const number = new Intl.NumberFormat("en");
const dateTime = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

/** Decimal units, as cameras and file managers use them. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(bytes < 1e4 ? 1 : 0)} kB`;
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** "1 photo", "2 photos". */
export const formatCount = (n: number, singular: string, plural = `${singular}s`): string =>
  `${number.format(n)} ${n === 1 ? singular : plural}`;

/** A date and time in the browser's time zone. */
export const formatTime = (iso: string): string => dateTime.format(new Date(iso));

export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** Four significant digits, because the amounts are fractions of a cent: "$0.004081". */
export const formatDollars = (usd: number): string => `$${usd ? usd.toFixed(Math.max(2, 3 - Math.floor(Math.log10(usd)))) : "0"}`;

export const formatPercent = (value: number): string => `${Math.round(value)} %`;

/** `not-an-image` as "Not an image". */
export const formatCode = (code: string): string => code.charAt(0).toUpperCase() + code.slice(1).replaceAll("-", " ");

/** "12 frames, 1.2 s". */
export function describeAnimation({ frames, duration }: PictureDetails): string {
  const time = duration === null ? [] : [formatDuration(1000 * duration)];
  return [formatCount(frames, "frame"), ...time].join(", ");
}

/** The sentences of the warnings that an original's file can have. */
const WARNINGS: Record<string, string> = {
  "missing-end-marker": "The file ends without its end marker. The picture is complete.",
  "incomplete-last-pixel": "The file ends inside its last pixel.",
  "bad-checksum": "A checksum of the file is wrong. The picture is complete.",
  "oversized-text": "A very long text in the file was ignored.",
  "oversized-profile": "The file has a very large colour profile.",
  "damaged-metadata": "Damaged metadata was ignored.",
  "damaged-animation": "The animation is damaged. Some frames are not shown.",
  "animation-damaged": "The animation is damaged and ends early.",
  "animation-too-costly": "The animation is too large. A still picture is shown.",
  "animation-not-decodable": "The animation cannot be read. A still picture is shown.",
  "frames-not-counted": "The animation has more frames than were counted.",
};

/** A warning as a sentence; an unknown one by its code. */
export const describeWarning = (code: string): string => WARNINGS[code] ?? `${formatCode(code)}.`;

/** A picture's text for screen readers: its labels, or else its file name. */
export function describe(image: ImageSummary): string {
  const labels = image.labels.slice(0, 3).map((label) => label.name);
  if (image.flagged) return `${image.name}: hidden, it may be upsetting`;
  return labels.length ? `${labels.join(", ")} (${image.name})` : image.name;
}
