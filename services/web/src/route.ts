/** The state in the address: the filters and the open image. So back and forward work. */
import { reactive, readonly } from "vue";
import type { Filters } from "./api";

interface Route {
  filters: Filters;
  image: string | null;
}

export const NO_FILTERS: Readonly<Filters> = { label: "", minConfidence: 0, status: "", flagged: false, from: "", to: "" };

const state = reactive<Route>(read());
export const route = readonly(state);

function read(): Route {
  const parameters = new URLSearchParams(location.search);
  const confidence = Number(parameters.get("minConfidence"));
  const filters = {
    label: parameters.get("label") ?? "",
    minConfidence: confidence > 0 && confidence <= 100 ? confidence : 0,
    status: parameters.get("status") ?? "",
    flagged: parameters.get("flagged") === "true",
    from: day(parameters.get("from")),
    to: day(parameters.get("to")),
  };
  return { filters, image: parameters.get("image") };
}

/** A date such as `2026-11-21`; empty if the text is none. */
function day(text: string | null): string {
  return text && /^\d{4}-\d{2}-\d{2}$/.test(text) ? text : "";
}

/** The address for these filters and this open image. */
export function address(filters: Filters, image: string | null): string {
  const present = Object.entries({ ...filters, image }).filter(([, value]) => value);
  const parameters = new URLSearchParams(present.map(([name, value]) => [name, String(value)]));
  return present.length ? `?${parameters}` : location.pathname;
}

/** The address of an image with the current filters. */
export const addressOf = (image: string): string => address(state.filters, image);

/** Open an image, or the gallery. */
export function open(image: string | null): void {
  history.pushState(null, "", address(state.filters, image));
  state.image = image;
}

/** Change filters. The history entry is replaced, because a slider would add dozens. */
export function setFilters(changed: Partial<Filters>): void {
  Object.assign(state.filters, changed);
  state.image = null;
  history.replaceState(null, "", address(state.filters, null));
}

addEventListener("popstate", () => {
  const { filters, image } = read();
  Object.assign(state.filters, filters);
  state.image = image;
});
