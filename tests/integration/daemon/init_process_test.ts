/** nerve as the first process of a container: nobody reaps what outlives its parent. It must not be silent about that. */
import assert from "node:assert/strict";
import { DaemonWorkspace } from "../../support/daemon.ts";
import { canUnshare, Container } from "../../support/container.ts";
import { long } from "../../support/long_form.ts";

long.test({
  name: "nerve run as process 1 says that an init is missing, in its output, in status and in doctor",
  ignore: !canUnshare,
  async fn() {
    await using workspace = await DaemonWorkspace.make();
    await using container = new Container(workspace.root, ["run"]);
    await container.printed(/pid 1.* without an init: .*docker run --init/);
    const status = await container.inside(["status"]), doctor = await container.inside(["doctor"]);
    assert.match(status, /🔶 nerve runs as process 1 \(pid 1\) without an init/);
    assert.match(doctor, /🔶 init: nerve runs as process 1 .*\n +run nerve under an init: docker run --init/);
  },
});

Deno.test("elsewhere doctor finds nothing wrong with process 1", async () => {
  await using workspace = await DaemonWorkspace.make();
  assert.match((await workspace.nerve("doctor")).out, /init: (ended processes are reaped|\d+ zombies)/);
});
