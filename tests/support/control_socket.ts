/** The API of a fake kernel on a real Unix socket, and a client for it. */
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { createApp } from "../../src/control/app.ts";
import { ControlClient } from "../../src/control/client/client.ts";
import { serveControl } from "../../src/control/unix_server.ts";
import { FakeView } from "./fake_view.ts";

export interface Served {
  readonly view: FakeView;
  readonly client: ControlClient;
  readonly path: string;
  readonly reported: unknown[];
  stop(): Promise<void>;
}

/** Serves a fake kernel in a temporary folder while `test` runs. */
export async function served(test: (served: Served) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "nerve-control-" });
  const path = join(folder, "nerve.sock"), view = new FakeView(), reported: unknown[] = [];
  const report = (thrown: unknown) => reported.push(thrown);
  const server = await serveControl(createApp(view, { version: "0", stop: () => {}, report }), {
    path,
    clock: systemClock,
    report,
  });
  const client = new ControlClient(path);
  try {
    await test({ view, client, path, reported, stop: () => server.stop() });
  } finally {
    client[Symbol.dispose]();
    await server.stop();
    await Deno.remove(folder, { recursive: true });
  }
}
