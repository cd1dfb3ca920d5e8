/** The list of images as far as it was read: page by page, newest first. */
import { reactive, readonly } from "vue";
import * as api from "./api";
import { route } from "./route";
import type { LabelCount, Page, Summary } from "./types";

interface State {
  items: Summary[];
  labels: LabelCount[];
  cursor: string | null;
  reading: "first" | "more" | null;
  problem: api.Problem | null;
}

const state = reactive<State>({ items: [], labels: [], cursor: null, reading: null, problem: null });
export const gallery = readonly(state);

let running = new AbortController();

/** Begin anew with the filters that the address names; an answer still under way counts no more. */
export async function load(): Promise<void> {
  state.items = [];
  state.cursor = null;
  await read("first");
}

/** The next page, if there is one and none is on its way. */
export async function more(): Promise<void> {
  if (state.reading || state.problem || !state.cursor) return;
  await read("more");
}

/** After an error: go on where it broke. */
export const again = (): Promise<void> => (state.items.length ? read("more") : load());

async function read(reading: "first" | "more"): Promise<void> {
  running.abort();
  const mine = (running = new AbortController());
  state.reading = reading;
  state.problem = null;
  try {
    take(await api.list(route.filters, state.cursor, mine.signal));
  } catch (error) {
    if (mine.signal.aborted) return;
    state.problem = error as api.Problem;
  }
  if (mine === running) state.reading = null;
}

/** An image that moved to the top while we read on comes twice: the first one seen stays. */
function take(page: Page): void {
  const known = new Set(state.items.map((item) => item.image));
  state.items.push(...page.items.filter((item) => !known.has(item.image)));
  state.cursor = page.cursor;
}

/** Bring in what is new at the top, without losing what was read below. */
export async function refresh(): Promise<void> {
  if (state.reading) return;
  const asked = JSON.stringify(route.filters);
  const page = await api.list(route.filters, null, new AbortController().signal).catch(() => null);
  if (!page || asked !== JSON.stringify(route.filters)) return;
  const fresh = new Set(page.items.map((item) => item.image));
  state.items = [...page.items, ...state.items.filter((item) => !fresh.has(item.image))];
  state.cursor ??= page.items.length === state.items.length ? page.cursor : null;
  await readLabels();
}

/** The labels there are, for the chips. Without them the gallery works all the same. */
export async function readLabels(): Promise<void> {
  const said = await api.labels().catch(() => null);
  if (said) state.labels = said.labels;
}

export function forget(image: string): void {
  state.items = state.items.filter((item) => item.image !== image);
}
