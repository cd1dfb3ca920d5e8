/** The theme: dark, light or the system's. It is stored if the browser allows storage. */
import { ref, watchEffect } from "vue";

export const THEMES = ["system", "dark", "light"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "darkroom-theme";

export const theme = ref<Theme>(stored());

function stored(): Theme {
  try {
    return THEMES.find((name) => name === localStorage.getItem(KEY)) ?? "system";
  } catch {
    return "system"; // storage is switched off
  }
}

watchEffect(() => {
  document.documentElement.dataset["theme"] = theme.value;
  try {
    localStorage.setItem(KEY, theme.value);
  } catch {
    // storage is switched off: the choice is lost on reload
  }
});
