/**
 * kill -9 of the daemon while its listener has a fixed port and open connections. Danger: the address counts as in use, and
 * deliveries find nobody until somebody looks.
 */
import assert from "node:assert/strict";
import { delay } from "../../../src/base/time.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { long } from "../../support/long_form.ts";
import { Daemon } from "../../support/mortal_daemon.ts";
import { makeWorkspace, within } from "../../support/workspace_fixture.ts";

const address = "127.81.9.4:20417", token = "hunter2-secret";

/** It starts a program that outlives it, as one that is built badly does: nothing of the daemon's may be open in it. */
const ci = `export async function compute({ trigger }) {
  new Deno.Command("sleep", { args: ["30"] }).spawn();
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  return { heard: trigger.deliveries.length };
}`;

const yaml = {
  listen: address,
  env_file: ".env",
  hooks: { git: { secret: "env GIT_SECRET", verify: "bearer" } },
  senses: { ci: { permissions: { run: ["sleep"] } } },
  reflexes: [{ sense: "ci", hook: "git" }],
};

function deliver(): Promise<Response> {
  return fetch(`http://${address}/hooks/git`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: "x",
  });
}

async function untilListening(daemon: Daemon): Promise<void> {
  const wait = async () => {
    while ((await daemon.client.hooks()).listener?.listening !== true) await delay(systemClock, 5);
  };
  await within(wait(), "the listener to be back", () => daemon.output);
}

long.test("a listener on a fixed port is back after kill -9, whatever was open", async () => {
  await using workspace = await makeWorkspace({ yaml, senses: { ci }, files: { ".env": `GIT_SECRET=${token}\n` } });
  const open: Deno.TcpConn[] = [];
  try {
    for (let n = 0; n < 4; n++) {
      const daemon = await Daemon.start(workspace.paths);
      await untilListening(daemon);
      // The sense computes, a client is in the middle of a request, and another one has sent nothing yet.
      const response = await deliver();
      assert.equal(response.status, 202);
      await response.body?.cancel();
      const [hostname = "", port] = address.split(":"), connect = () => Deno.connect({ hostname, port: Number(port) });
      open.push(await connect(), await connect());
      await open.at(-1)?.write(new TextEncoder().encode("POST /hooks/git HTTP/1.1\r\nhost: localhost\r\n"));
      const { problem } = (await daemon.client.hooks()).listener ?? assert.fail("it listens nowhere");
      assert.equal(problem, null);
      assert.doesNotMatch(daemon.output, /cannot listen/, "at the first try");
      await daemon.kill();
    }
  } finally {
    for (const connection of open) connection.close();
  }
});
