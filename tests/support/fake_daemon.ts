/** A daemon whose kernel is a fake, behind the real API and socket. */
import { systemClock } from "../../src/base/clock.ts";
import { workspacePaths } from "../../src/config/workspace.ts";
import { createApp } from "../../src/control/app.ts";
import { serveControl } from "../../src/control/unix_server.ts";
import { FakeView } from "./fake_view.ts";
import { inTempDir, writeWorkspace } from "./temp_workspace.ts";

/** A workspace whose daemon is a fake kernel behind the real API. */
export async function withDaemon(test: (root: string, view: FakeView) => Promise<void>): Promise<void> {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "senses: { cpu-usage: {} }\nworkflows: { cleanup: {} }\n" });
    const view = new FakeView();
    const server = await serveControl(createApp(view, { version: "0", stop: () => {}, report: () => {} }), {
      path: workspacePaths(root).socket,
      clock: systemClock,
      report: () => {},
    });
    try {
      await test(root, view);
    } finally {
      await server.stop();
    }
  });
}
