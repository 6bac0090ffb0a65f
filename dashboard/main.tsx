/** The entry of the dashboard: the theme first, then the page, then the stream. Bundled by tools/dashboard/bundle.ts. */
import { render } from "preact";
import "./styles/main.css";
import { App } from "./app.tsx";
import { live } from "./live.ts";
import { applyTheme } from "./theme.ts";

applyTheme();
const root = document.getElementById("app");
if (root !== null) {
  root.textContent = "";
  render(<App />, root);
}
live.start();
