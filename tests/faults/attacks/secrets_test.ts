/** Secrets: the value of a granted variable appears in no row, event, answer or line that nerve writes. */
import assert from "node:assert/strict";
import { runCli } from "../../../src/cli/app.ts";
import { attackTest, longAttackTest } from "../../support/attack_tests.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { isLong } from "../../support/long_form.ts";

const secret = "s3cr3t-t0ken-value";
const yaml = { permissions: { env: ["EXAMPLE_TOKEN"] } };
const said = /^returned "said"$/;

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
    outcome: said,
    deadly: true,
    yaml,
  },
  "prints": {
    body:
      "console.log('token', Deno.env.get('EXAMPLE_TOKEN')); console.error(Deno.env.get('EXAMPLE_TOKEN')); return 'said'",
    outcome: said,
    deadly: true,
    yaml,
  },
  "stray": {
    body: "Promise.reject(new Error(Deno.env.get('EXAMPLE_TOKEN'))); return 'said'",
    outcome: said,
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
          ["validate", "--no-types"],
          ["validate", "--no-types", "--format", "json"],
        ].filter(([first]) => isLong || first !== "validate")
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

const key = [
  "-----BEGIN EXAMPLE KEY-----",
  ...["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ", "c0nf1dent1alL1neTw0AbCdEfGhIjKlMnOpQrStUvWxYz01234"],
  "  1ndentedL1neThree5678901234567890abcdefghijklmn",
  "-----END EXAMPLE KEY-----",
].join("\n");
const token = "q7Xw-cutM1ddle-9Z3k";
const bothOf = { permissions: { env: ["EXAMPLE_KEY", "EXAMPLE_TOKEN"] } };
const read = "const key = Deno.env.get('EXAMPLE_KEY'), token = Deno.env.get('EXAMPLE_TOKEN');";

/** Each shows a secret where it is cut, joined, split or encoded. */
const careless = (body: string, outcome: RegExp) => ({
  body: `${read} ${body}`,
  outcome,
  deadly: true,
  yaml: bothOf,
});

longAttackTest("a secret that is cut, joined into one line, split into lines or encoded is masked as a whole", {
  "throws-lines": careless(
    "throw new Error('bad key: ' + key)",
    /^threw .*bad key: \[EXAMPLE_KEY\]$|\[EXAMPLE_KEY\] \(/,
  ),
  "prints-lines": careless("console.log(key); console.error(key); return 'said'", /^returned "said"$/),
  "logs-lines": careless("log('info', key, { key }); return 'said'", /^returned "said"$/),
  "logs-cut": careless("log('info', 'x'.repeat(4096 - 12) + token); return 'said'", /^returned "said"$/),
  "logs-cut-data": careless(
    "log('info', 'x', { deep: ['y'.repeat(2_000) + token] }); return 'said'",
    /^returned "said"$/,
  ),
  "throws-cut": careless("throw new Error('x'.repeat(4000 - 12) + token)", /^threw .*xxx/),
  "throws-later": careless("throw new Error('\\n'.repeat(4_000) + ' \\n' + token)", /^threw .*\[EXAMPLE_TOKEN\]/),
  "prints-cut": careless("console.log('y'.repeat(16384 - 12) + token); return 'said'", /^returned "said"$/),
  "prints-split": careless("console.log(key.split('\\n').join('\\n\\t')); return 'said'", /^returned "said"$/),
  "stray-lines": careless("Promise.reject(new Error('key ' + key)); return 'said'", /^returned "said"$/),
  "names-error": careless(
    "throw Object.assign(new Error('x', { cause: new Error(key) }), { name: token })",
    /^threw .*\[EXAMPLE_/,
  ),
  "basic": careless("log('warn', 'Basic ' + btoa('user:' + token)); return 'said'", /^returned "said"$/),
  "url": careless("throw new Error('GET /?token=' + encodeURIComponent(token))", /^threw .*token=\[EXAMPLE_TOKEN\]/),
  "json": careless("throw new Error(JSON.stringify({ key }))", /^threw .*\[EXAMPLE_KEY\]/),
}, {
  env: { EXAMPLE_KEY: key, EXAMPLE_TOKEN: token },
  async check(daemon) {
    const { client } = daemon;
    const told = [await daemon.logs({}), await client.senses(), await client.workflows(), await daemon.health()];
    const shown = JSON.stringify([...told, await client.runs({ limit: 100, offset: 0 })]) + await daemon.printed();
    const parts = [
      token.slice(0, 6),
      btoa(`user:${token}`).slice(10, 20),
      ...key.split("\n").map((line) => line.trim().slice(0, 12)),
    ];
    for (const part of parts) assert.ok(!shown.includes(part), `${part} in ${around(shown, part)}`);
    assert.ok(shown.includes("[EXAMPLE_TOKEN]") && shown.includes("[EXAMPLE_KEY]"));
  },
});

function around(text: string, part: string): string {
  const at = text.indexOf(part);
  return text.slice(Math.max(0, at - 100), at + 100);
}
