/**
 * Library entries can be added to any nerve.yaml. A bug would lose a comment, give a sense another's settings, or leave
 * a file that no longer parses, all of it the user's own work.
 */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { type LibraryKind, listLibrary, readLibraryYaml } from "../../../src/cli/scaffold/library.ts";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import type { NerveConfig } from "../../../src/config/types.ts";
import { extendConfig } from "../../../src/config/yaml/extend.ts";
import fc from "../../support/fast_check.ts";
import { isLong, scaled } from "../../support/long_form.ts";

interface Piece {
  readonly kind: LibraryKind;
  readonly name: string;
  readonly as: string;
}

const all = (["senses", "workflows"] as const).flatMap((kind) => listLibrary(kind).map((name) => ({ kind, name })));

function right(text: string): NerveConfig {
  const parsed = parseNerveConfig(text);
  assert.ok(parsed.ok, `${parsed.ok ? "" : JSON.stringify(parsed.error)}\n${text}`);
  return parsed.value.config;
}

function add(text: string, { kind, name, as }: Piece): string {
  const extended = extendConfig(text, readLibraryYaml(kind, name, as));
  assert.ok(extended.ok, `${extended.ok ? "" : JSON.stringify(extended.error)}\n${text}`);
  return extended.value;
}

/** The lines of a library entry and nothing else. */
function alone({ kind, name }: { kind: LibraryKind; name: string }): string {
  return [...readLibraryYaml(kind, name)].map(([key, lines]) => `${key}:\n${lines.join("\n")}\n`).join("");
}

/** All of `old` is in `text`, in its order, except empty values. */
function assertKept(old: string, text: string): void {
  const kept = old.replaceAll(/[ \t]*(\{\s*\}|\[\s*\]|~|\bnull\b)/g, "");
  let at = 0;
  for (const character of kept) {
    at = text.indexOf(character, at) + 1;
    assert.ok(at > 0, `${JSON.stringify(kept)} is not in\n${text}`);
  }
  for (const [comment] of old.matchAll(/#.*/g)) assert.ok(text.includes(comment.trimEnd()), comment);
}

/** The files whose every line stays as it is. */
const blocks: Readonly<Record<string, string>> = {
  "nothing": "",
  "blank lines": "\n\n",
  "comments only": "# mine\n# and mine\n",
  "a start of a document": "---\n",
  "a start and an end of a document": "%YAML 1.2\n---\n# mine\nsenses:\n  a: {}\n...\n",
  "an end without anything": "# mine\n---\n# mine too\n...\n",
  "a byte order mark": "\ufeffsenses:\n  a: { throttle: 1s }\n",
  "keys without values": "senses: # none\n  # a: {}\n\n# when\nreflexes:\nworkflows:",
  "only settings": "max_rounds: 5 # few\n\nretention: 30d\n",
  "other senses":
    "senses:\n  a: { throttle: 1s } # one\n  b:\n    config:\n      x: 1\n      # y: 2\n  # c: {}\n\n# when\nreflexes:\n  - sense: a\n    interval: 1s\n  # - b\n# end\n",
  "lists without indentation":
    "reflexes:\n- { sense: a, interval: 1s }\n# of senses\nsenses:\n    a:\n        group: g\n    # x\n",
  "no reflexes": "senses:\n  a:\n    config:\n      text: |\n        # no comment\n\n        two\n\nworkflows:\n  w:\n",
  "deep indentation":
    "senses:\n        a:\n                group: g\nreflexes:\n        -       sense: a\n                interval: 1s\n",
  "an indented document": "  senses:\n    a: {}\n  reflexes:\n    - { sense: a, interval: 1s }\n",
  "anchors": "senses: &all\n  a: &a\n    config: &c { x: 1 }\n  b: *a\n  c:\n    config: *c\n",
  "tags": "senses: !!map\n  a: !!map {}\nreflexes: !!seq\n  - { sense: !!str a, interval: 1s }\n",
  "quoted keys": '"senses":\n  "a": { "throttle": "1s" }\n\'reflexes\':\n  - { "sense": "a", "interval": "1s" }\n',
  "a key that is marked as one": "? senses\n: a: {}\n",
  "an open last value": "workflows:\n  w:\nsenses:\n  a:\n    config:",
  "a block scalar at the end": "workflows:\n  w:\nsenses:\n  a:\n    config:\n      text: >-\n        one\n        two",
  "a flow mapping over lines below a block": "senses:\n  a: {\n    throttle: 1s, # x\n    config: { y: 2 }\n  }\n",
  "blank lines between entries": "senses:\n\n  a: {}\n\n  b: {}\n\n\nreflexes:\n\n  - { sense: a, interval: 1s }\n\n",
};

const flows: Readonly<Record<string, string>> = {
  "empty collections": "senses: {} # none yet\nreflexes: [ ]\nworkflows: ~ # none\n",
  "null": "senses: null\nreflexes:\nworkflows: {\n}\n",
  "a flow mapping":
    "senses: { a: { throttle: 1s }, b: } # two\nreflexes: [{ sense: a, interval: 1s }]\nworkflows: {w: {}}\n",
  "flow over lines":
    "senses: {\n  a: {}, # first\n  b: {} # last\n  # end\n}\nreflexes: [\n  { sense: a, interval: 1s },\n]\nworkflows: {\n  w: {} }\n",
  "a comment in an empty mapping": "senses: { # none\n  }\nreflexes: [\n  # none\n]\n",
  "JSON":
    '{\n  "senses": { "a": { "config": { "x": [1, 2] } } },\n  "reflexes": [{ "sense": "a", "interval": "1s" }]\n}\n',
  "JSON on one line": '{"senses":{"a":{"throttle":"1s"}},"workflows":{"w":{}}}',
  "an empty mapping": "{}\n",
  "a commented flow document": "# mine\n{ max_rounds: 5, # few\n  senses: { a: {} } }\n# end\n",
};

const shape = fc.constantFrom(...Object.entries({ ...blocks, ...flows }));
const pieces = fc.shuffledSubarray(all, { minLength: 1 }).chain((chosen) =>
  fc.tuple(
    ...chosen.map(({ kind, name }) =>
      fc.constantFrom(name, `my-${name}`, "123", "null", "y").map((as): Piece => ({ kind, name, as }))
    ),
  )
).map((chosen) =>
  chosen.filter((one, at) => chosen.findIndex(({ kind, as }) => kind === one.kind && as === one.as) === at)
);
const spelling = fc.record({ crlf: fc.boolean(), bare: fc.boolean() });

function spelled(text: string, { crlf, bare }: { crlf: boolean; bare: boolean }): string {
  const ended = bare ? text.replace(/\n+$/, "") : text;
  return crlf ? ended.replaceAll("\n", "\r\n") : ended;
}

scaled.test("any part of the library can be added to any nerve.yaml; every line and comment stays, and nothing else is added", () => {
  fc.assert(
    fc.property(shape, pieces, spelling, ([, shaped], chosen, how) => {
      const old = spelled(shaped, how), before = right(old);
      let text = old;
      for (const piece of chosen) text = add(text, piece);
      const after = right(text);
      assertKept(old, text);
      if (how.crlf && old.includes("\n")) assert.doesNotMatch(text, /(?<!\r)\n/);
      for (const kind of ["senses", "workflows"] as const) {
        const ofKind = chosen.filter((piece) => piece.kind === kind);
        // Not in order: a key that is a number comes first in an object, wherever it is in the file.
        assert.deepEqual(
          [...after[kind].keys()].sort(),
          [...before[kind].keys(), ...ofKind.map(({ as }) => as)].sort(),
        );
        for (const [name, entry] of before[kind]) assert.deepEqual(after[kind].get(name), entry);
        for (const { name, as } of ofKind) {
          const use = as === name ? {} : { use: name };
          assert.deepEqual(parse(text)[kind][as], { ...use, ...parse(alone({ kind, name }))[kind][name] });
        }
      }
      assert.deepEqual(after.reflexes.slice(0, before.reflexes.length), before.reflexes);
      const triggered = after.reflexes.slice(before.reflexes.length).map(({ sense }) => sense);
      assert.deepEqual(triggered, chosen.filter(({ kind }) => kind === "senses").map(({ as }) => as));
    }),
    { numRuns: isLong ? 60 : 20 },
  );
});

for (const [what, old] of Object.entries({ ...blocks, ...flows })) {
  Deno.test(`each entry of the library can be added to ${what}, once`, () => {
    for (const { kind, name } of all) {
      const text = add(old, { kind, name, as: name });
      assertKept(old, text);
      assert.equal(extendConfig(text, readLibraryYaml(kind, name)).ok, false, "a second time");
      if (!(what in blocks)) continue;
      const lines = text.split("\n");
      for (const line of old.replace(/\n$/, "").split("\n")) {
        const at = lines.indexOf(line);
        assert.ok(at >= 0, `"${line}" is not in\n${text}`);
        lines.splice(0, at + 1);
      }
    }
  });
}

Deno.test("comments come with the entry, and stand at the lines that they describe", () => {
  const text = "senses:\n  a: {}\n  # b: {}\n\n# when\nreflexes:\n  - { sense: a, interval: 1s }\n# end\n";
  const piece = { kind: "senses", name: "cpu-usage", as: "cpu" } as const;
  assert.equal(
    add(text, piece),
    `senses:
  a: {}
  # b: {}
  cpu:
    use: cpu-usage
    permissions:
      sys: [cpus, loadavg]        # the counters, the load average
    config:
      # threshold: 0.9            # a signal only from this share on; without it, every compute emits one
      keep: 30d                   # readings older than this are deleted

# when
reflexes:
  - { sense: a, interval: 1s }
  - { sense: cpu, interval: 10s }
# end
`,
  );
  const flow = add("senses: { a: {} } # mine\n", piece);
  assert.match(flow, /^senses: \{ a: \{\},\n/);
  assert.match(flow, /keep: 30d +# readings older than this are deleted/);
  assert.match(flow, /# threshold: 0\.9 +# a signal only from this share on/);
  assert.match(flow, /\} # mine\n/);
});

Deno.test("a file that no program can extend without changing its meaning is rejected", () => {
  for (
    const text of [
      "senses: { a: { config: { list: &x [] } } }\nreflexes: *x\n",
      "{ senses: , max_rounds: 3 }\n",
    ]
  ) {
    right(text);
    const extended = extendConfig(text, readLibraryYaml("senses", "cpu-usage"));
    assert.deepEqual(extended.ok || extended.error.map(({ message }) => message), [
      "is written in a style in which a program cannot add to senses and reflexes",
    ], text);
  }
});

Deno.test("an entry that would make nerve.yaml invalid is rejected with the reason", () => {
  const text = "senses:\n  a: { group: g }\n";
  const extended = extendConfig(text, new Map([["senses", ["  b: { throttel: 1s }"]]]));
  assert.deepEqual(extended.ok || extended.error.map(({ path, place }) => [path, place?.line]), [
    ["senses.b.throttel", 3],
  ]);
});
