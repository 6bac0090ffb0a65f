/**
 * The entry of the dashboard: renders the page in place of the empty frame of index.html, then starts the stream.
 * Bundled by tools/dashboard/bundle.ts.
 */
import { render } from "preact";
import "./styles/main.css";
import { App } from "./app.tsx";
import { live } from "./live.ts";

const root = document.getElementById("app");
if (root !== null) {
  root.textContent = "";
  render(<App />, root);
}
live.start();
