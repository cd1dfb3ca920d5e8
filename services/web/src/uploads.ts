/** Uploads: each file is checked, sent, and followed until its image has completed or failed. */
import { computed, reactive, ref } from "vue";
import * as api from "./api";
import { refusal } from "./checks";
import { inBackground, poll } from "./polling";
import type { Hop, ImageSummary, Upload as PresignedUpload } from "./types";

export type State = "checking" | "refused" | "waiting" | "sending" | "processing" | "completed" | "failed" | "cancelled" | "error";

/** A file that was added. `refused`: it failed the check. `error`: it could not be sent. */
export interface Upload {
  id: number;
  file: File;
  preview: string;
  state: State;
  /** Bytes sent so far. */
  sent: number;
  image: string | null;
  hops: Hop[];
  flagged: boolean;
  /** Why it was refused, was not sent or failed. */
  message: string;
  /** When it was last requested; those with the oldest request are next. */
  requested: number;
  abort: (() => void) | null;
}

const MAX_SENDING = 4;
/** Images requested one by one in a round of polling. */
const MAX_REQUESTS = 3;

export const uploads = reactive<Upload[]>([]);
/** Whether polling has slowed down, after a minute. */
export const background = ref(false);
/** The number of uploads that ended; the gallery is refreshed when it changes. */
export const ended = ref(0);

const inState = (...states: State[]): Upload[] => uploads.filter((upload) => states.includes(upload.state));

export const totals = computed(() => {
  const counted = inState("waiting", "sending", "processing", "completed", "failed");
  const bytes = counted.reduce((sum, upload) => sum + upload.file.size, 0);
  const sent = counted.reduce((sum, upload) => sum + upload.sent, 0);
  const finished = counted.filter((upload) => upload.state === "completed" || upload.state === "failed");
  return { files: counted.length, finished: finished.length, share: bytes ? sent / bytes : 0 };
});

let lastId = 0;

/** Check files and start their uploads. */
export async function add(files: Iterable<File>): Promise<void> {
  const added = Array.from(files, (file) => reactive(newUpload(file)));
  uploads.push(...added);
  await Promise.all(added.map(check));
  void sendNext();
}

const newUpload = (file: File): Upload => ({
  id: ++lastId,
  file,
  preview: URL.createObjectURL(file),
  state: "checking",
  sent: 0,
  image: null,
  hops: [],
  flagged: false,
  message: "",
  requested: 0,
  abort: null,
});

async function check(upload: Upload): Promise<void> {
  upload.message = (await refusal(upload.file, api.limits())) ?? "";
  upload.state = upload.message ? "refused" : "waiting";
}

export function cancel(upload: Upload): void {
  upload.state = "cancelled";
  upload.abort?.();
}

export function retry(upload: Upload): void {
  Object.assign(upload, { state: "waiting", sent: 0, message: "", image: null, hops: [] });
  void sendNext();
}

export function dismiss(upload: Upload): void {
  URL.revokeObjectURL(upload.preview);
  uploads.splice(uploads.indexOf(upload), 1);
}

export const isFinished = (upload: Upload): boolean =>
  ["refused", "completed", "failed", "cancelled", "error"].includes(upload.state);

export function dismissAll(): void {
  for (const upload of uploads.filter(isFinished)) dismiss(upload);
}

/** Send the next files. A presigned upload expires in minutes, so it is requested just before. */
async function sendNext(): Promise<void> {
  const batch = inState("waiting").slice(0, MAX_SENDING - inState("sending").length);
  if (!batch.length) return;
  for (const upload of batch) upload.state = "sending";
  try {
    const presigned = await api.createUploads(batch.map((upload) => upload.file));
    batch.forEach((upload, n) => send(upload, presigned[n] as PresignedUpload));
  } catch (error) {
    for (const upload of batch) fail(upload, (error as Error).message);
  }
}

/** With XMLHttpRequest, because fetch does not report the progress of an upload. */
function send(upload: Upload, presigned: PresignedUpload): void {
  if (upload.state !== "sending") return void sendNext();
  const request = new XMLHttpRequest();
  request.upload.onprogress = (event) => (upload.sent = Math.min(event.loaded, upload.file.size));
  request.onload = () => (request.status < 300 ? sent(upload, presigned.image) : fail(upload, errorOf(request)));
  request.onerror = () => fail(upload, "The connection was interrupted.");
  request.onabort = () => void sendNext();
  request.open("POST", presigned.post.url);
  request.send(form(presigned, upload.file));
  upload.abort = () => request.abort();
}

/** S3 ignores fields after the file. */
function form(presigned: PresignedUpload, file: File): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(presigned.post.fields)) data.append(name, value);
  data.append("file", file);
  return data;
}

function errorOf(request: XMLHttpRequest): string {
  const code = /<Code>(\w+)<\/Code>/.exec(request.responseText)?.[1];
  if (code === "EntityTooLarge") return "S3 refused the upload: the file is larger than announced.";
  return `S3 refused the upload (${code ?? request.status}).`;
}

function fail(upload: Upload, message: string): void {
  Object.assign(upload, { state: "error", message, abort: null });
  void sendNext();
}

function sent(upload: Upload, image: string): void {
  Object.assign(upload, { state: "processing", sent: upload.file.size, image, abort: null });
  follow();
  void sendNext();
}

let stop = (): void => undefined;

/** Poll the images that are processing, at the fast rate again. */
export function follow(): void {
  stop();
  background.value = false;
  stop = poll(update);
}

/** Request a few images one by one, for their hops. For many, request the list first. */
async function update(elapsedMs: number): Promise<boolean> {
  background.value = inBackground(elapsedMs);
  if (inState("processing").length > MAX_REQUESTS) await updateFromList();
  const next = inState("processing").sort((a, b) => a.requested - b.requested).slice(0, MAX_REQUESTS);
  await Promise.all(next.map(updateFromDetail));
  return !inState("processing").length;
}

async function updateFromList(): Promise<void> {
  const page = await api.newestImages().catch(() => ({ items: [] }));
  const summaries = new Map(page.items.map((item) => [item.image, item]));
  for (const upload of inState("processing")) {
    const summary = summaries.get(upload.image ?? "");
    if (summary) apply(upload, summary);
  }
}

async function updateFromDetail(upload: Upload): Promise<void> {
  upload.requested = Date.now();
  try {
    const detail = await api.getImage(upload.image ?? "");
    upload.hops = detail.timeline.filter((hop) => hop.run === detail.run);
    apply(upload, detail);
  } catch (error) {
    upload.message = pollingMessage(error as api.Problem);
    if ((error as api.Problem).status === 410) Object.assign(upload, { state: "failed", message: "It was deleted." });
  }
}

/** Status 404 is usual until the first service has started. Polling goes on after any error. */
const pollingMessage = (problem: api.Problem): string => (problem.status === 404 ? "" : problem.message);

/** Copy the image's state to its upload. */
function apply(upload: Upload, image: ImageSummary): void {
  upload.message = image.failure ? (image.failure.detail ?? image.failure.reason) : "";
  upload.flagged = image.flagged;
  if (image.status === "processing") return;
  upload.state = image.status;
  ended.value += 1;
}
