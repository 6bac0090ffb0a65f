/** A daemon that may have few files open: clients of its API must not take those that its own work needs. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { waitUntil } from "../../../src/daemon/discovery.ts";
import { DaemonWorkspace, deadlineMs } from "../../support/daemon.ts";
import { long } from "../../support/long_form.ts";
import { nerveCommand } from "../../support/nerve_program.ts";

long.test("clients that take every connection do not end a daemon with few descriptors, and doctor warns of the limit", async () => {
  // The bug was: at 90 descriptors 60 clients ended the kernel, since Deno panics when it can open none for a thread.
  await using workspace = await DaemonWorkspace.make({
    "nerve.yaml": "senses: { ping: {} }\nreflexes: [{ sense: ping, interval: 100ms }]\nworkflows: { slow: {} }\n",
  });
  const child = new Deno.Command("sh", {
    args: ["-c", 'ulimit -n 120; exec "$0" "$@"', ...nerveCommand, "run"],
    cwd: "/",
    env: { NERVE_WORKSPACE: workspace.root, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let out = "", ended = false;
  const reading = Promise.all([child.stdout, child.stderr].map(async (stream) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) out += text;
  }));
  void child.status.then(() => ended = true);
  const signals = () => out.split("ping").length - 1;
  const more = async (count: number) => {
    const from = signals();
    assert.ok(await waitUntil(systemClock, deadlineMs, () => ended || signals() >= from + count) && !ended, out);
  };
  await more(3);
  const clients = await Promise.all(
    Array.from(
      { length: 120 },
      () => Deno.connect({ transport: "unix", path: workspace.paths.socket }).catch(() => null),
    ),
  );
  await more(10);
  for (const client of clients) client?.close();
  const doctor = await workspace.nerve("doctor");
  assert.match(doctor.out, /descriptors: the daemon may have 120 files open\n +raise the limit to 1024 or more/);
  child.kill("SIGTERM");
  assert.equal((await child.status).code, 0, out);
  await reading;
});
