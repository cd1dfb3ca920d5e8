/** The page's start: read where the API is, then show the gallery. */
import { createApp } from "vue";
import { configure } from "./api";
import App from "./App.vue";
import "./style.css";
import "./theme";

const started = configure();
createApp(App, { started }).mount("#app");
