/** Dark, light, or as the system has it; the choice is remembered where the browser allows. */
import { ref, watchEffect } from "vue";

export const THEMES = ["system", "dark", "light"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "darkroom-theme";

export const theme = ref<Theme>(remembered());

function remembered(): Theme {
  try {
    return THEMES.find((known) => known === localStorage.getItem(KEY)) ?? "system";
  } catch {
    return "system"; // storage is switched off
  }
}

watchEffect(() => {
  document.documentElement.dataset["theme"] = theme.value;
  try {
    localStorage.setItem(KEY, theme.value);
  } catch {
    // storage is switched off: the choice holds for this visit
  }
});
