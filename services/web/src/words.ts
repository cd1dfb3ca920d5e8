/** Numbers, times and codes as people read them. */
import type { Summary } from "./types";

const number = new Intl.NumberFormat("en");
const when = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

/** Decimal units, as cameras and file managers count. */
export function inBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(bytes < 1e4 ? 1 : 0)} kB`;
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

export const count = (n: number, one: string, many = `${one}s`): string => `${number.format(n)} ${n === 1 ? one : many}`;

export const at = (iso: string): string => when.format(new Date(iso));

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** Fractions of a cent, to four digits that count: "$0.004081". */
export const dollars = (usd: number): string => `$${usd ? usd.toFixed(Math.max(2, 3 - Math.floor(Math.log10(usd)))) : "0"}`;

export const percent = (value: number): string => `${Math.round(value)} %`;

/** `not-an-image` as "Not an image". */
export const plain = (code: string): string => code.charAt(0).toUpperCase() + code.slice(1).replaceAll("-", " ");

/** What a screen reader says of a picture: what is in it, or else its name. */
export function describe(image: Summary): string {
  const seen = image.labels.slice(0, 3).map((label) => label.name);
  if (image.flagged) return `${image.name}: hidden, it may be upsetting`;
  return seen.length ? `${seen.join(", ")} (${image.name})` : image.name;
}
