/** The one way to the API: its routes as functions, its refusals as `Problem`. */
import { Problem } from "./problem";
import { authorization, begin, expire, type SignIn } from "./session";
import type { Analysis, Detail, LabelCount, Page, Similar, Ticket } from "./types";

export { Problem };

export interface Limits {
  bytes: number;
  pixels: number;
}

/** Written beside the page when a stage is deployed. */
interface Config {
  api: string;
  stage: string;
  limits: Limits;
  /** Missing where anyone may call the API. */
  signIn?: SignIn;
}

export interface Filters {
  label: string;
  /** Percent; 0 asks for any. */
  minConfidence: number;
  status: string;
  flagged: boolean;
  /** Local dates, `2026-11-21`; the API is asked for whole days. */
  from: string;
  to: string;
}

const PAGE_SIZE = 40;
const LISTED_AT_ONCE = 100;

let config: Config;

/** Read config.json, without which the page can do nothing, and take up the session if there is one. */
export async function configure(): Promise<Config> {
  const answer = await fetch("./config.json", { cache: "no-cache" });
  if (!answer.ok) throw new Problem(answer.status, "no-config", "config.json is missing beside this page.");
  config = (await answer.json()) as Config;
  await begin(config.signIn);
  return config;
}

export const limits = (): Limits => config.limits;

async function ask<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const said = body === undefined ? {} : { body: JSON.stringify(body) };
  const kind = body === undefined ? {} : { "content-type": "application/json" };
  const headers = { ...kind, ...(await authorization()) };
  const answer = await reach(config.api + path, { method, signal: signal ?? null, headers, ...said });
  if (answer.status === 401) expire();
  if (!answer.ok) throw await problemOf(answer);
  return (await answer.json()) as T;
}

async function reach(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, "unreachable", "Darkroom cannot be reached. Is it running, and are you online?");
  }
}

async function problemOf(answer: Response): Promise<Problem> {
  const id = answer.headers.get("x-request-id");
  const said = (await answer.json().catch(() => ({}))) as Record<string, string>;
  const message = said["detail"] ?? said["title"] ?? `The server answered ${answer.status}.`;
  return new Problem(answer.status, said["code"] ?? "unknown", message, id);
}

function query(values: Record<string, string | number | null | undefined>): string {
  const given = Object.entries(values).filter(([, value]) => value);
  return given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : "";
}

function startOf(day: string, after = 0): string {
  if (!day) return "";
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + after).toISOString();
}

export function list(filters: Filters, cursor: string | null, signal: AbortSignal): Promise<Page> {
  const { label, status } = filters;
  const narrowed = {
    label,
    status,
    minConfidence: label ? filters.minConfidence : 0,
    flagged: filters.flagged ? "true" : "",
    from: startOf(filters.from),
    to: startOf(filters.to, 1),
  };
  return ask("GET", `/results${query({ limit: PAGE_SIZE, cursor, ...narrowed })}`, undefined, signal);
}

/** The newest images, as many as one request gives. */
export const newest = (): Promise<Page> => ask("GET", `/results${query({ limit: LISTED_AT_ONCE })}`);

const of = (image: string): string => `/results/${encodeURIComponent(image)}`;

export const detail = (image: string, signal?: AbortSignal): Promise<Detail> =>
  ask("GET", of(image), undefined, signal);

export const similar = (image: string): Promise<{ items: Similar[] }> => ask("GET", `${of(image)}/similar?limit=12`);

export const labels = (): Promise<{ labels: LabelCount[] }> => ask("GET", "/labels");

export const replay = (image: string): Promise<{ run: number }> => ask("POST", `${of(image)}/replay`, {});

export const release = (image: string): Promise<unknown> => ask("POST", `${of(image)}/release`, {});

export const remove = (image: string): Promise<unknown> => ask("DELETE", of(image));

/** Rekognition's answers; a document too large for the API comes from where the API points. */
export async function analysis(image: string): Promise<Analysis> {
  const said = await ask<Analysis | { url: string }>("GET", `${of(image)}/analysis`);
  if (!("url" in said)) return said;
  const document = await reach(said.url, {});
  if (!document.ok) throw await problemOf(document);
  return (await document.json()) as Analysis;
}

export async function tickets(files: File[]): Promise<Ticket[]> {
  const asked = files.map((file) => ({ fileName: file.name, fileType: typeOf(file), fileSize: file.size }));
  return (await ask<{ uploads: Ticket[] }>("POST", "/upload-url", { files: asked })).uploads;
}

/** Browsers know no type for HEIC on most systems: the name's ending has to do. Empty if that says nothing. */
export function typeOf(file: File): string {
  if (file.type && file.type !== "application/octet-stream") return file.type;
  const ending = file.name.split(".").pop()?.toLowerCase() ?? "";
  return { heic: "image/heic", heif: "image/heif", avif: "image/avif", tif: "image/tiff", tiff: "image/tiff" }[ending] ?? "";
}
