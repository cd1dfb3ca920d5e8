/** The list of images, newest first, as far as its pages have been loaded. */
import { reactive, readonly } from "vue";
import * as api from "./api";
import { route } from "./route";
import type { ImagePage, ImageSummary, LabelCount } from "./types";

interface State {
  items: ImageSummary[];
  labels: LabelCount[];
  cursor: string | null;
  loading: "first" | "more" | null;
  problem: api.Problem | null;
}

const state = reactive<State>({ items: [], labels: [], cursor: null, loading: null, problem: null });
export const gallery = readonly(state);

let current = new AbortController();

/** Load the first page for the filters in the address. A request that is still open is aborted. */
export async function load(): Promise<void> {
  state.items = [];
  state.cursor = null;
  await loadPage("first");
}

/** Load the next page, if there is one and none is being loaded. */
export async function loadMore(): Promise<void> {
  if (state.loading || state.problem || !state.cursor) return;
  await loadPage("more");
}

/** Repeat the request that failed. */
export const retry = (): Promise<void> => (state.items.length ? loadPage("more") : load());

async function loadPage(loading: "first" | "more"): Promise<void> {
  current.abort();
  const controller = (current = new AbortController());
  state.loading = loading;
  state.problem = null;
  try {
    append(await api.listImages(route.filters, state.cursor, controller.signal));
  } catch (error) {
    if (controller.signal.aborted) return;
    state.problem = error as api.Problem;
  }
  if (controller === current) state.loading = null;
}

/** Append a page. An image that moved between two requests can be on both pages; it is added once. */
function append(page: ImagePage): void {
  const listed = new Set(state.items.map((item) => item.image));
  state.items.push(...page.items.filter((item) => !listed.has(item.image)));
  state.cursor = page.cursor;
}

/** Load the first page again and merge it with the images that are listed already. */
export async function refresh(): Promise<void> {
  if (state.loading) return;
  const filters = JSON.stringify(route.filters);
  const page = await api.listImages(route.filters, null, new AbortController().signal).catch(() => null);
  if (!page || filters !== JSON.stringify(route.filters)) return;
  const newest = new Set(page.items.map((item) => item.image));
  state.items = [...page.items, ...state.items.filter((item) => !newest.has(item.image))];
  state.cursor ??= page.items.length === state.items.length ? page.cursor : null;
  await loadLabels();
}

/** Load the labels to choose from. The gallery works without them, so an error is ignored. */
export async function loadLabels(): Promise<void> {
  const page = await api.listLabels().catch(() => null);
  if (page) state.labels = page.labels;
}

export function removeFromGallery(image: string): void {
  state.items = state.items.filter((item) => item.image !== image);
}
