import assert from "node:assert/strict";
import { SecretMask } from "../../../src/config/permissions/secret_mask.ts";
import { configOf, hintOf, linesOf } from "../../support/parsed_config.ts";

const rest = `
senses: { ci: {} }
reflexes: [{ sense: ci, hook: git }]
`;

Deno.test("a hook has defaults, and what it says", () => {
  const { hooks, listen, reflexes } = configOf(`${rest}
listen: 127.0.0.1:7077
hooks:
  git: { secret: env GIT_SECRET, verify: github }
  full:
    secret: [env NEW, OLD]
    verify: { hmac: sha1, header: X-Full-Signature, prefix: "v=", encoding: base64 }
    dedup: [header X-Full-Id, body]
    max_body: 64KiB
    rate: 100 per 10s
    backlog: 7
`);
  assert.deepEqual(hooks.get("git"), {
    name: "git",
    verify: "github",
    secrets: ["GIT_SECRET"],
    proof: { kind: "hmac", hash: "sha256", header: "x-hub-signature-256", prefix: "sha256=", encoding: "hex" },
    dedup: [{ kind: "header", name: "x-github-delivery" }, { kind: "body" }],
    maxBodyBytes: 1_048_576,
    rate: { count: 10_000, perMs: 1_000 },
    backlog: 10_000,
  });
  assert.deepEqual(hooks.get("full"), {
    name: "full",
    verify: "hmac sha1 in x-full-signature",
    secrets: ["NEW", "OLD"],
    proof: { kind: "hmac", hash: "sha1", header: "x-full-signature", prefix: "v=", encoding: "base64" },
    dedup: [{ kind: "header", name: "x-full-id" }, { kind: "body" }],
    maxBodyBytes: 65_536,
    rate: { count: 100, perMs: 10_000 },
    backlog: 7,
  });
  assert.deepEqual(listen, { hostname: "127.0.0.1", port: 7_077, hosts: [] });
  assert.equal(reflexes[0]?.hook, "git");
});

Deno.test("every fault of a hook has its place, and what to write instead", () => {
  const lines = linesOf(`senses: { ci: {} }
reflexes: [{ sense: ci, hook: gti }]
listen: 127.0.0.1:7077
hooks:
  git: { secret: env A, verify: githbu }
  bare: {}
  odd: { secret: env A, verify: { hmac: sha256 }, dedup: X-Id, rate: often, max_body: 2MiB, backlgo: 3 }
  two: { secret: env A, verify: { hmac: sha256, token: X-T, header: X-S } }
  misspelt: { secret: env A, verify: { hmca: sha256, header: X-S } }
`);
  assert.deepEqual(
    lines.filter((line) => line.includes(" error ")),
    [
      'nerve.yaml:2:25 error reflexes[0].hook: there is no hook "gti"',
      'nerve.yaml:5:25 error hooks.git.verify: "githbu" is not a way to verify',
      'nerve.yaml:6:3 error hooks.bare: the key "verify" is missing: it says how a delivery proves where it comes from',
      'nerve.yaml:6:3 error hooks.bare: the key "secret" is missing: without one, anybody could deliver',
      'nerve.yaml:7:25 error hooks.odd.verify: the key "header" is missing',
      'nerve.yaml:7:51 error hooks.odd.dedup: "X-Id" is no key of a delivery',
      'nerve.yaml:7:64 error hooks.odd.rate: "often" is not a rate',
      "nerve.yaml:7:77 error hooks.odd.max_body: must be at most 1048576 bytes",
      'nerve.yaml:7:93 error hooks.odd.backlgo: unknown key "backlgo"',
      "nerve.yaml:8:49 error hooks.two.verify.token: a delivery is verified by hmac or by token",
      'nerve.yaml:9:40 error hooks.misspelt.verify.hmca: unknown key "hmca"',
    ],
  );
});

Deno.test("the nearest name is the hint", () => {
  const hints = (text: string, path = "hooks.git.verify") =>
    hintOf(`senses: { ci: {} }\nlisten: 127.0.0.1:7077\n${text}`, path);
  const git = "hooks: { git: { secret: env A, verify: github } }";
  assert.equal(hints(`reflexes: [{ sense: ci, hook: gti }]\n${git}`, "reflexes[0].hook"), 'did you mean "git"?');
  const verify = "reflexes: [{ sense: ci, hook: git }]\nhooks: { git: { secret: env A, verify: VERIFY } }";
  assert.equal(hints(verify.replace("VERIFY", "gitea2")), 'did you mean "gitea"?');
  assert.equal(
    hints(verify.replace("VERIFY", "{ hmca: sha256, header: X }"), "hooks.git.verify.hmca"),
    'did you mean "hmac"?',
  );
});

Deno.test("a secret that stands in nerve.yaml itself is refused, and not repeated", () => {
  // The bug would be: a message, in a terminal or a log of a pipeline, that shows the secret.
  const [line = "", ...more] = linesOf(`${rest}
listen: 127.0.0.1:7077
hooks: { git: { secret: "hunter2!secret", verify: github } }`).filter((each) => each.includes("error"));
  assert.deepEqual([line, more], ["nerve.yaml:6:17 error hooks.git.secret: must name a variable, as env NAME", []]);
});

Deno.test("nerve listens on an IP address: a name may mean another one than the sender takes it for", () => {
  const listenOf = (text: string) =>
    linesOf(`senses: { ci: {} }\nreflexes: [{ sense: ci, interval: 1m }]\nlisten: ${text}`);
  for (const good of ["127.0.0.1:7077", "127.8.9.1:1", '"[::1]:7077"', "127.0.0.1:0", "0.0.0.0:7077", '"[::]:7077"']) {
    assert.deepEqual(listenOf(good), []);
  }
  for (const bad of ["example.com:7077", "localhost:7077", "127.0.0.256:1", '"[::1%lo]:1"', "127.1:7077"]) {
    assert.match(listenOf(bad)[0] ?? "", /3:\d+ error listen: ".*" is not an IP address with a port/, bad);
  }
  for (const bad of ["7077", "127.0.0.1", "127.0.0.1:99999", '":7077"']) {
    assert.match(listenOf(bad)[0] ?? "", /error/, bad);
  }
  assert.match(
    listenOf("{ address: 127.0.0.1:1, hosts: [a.example.com:443] }")[0] ?? "",
    /hosts\[0\].* not the name of a host/,
  );
  assert.match(listenOf("{ adress: 127.0.0.1:1 }").join(" "), /unknown key "adress"/);
});

Deno.test("what nobody can reach, or sends again, is a warning", () => {
  const hooks = "hooks: { git: { secret: env A, verify: { hmac: sha256, header: X-S } } }";
  assert.deepEqual(linesOf(`senses: { ci: {} }\nreflexes: [{ sense: ci, interval: 1m }]\n${hooks}`), [
    'nerve.yaml:3:1 warning hooks: nobody can reach "git": nerve does not listen',
    "nerve.yaml:3:10 warning hooks.git: no sense computes for it, so it takes no delivery",
    "nerve.yaml:3:10 warning hooks.git: a delivery that someone recorded can be sent again",
  ]);
});

Deno.test("the secret of a hook is masked although no sense is granted it", () => {
  const config = configOf(`${rest}
listen: 127.0.0.1:7077
hooks: { git: { secret: env GIT_SECRET, verify: github } }`);
  const mask = SecretMask.fromConfig(config, { all: { GIT_SECRET: "hunter2-secret" }, file: {} });
  assert.equal(mask.text("it is hunter2-secret"), "it is [GIT_SECRET]");
});
