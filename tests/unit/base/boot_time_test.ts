import assert from "node:assert/strict";
import { readBootTime } from "../../../src/base/boot_time.ts";
import { systemClock } from "../../../src/base/clock.ts";

Deno.test("the time since boot is the same count in every process of this boot", async () => {
  const here = readBootTime();
  assert.ok(here !== null && here.ms > 0 && /^[0-9a-f-]{36}$/.test(here.id));
  const script = `import { readBootTime } from ${JSON.stringify(import.meta.resolve("../../../src/base/boot_time.ts"))};
    console.log(JSON.stringify(readBootTime()));`;
  const read = (permission: string) =>
    new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "--cached-only",
        permission,
        `data:text/javascript,${encodeURIComponent(script)}`,
      ],
    }).output().then(({ stdout }) => JSON.parse(new TextDecoder().decode(stdout)));
  const there = await read("-A"), later = systemClock.boot();
  assert.ok(later !== null && there.id === here.id && later.id === here.id);
  assert.ok(here.ms <= there.ms && there.ms <= later.ms);
  assert.equal(await read("--deny-read"), null, "code that may not read it goes without");
});
