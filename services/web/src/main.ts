/** The entry point: reads the configuration and mounts the page. */
import { createApp } from "vue";
import { configure } from "./api";
import App from "./App.vue";
import "./style.css";
import "./theme";

const configured = configure();
createApp(App, { configured }).mount("#app");
