/**
 * A daemon in which Landlock alone holds user code: Deno's permissions are open. For tests of what Landlock stops on
 * its own. No configuration, flag or variable of nerve leads here.
 *
 *     deno run -A tests/support/landlock_only.ts WORKSPACE
 */
import { systemClock } from "../../src/base/clock.ts";
import { loadNerveConfig } from "../../src/config/load.ts";
import { workspacePaths } from "../../src/config/workspace.ts";
import { openControlSocket } from "../../src/daemon/control_socket.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { systemIsolation } from "../../src/process/isolation.ts";

const [root = ""] = Deno.args, paths = workspacePaths(root), loaded = await loadNerveConfig(paths);
if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
const report = (what: string) => Deno.stderr.writeSync(new TextEncoder().encode(`${what}\n`));
const kernel: Kernel = new Kernel(loaded.value.config, root, {
  holder: { kind: "foreground", program: "nerve" },
  watch: true,
  isolation: { ...systemIsolation(), permissions: false },
  beside: ({ api }) => openControlSocket(api, { paths, clock: systemClock, stop: () => void kernel.stop(), report }),
});
await kernel.ready;
await kernel.stopped;
