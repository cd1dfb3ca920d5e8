/** The client of the HTTP API: a function for each route; an error response is thrown as `Problem`. */
import { Problem } from "./problem";
import { authorization, expire, initialize, type SignIn } from "./session";
import type { Analysis, ImageDetail, ImagePage, LabelCount, SimilarImage, Upload } from "./types";

export { Problem };

export interface Limits {
  bytes: number;
  pixels: number;
}

/** config.json, which the deployment writes beside the page. */
interface Config {
  api: string;
  stage: string;
  limits: Limits;
  /** Missing on a stage whose API is open to everyone. */
  signIn?: SignIn;
}

export interface Filters {
  label: string;
  /** Percent; 0 matches all. */
  minConfidence: number;
  status: string;
  flagged: boolean;
  /** Local dates such as `2026-11-21`; requests cover whole days. */
  from: string;
  to: string;
}

const PAGE_SIZE = 40;
/** The most images that one request can list. */
const MAX_PAGE = 100;

let config: Config;

/** Read config.json, then restore the session if there is one. Throws a Problem without the file. */
export async function configure(): Promise<Config> {
  const response = await fetch("./config.json", { cache: "no-cache" });
  if (!response.ok) throw new Problem(response.status, "no-config", "config.json is missing beside this page.");
  config = (await response.json()) as Config;
  await initialize(config.signIn);
  return config;
}

export const limits = (): Limits => config.limits;

async function request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  const contentType = body === undefined ? {} : { "content-type": "application/json" };
  const headers = { ...contentType, ...(await authorization()) };
  const response = await send(config.api + path, { method, signal: signal ?? null, headers, ...content });
  if (response.status === 401) expire();
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as T;
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, "unreachable", "Darkroom cannot be reached. Is it running, and are you online?");
  }
}

async function problemOf(response: Response): Promise<Problem> {
  const id = response.headers.get("x-request-id");
  const body = (await response.json().catch(() => ({}))) as Record<string, string>;
  const message = body["detail"] ?? body["title"] ?? `The server answered with status ${response.status}.`;
  return new Problem(response.status, body["code"] ?? "unknown", message, id);
}

/** The query string of the parameters that have a value. */
function query(parameters: Record<string, string | number | null | undefined>): string {
  const present = Object.entries(parameters).filter(([, value]) => value);
  return present.length ? `?${new URLSearchParams(present.map(([name, value]) => [name, String(value)]))}` : "";
}

/** When a local day starts, or the day this many days later; empty for no day. */
function startOf(day: string, daysLater = 0): string {
  if (!day) return "";
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + daysLater).toISOString();
}

export function listImages(filters: Filters, cursor: string | null, signal: AbortSignal): Promise<ImagePage> {
  const { label, status } = filters;
  const parameters = {
    label,
    status,
    minConfidence: label ? filters.minConfidence : 0,
    flagged: filters.flagged ? "true" : "",
    from: startOf(filters.from),
    to: startOf(filters.to, 1),
  };
  return request("GET", `/results${query({ limit: PAGE_SIZE, cursor, ...parameters })}`, undefined, signal);
}

/** The newest images, as many as one request returns. */
export const newestImages = (): Promise<ImagePage> => request("GET", `/results${query({ limit: MAX_PAGE })}`);

const pathOf = (image: string): string => `/results/${encodeURIComponent(image)}`;

export const getImage = (image: string, signal?: AbortSignal): Promise<ImageDetail> =>
  request("GET", pathOf(image), undefined, signal);

export const similarImages = (image: string): Promise<{ items: SimilarImage[] }> =>
  request("GET", `${pathOf(image)}/similar?limit=12`);

export const listLabels = (): Promise<{ labels: LabelCount[] }> => request("GET", "/labels");

export const replay = (image: string): Promise<{ run: number }> => request("POST", `${pathOf(image)}/replay`, {});

export const release = (image: string): Promise<unknown> => request("POST", `${pathOf(image)}/release`, {});

export const remove = (image: string): Promise<unknown> => request("DELETE", pathOf(image));

/** The analysis document. One that is too large for a response is read from its presigned URL. */
export async function getAnalysis(image: string): Promise<Analysis> {
  const body = await request<Analysis | { url: string }>("GET", `${pathOf(image)}/analysis`);
  if (!("url" in body)) return body;
  const response = await send(body.url, {});
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as Analysis;
}

/** A presigned upload for each file. */
export async function createUploads(files: File[]): Promise<Upload[]> {
  const body = files.map((file) => ({ fileName: file.name, fileType: mediaType(file), fileSize: file.size }));
  return (await request<{ uploads: Upload[] }>("POST", "/upload-url", { files: body })).uploads;
}

/** A file's media type; by its suffix where the browser does not know it (HEIC). Empty if unknown. */
export function mediaType(file: File): string {
  if (file.type && file.type !== "application/octet-stream") return file.type;
  const suffix = file.name.split(".").pop()?.toLowerCase() ?? "";
  return { heic: "image/heic", heif: "image/heif", avif: "image/avif", tif: "image/tiff", tiff: "image/tiff" }[suffix] ?? "";
}
