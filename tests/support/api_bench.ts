/** The API without a socket, over a kernel that a test sets up. */
import assert from "node:assert/strict";
import { createApp } from "../../src/control/app.ts";
import { problemSchema } from "../../src/protocol/problem.ts";
import { FakeView } from "./fake_view.ts";

export function apiBench() {
  const view = new FakeView(), reported: unknown[] = [];
  const stopping = new AbortController(), env = { stopping: stopping.signal, gone: new AbortController().signal };
  let stops = 0;
  const app = createApp(view, {
    version: "9.9.9",
    stop: () => void stops++,
    report: (thrown) => reported.push(thrown),
  });
  const post = (path: string, body: string) =>
    app.request(path, { method: "POST", body, headers: { "content-type": "application/json" } }, env);
  const get = (path: string) => app.request(path, {}, env);
  return { view, app, get, post, stopping, reported, stops: () => stops };
}

export async function problemOf(answer: Response) {
  assert.equal(answer.headers.get("content-type"), "application/problem+json");
  const problem = problemSchema.parse(await answer.json());
  assert.equal(problem.status, answer.status);
  return problem;
}
