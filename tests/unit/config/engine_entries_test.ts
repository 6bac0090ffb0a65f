/** `engines` of nerve.yaml: what is missing or wrong is reported, with what to write instead. */
import assert from "node:assert/strict";
import { parseNerveConfig } from "../../../src/config/parse.ts";

const key = "publickeyv1_w7YHemBctH5Ck2nQRQ47iBBqhNHy4FV7t2Usbye2A6f";
const whole = `ingress: "http://127.0.0.1:8080/", admin: "http://127.0.0.1:9070", listen: "127.0.0.1:9080"`;

function problems(yaml: string): string[] {
  const parsed = parseNerveConfig(yaml);
  return parsed.ok ? [] : parsed.error.map(({ path, message, hint }) => `${path}: ${message} (${hint})`);
}

Deno.test("an engine has its defaults, and workflows name it", () => {
  const parsed = parseNerveConfig(
    `engines: { cluster: { kind: restate, ${whole}, identity: ${key} } }\nworkflows: { w: { engine: cluster }, v: {} }\n`,
  );
  assert.ok(parsed.ok, JSON.stringify(parsed));
  assert.deepEqual(parsed.value.config.engines.get("cluster"), {
    ...{ name: "cluster", kind: "restate", ingress: ["http://127.0.0.1:8080"], admin: ["http://127.0.0.1:9070"] },
    ...{
      hostname: "127.0.0.1",
      port: 9080,
      endpoint: "http://127.0.0.1:9080",
      identity: [key],
      secrets: [],
      service: "nerve",
    },
  });
  assert.deepEqual([...parsed.value.config.workflows.values()].map(({ engine }) => engine), ["cluster", null]);
});

Deno.test("every key that is missing is named, above all the key without which anybody could start roles", () => {
  const found = problems("engines: { cluster: {} }\n");
  for (const name of ["kind", "ingress", "admin", "listen", "identity"]) {
    assert.ok(
      found.some((each) => each.startsWith(`engines.cluster: the key "${name}" is missing`)),
      `${name}: ${found}`,
    );
  }
});

Deno.test("addresses, keys and names that are none are refused", () => {
  const found = problems(
    `engines: { c: { kind: restate, ingress: "8080", admin: "ftp://x", listen: "9080", identity: abc, service: "a b" } }\n`,
  );
  for (const name of ["ingress", "admin", "listen", "identity", "service"]) {
    assert.ok(found.some((each) => each.startsWith(`engines.c.${name}: `)), `${name}: ${found.join("\n")}`);
  }
});

Deno.test("a workflow with an engine that is not there gets the nearest name", () => {
  const found = problems(
    `engines: { cluster: { kind: restate, ${whole}, identity: ${key} } }\nworkflows: { w: { engine: clustr } }\n`,
  );
  assert.match(found.join(), /workflows\.w\.engine: there is no engine "clustr" \(.*cluster/);
});

Deno.test("the local engine has no entry and is not named, and no two engines listen at one address", () => {
  const entry = `{ kind: restate, ${whole}, identity: ${key} }`;
  assert.match(
    problems("workflows: { w: { engine: local } }\n").join(),
    /there is no engine "local" \(leave the key out: /,
  );
  assert.match(
    problems(`engines: { local: ${entry} }\n`).join(),
    /engines\.local: is the name of the engine that is part/,
  );
  const found = problems(`engines: { a: ${entry}, b: ${entry} }\n`);
  assert.match(found.join(), /engines\.b\.listen: engine "a" listens at 127\.0\.0\.1:9080, too/);
});

Deno.test("a workflow of an engine asks no agents: their sessions are of one machine", () => {
  const agents = `agents: { a: { protocol: command, command: [a], confine: none } }`;
  const yaml = `engines: { cluster: { kind: restate, ${whole}, identity: ${key} } }\n${agents}\n`;
  assert.match(
    problems(`${yaml}workflows: { w: { engine: cluster, agents: [a] } }\n`).join(),
    /workflows\.w\.agents: sessions of agents/,
  );
  assert.deepEqual(problems(`${yaml}workflows: { w: { agents: [a] } }\n`), []);
});

Deno.test("the secret that daemons share is named by its variable, and never shown", () => {
  const yaml = (secret: string) =>
    `engines: { cluster: { kind: restate, ${whole}, identity: ${key}, secret: ${secret} } }\n`;
  const parsed = parseNerveConfig(yaml("[env NEW_SECRET, OLD_SECRET]"));
  assert.ok(parsed.ok, JSON.stringify(parsed));
  assert.deepEqual(parsed.value.config.engines.get("cluster")?.secrets, ["NEW_SECRET", "OLD_SECRET"]);
  const found = problems(yaml('"hunter 2"')).join("\n");
  assert.match(found, /engines\.cluster\.secret: must name a variable, as env NAME/);
  assert.doesNotMatch(found, /hunter/);
});
