/** Files on their way: checked, sent a few at a time, and followed until Darkroom says how they ended. */
import { computed, reactive, ref } from "vue";
import * as api from "./api";
import { objection } from "./checks";
import { inBackground, keepLooking } from "./patience";
import type { Hop, Summary, Ticket } from "./types";

export type State = "checking" | "refused" | "waiting" | "sending" | "working" | "completed" | "failed" | "cancelled" | "broken";

export interface Upload {
  id: number;
  file: File;
  preview: string;
  state: State;
  /** Bytes that the bucket has taken. */
  sent: number;
  image: string | null;
  hops: Hop[];
  flagged: boolean;
  /** Why it was refused, broke or failed. */
  message: string;
  /** When we last asked about it, so that everybody has a turn. */
  asked: number;
  abort: (() => void) | null;
}

const SENDING_AT_ONCE = 4;
const ASKED_AT_ONCE = 3;

export const uploads = reactive<Upload[]>([]);
/** Whether we have been waiting for long, and only look now and then. */
export const background = ref(false);
/** Counts the uploads that ended: whoever lists images wants to know. */
export const ended = ref(0);

const inState = (...states: State[]): Upload[] => uploads.filter((upload) => states.includes(upload.state));

export const totals = computed(() => {
  const counted = inState("waiting", "sending", "working", "completed", "failed");
  const bytes = counted.reduce((sum, upload) => sum + upload.file.size, 0);
  const sent = counted.reduce((sum, upload) => sum + upload.sent, 0);
  const done = counted.filter((upload) => upload.state === "completed" || upload.state === "failed");
  return { files: counted.length, done: done.length, share: bytes ? sent / bytes : 0 };
});

let lastId = 0;

export async function add(files: Iterable<File>): Promise<void> {
  const added = Array.from(files, (file) => reactive(fresh(file)));
  uploads.push(...added);
  await Promise.all(added.map(check));
  void pump();
}

const fresh = (file: File): Upload => ({
  id: ++lastId,
  file,
  preview: URL.createObjectURL(file),
  state: "checking",
  sent: 0,
  image: null,
  hops: [],
  flagged: false,
  message: "",
  asked: 0,
  abort: null,
});

async function check(upload: Upload): Promise<void> {
  upload.message = (await objection(upload.file, api.limits())) ?? "";
  upload.state = upload.message ? "refused" : "waiting";
}

export function cancel(upload: Upload): void {
  upload.state = "cancelled";
  upload.abort?.();
}

export function retry(upload: Upload): void {
  Object.assign(upload, { state: "waiting", sent: 0, message: "", image: null, hops: [] });
  void pump();
}

export function dismiss(upload: Upload): void {
  URL.revokeObjectURL(upload.preview);
  uploads.splice(uploads.indexOf(upload), 1);
}

export const over = (upload: Upload): boolean =>
  ["refused", "completed", "failed", "cancelled", "broken"].includes(upload.state);

export function dismissAll(): void {
  for (const upload of uploads.filter(over)) dismiss(upload);
}

/** Fill the free places. A ticket holds for minutes only, so each is asked for when it is used. */
async function pump(): Promise<void> {
  const batch = inState("waiting").slice(0, SENDING_AT_ONCE - inState("sending").length);
  if (!batch.length) return;
  for (const upload of batch) upload.state = "sending";
  try {
    const tickets = await api.tickets(batch.map((upload) => upload.file));
    batch.forEach((upload, n) => send(upload, tickets[n] as Ticket));
  } catch (error) {
    for (const upload of batch) broke(upload, (error as Error).message);
  }
}

/** By XMLHttpRequest, since fetch tells nothing of an upload's progress. */
function send(upload: Upload, ticket: Ticket): void {
  if (upload.state !== "sending") return void pump();
  const request = new XMLHttpRequest();
  request.upload.onprogress = (event) => (upload.sent = Math.min(event.loaded, upload.file.size));
  request.onload = () => (request.status < 300 ? arrived(upload, ticket.image) : broke(upload, refusal(request)));
  request.onerror = () => broke(upload, "The connection broke.");
  request.onabort = () => void pump();
  request.open("POST", ticket.post.url);
  request.send(form(ticket, upload.file));
  upload.abort = () => request.abort();
}

/** S3 reads fields in their order, and nothing after the file. */
function form(ticket: Ticket, file: File): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(ticket.post.fields)) data.append(name, value);
  data.append("file", file);
  return data;
}

function refusal(request: XMLHttpRequest): string {
  const code = /<Code>(\w+)<\/Code>/.exec(request.responseText)?.[1];
  if (code === "EntityTooLarge") return "The bucket refused it: it is larger than was agreed.";
  return `The bucket refused it (${code ?? request.status}).`;
}

function broke(upload: Upload, message: string): void {
  Object.assign(upload, { state: "broken", message, abort: null });
  void pump();
}

function arrived(upload: Upload, image: string): void {
  Object.assign(upload, { state: "working", sent: upload.file.size, image, abort: null });
  follow();
  void pump();
}

let stop = (): void => undefined;

/** Look at whatever is being worked on, eagerly from now on. */
export function follow(): void {
  stop();
  background.value = false;
  stop = keepLooking(look);
}

/** A few are asked for one by one, for their hops; of many, the list tells who has ended. */
async function look(waitedMs: number): Promise<boolean> {
  background.value = inBackground(waitedMs);
  if (inState("working").length > ASKED_AT_ONCE) await settleByList();
  const next = inState("working").sort((one, other) => one.asked - other.asked).slice(0, ASKED_AT_ONCE);
  await Promise.all(next.map(ask));
  return !inState("working").length;
}

async function settleByList(): Promise<void> {
  const page = await api.newest().catch(() => ({ items: [] }));
  const known = new Map(page.items.map((item) => [item.image, item]));
  for (const upload of inState("working")) {
    const summary = known.get(upload.image ?? "");
    if (summary) settle(upload, summary);
  }
}

async function ask(upload: Upload): Promise<void> {
  upload.asked = Date.now();
  try {
    const detail = await api.detail(upload.image ?? "");
    upload.hops = detail.timeline.filter((hop) => hop.run === detail.run);
    settle(upload, detail);
  } catch (error) {
    upload.message = excuse(error as api.Problem);
    if ((error as api.Problem).status === 410) Object.assign(upload, { state: "failed", message: "It was deleted." });
  }
}

/** Nobody has heard of it yet, most often; else there is something to say while we go on asking. */
const excuse = (problem: api.Problem): string => (problem.status === 404 ? "" : problem.message);

function settle(upload: Upload, image: Summary): void {
  upload.message = image.failure ? (image.failure.detail ?? image.failure.reason) : "";
  upload.flagged = image.flagged;
  if (image.status === "working") return;
  upload.state = image.status;
  ended.value += 1;
}
