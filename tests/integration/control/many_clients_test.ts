/**
 * 64 clients of every kind at once: the kernel keeps ticking and leaks no file descriptors. The speed guard checks how
 * late its ticks are.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { delay } from "../../../src/base/time.ts";
import { ControlClient } from "../../../src/control/client/client.ts";
import { long } from "../../support/long_form.ts";
import { latenessUnderLoad, tickingWorkspace, underLoad } from "../../support/many_clients.ts";
import { within } from "../../support/workspace_fixture.ts";

const fileDescriptors = () => [...Deno.readDirSync("/proc/self/fd")].length;

long.test("64 clients of every kind leak no file descriptor, and the kernel keeps ticking under their load", async () => {
  await using served = await tickingWorkspace();
  // The first round opens what stays open: the group's process, the code of the routes.
  await within(underLoad(served.socket), "the first clients");
  const before = fileDescriptors();
  await latenessUnderLoad(served);
  // A vanished client is noticed within a moment.
  const noticed = async () => {
    while (fileDescriptors() > before) await delay(systemClock, 50);
  };
  await within(
    noticed(),
    "the file descriptors of the clients to be closed",
    () => `${fileDescriptors()}, ${before} before`,
  );
  using client = new ControlClient(served.socket);
  assert.equal((await client.sense("ticker")).problem, null);
  assert.deepEqual(served.reported, []);
});
