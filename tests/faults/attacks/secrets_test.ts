/** Secrets: the value of a granted variable appears in no row, event, answer or line that nerve writes. */
import assert from "node:assert/strict";
import { runCli } from "../../../src/cli/app.ts";
import { attackTest } from "../../support/attack_daemon.ts";
import { CapturedIo } from "../../support/captured_io.ts";

const secret = "s3cr3t-t0ken-value";
const yaml = { permissions: { env: ["EXAMPLE_TOKEN"] } };
const any = /^(returned|threw)/;

attackTest("a secret that a sense or role prints is masked wherever nerve shows it", {
  "returns": {
    body: "return { token: Deno.env.get('EXAMPLE_TOKEN') }",
    outcome: /^returned "?\{\\?"token\\?":\\?"\[EXAMPLE_TOKEN\]/,
    deadly: true,
    yaml,
  },
  "throws": {
    body: "throw new Error('401 for ' + Deno.env.get('EXAMPLE_TOKEN'))",
    outcome: /^threw .*401 for \[EXAMPLE_TOKEN\]/,
    deadly: true,
    yaml,
  },
  "logs": {
    body: "log('info', Deno.env.get('EXAMPLE_TOKEN')!, { a: [Deno.env.get('EXAMPLE_TOKEN')!] }); return 'said'",
    outcome: any,
    deadly: true,
    yaml,
  },
  "prints": {
    body:
      "console.log('token', Deno.env.get('EXAMPLE_TOKEN')); console.error(Deno.env.get('EXAMPLE_TOKEN')); return 'said'",
    outcome: any,
    deadly: true,
    yaml,
  },
  "stray": {
    body: "Promise.reject(new Error(Deno.env.get('EXAMPLE_TOKEN'))); return 'said'",
    outcome: any,
    deadly: true,
    yaml,
  },
  "module": {
    head: "throw new Error('loading ' + Deno.env.get('EXAMPLE_TOKEN'));",
    body: "return 1",
    outcome: /^threw .*\[EXAMPLE_TOKEN\]/,
    deadly: true,
    yaml,
  },
  "starts-a-run": {
    body: "return { workflow: { name: 'returns', prompt: 'returns' }, token: Deno.env.get('EXAMPLE_TOKEN') }",
    raw: true,
    only: "sense",
    outcome: /^run/,
    deadly: true,
    yaml,
  },
  "knows-it-itself": {
    body: "return Deno.env.get('EXAMPLE_TOKEN') === ['s3cr3t', 't0ken', 'value'].join('-')",
    outcome: /^returned true/,
    deadly: true,
    yaml,
  },
}, {
  env: { EXAMPLE_TOKEN: secret },
  async check(daemon) {
    const { client, targets } = daemon;
    const shown = JSON.stringify([
      await daemon.logs({}),
      await client.senses(),
      await client.workflows(),
      await client.runs({ limit: 100, offset: 0 }),
      await daemon.health(),
    ]);
    assert.ok(!shown.includes(secret) && shown.includes("[EXAMPLE_TOKEN]"));
    Deno.env.set("EXAMPLE_TOKEN", secret);
    try {
      for (
        const argv of [
          ["events", "--json", "--limit", "500"],
          ["events"],
          ["sense", "list", "--json"],
          [
            "workflow",
            "list",
            "--json",
          ],
          ["status", "--json"],
          ["validate"],
          ["validate", "--format", "json"],
        ]
      ) {
        const io = new CapturedIo({ cwd: targets.workspace });
        // One of them does not load.
        assert.equal(await runCli(argv, io), argv[0] === "validate" ? 1 : 0, io.err);
        assert.ok(!(io.out + io.err).includes(secret), argv.join(" "));
      }
    } finally {
      Deno.env.delete("EXAMPLE_TOKEN");
    }
    assert.ok(!(await daemon.printed()).includes(secret), "the daemon's own output");
  },
});
