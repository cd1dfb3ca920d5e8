/** What the address says: the filters, and the image that is open. Back and forward just work. */
import { reactive, readonly } from "vue";
import type { Filters } from "./api";

interface Route {
  filters: Filters;
  image: string | null;
}

export const ANY: Readonly<Filters> = { label: "", minConfidence: 0, status: "", flagged: false, from: "", to: "" };

const state = reactive<Route>(read());
export const route = readonly(state);

function read(): Route {
  const said = new URLSearchParams(location.search);
  const confidence = Number(said.get("minConfidence"));
  const filters = {
    label: said.get("label") ?? "",
    minConfidence: confidence > 0 && confidence <= 100 ? confidence : 0,
    status: said.get("status") ?? "",
    flagged: said.get("flagged") === "true",
    from: day(said.get("from")),
    to: day(said.get("to")),
  };
  return { filters, image: said.get("image") };
}

function day(word: string | null): string {
  return word && /^\d{4}-\d{2}-\d{2}$/.test(word) ? word : "";
}

/** The address of these filters, with this image open. */
export function address(filters: Filters, image: string | null): string {
  const kept = Object.entries({ ...filters, image }).filter(([, value]) => value);
  const said = new URLSearchParams(kept.map(([name, value]) => [name, String(value)]));
  return kept.length ? `?${said}` : location.pathname;
}

export const addressOf = (image: string): string => address(state.filters, image);

export function open(image: string | null): void {
  history.pushState(null, "", address(state.filters, image));
  state.image = image;
}

/** One entry in the history for all filters: a slider would leave dozens. */
export function narrow(changed: Partial<Filters>): void {
  Object.assign(state.filters, changed);
  state.image = null;
  history.replaceState(null, "", address(state.filters, null));
}

addEventListener("popstate", () => {
  const now = read();
  Object.assign(state.filters, now.filters);
  state.image = now.image;
});
