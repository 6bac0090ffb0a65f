import assert from "node:assert/strict";
import { describeError, placeOf, toLoadProblem, toStrayProblem } from "../../../src/sandbox/error_text.ts";
import fc from "../../support/fast_check.ts";

const folder = "/w/senses/a/";

function withStack(message: string, stack: string): Error {
  return Object.assign(new Error(message), { stack });
}

Deno.test("describeError() names the class where the message alone says less", () => {
  assert.equal(describeError(new Error("no")), "no");
  assert.equal(describeError(new TypeError("no")), "no");
  assert.equal(describeError(new RangeError("no")), "RangeError: no");
  assert.equal(describeError(new Deno.errors.NotCapable("Requires net access")), "NotCapable: Requires net access");
  assert.equal(describeError(new DOMException("late", "AbortError")), "AbortError: late");
  assert.equal(describeError("text"), "text");
  assert.equal(describeError({ a: 1 }), "[object Object]");
  assert.equal(describeError(new Error("")), "(no message)");
  assert.equal(describeError(new Error("a\n   b\r\n\n c ")), "a | b | c");
});

Deno.test("a file outside the folder gives the advice to move it to lib/ when imported, to declare it when read", () => {
  const message = 'Requires read access to "/w/senses/b/x.ts", run again with the --allow-read flag';
  assert.match(
    toLoadProblem(new TypeError(`${message} at file:///w/senses/a/index.ts:1:17`), folder).message,
    /^"\/w\/senses\/b\/x\.ts" cannot be imported: move it to lib\/; [^]*permissions\.import names them$/,
  );
  assert.match(describeError(new TypeError(`NotCapable: ${message}`)), /^"\/w\/senses\/b\/x\.ts" cannot be imported/);
  const packaged = 'Requires read access to "/cache/npm/hono/index.js", run again with the --allow-read flag';
  assert.match(
    describeError(new TypeError(packaged)),
    /index\.js" cannot be imported: a sense or workflow may import from its own/,
  );
  assert.match(
    describeError(new Deno.errors.NotCapable(message)),
    /; declare it under permissions\.read in nerve\.yaml$/,
  );
});

Deno.test("describeError() adds the cause, unless the message contains it already", () => {
  const query = new Error("Failed to run the query", { cause: new Error("no such table: nope") });
  assert.equal(describeError(query), "Failed to run the query: no such table: nope");
  assert.equal(
    describeError(new Error("sent nothing: refused", { cause: new Error("refused") })),
    "sent nothing: refused",
  );
  const denied = new Error("no", { cause: new Deno.errors.NotCapable("Requires net access") });
  assert.equal(describeError(denied), "no: NotCapable: Requires net access");
  assert.equal(describeError(new Error("no", { cause: { status: 4 } })), "no");
  const ring = new Error("ring");
  ring.cause = new Error("of two", { cause: ring });
  assert.equal(describeError(ring), "ring: of two");
});

Deno.test("describeError(), placeOf(), toLoadProblem() and toStrayProblem() never throw, and their texts are bounded", () => {
  const hostile = fc.oneof(
    fc.anything(),
    fc.record({ name: fc.anything(), message: fc.anything(), stack: fc.anything() }, { requiredKeys: [] })
      .map((parts) => Object.assign(new Error(), parts)),
    fc.constantFrom<unknown>(
      new Proxy(new Error(), { get: () => assert.fail(), getPrototypeOf: () => assert.fail() }),
      Object.defineProperty(new Error(), "message", { get: () => assert.fail() }),
      Object.defineProperty(new Error(), "stack", { get: () => assert.fail() }),
      Object.defineProperty(new Error(), "cause", { get: () => assert.fail() }),
      new Error("outer", { cause: new Proxy(new Error(), { get: () => assert.fail() }) }),
      withStack("x", "at file:///%E0%A4:1:1\nat file://[::bad/x:2:2"),
      withStack("y".repeat(1e6), "z".repeat(1e6)),
    ),
  );
  fc.assert(fc.property(hostile, (thrown) => {
    assert.ok(describeError(thrown).length <= 4_000);
    assert.ok(toStrayProblem(thrown, ["/w/senses/a"]).message.length <= 4_100);
    assert.ok(toLoadProblem(thrown, folder).message.length <= 4_200);
    placeOf(thrown, folder);
  }));
});

Deno.test("describeError() takes a long message of blanks in no time", () => {
  assert.equal(describeError(new Error(" ".repeat(2e6) + "x")), "x");
});

Deno.test("placeOf() is the first place in the sense's own folder, however deep in the stack", () => {
  const stack = [
    "Error: x",
    "    at inner (ext:deno_web/06.js:1:1)",
    "    at lib (file:///w/lib/tool.ts:3:4)",
    "    at Object.compute (file:///w/senses/a/part%20two.ts:12:34)",
    "    at file:///w/senses/a/index.ts:1:1",
  ].join("\n");
  const place = { file: "/w/senses/a/part two.ts", line: 12, column: 34 };
  assert.deepEqual(placeOf(withStack("x", stack), folder), place);
  assert.equal(placeOf(withStack("x", "at file:///w/senses/ab/index.ts:1:1"), folder), null, "a sibling's folder");
  assert.equal(placeOf("not an error", folder), null);
});

Deno.test("toLoadProblem() takes the place out of a syntax error's message, which has no stack of its own", () => {
  const text = "Expression expected\n  |\n1 | const x =\n  |          ~\n    at file:///w/senses/a/index.ts:1:10";
  const problem = toLoadProblem(withStack(text, ""), folder);
  assert.deepEqual(problem.place, { file: "/w/senses/a/index.ts", line: 1, column: 10 });
  assert.match(problem.message, /^Expression expected/);
  assert.doesNotMatch(problem.message, /file:\/\//);
});

Deno.test("toLoadProblem() cuts the code frame of a syntax error, also above its place", () => {
  const text = "Expected ';', got 'files'\n  |\n  |\n4 |   for (const f files) {}\n  |                ~~~~~";
  const cut = toLoadProblem(withStack(`${text}\n    at file:///w/senses/a/index.ts:4:16`, ""), folder);
  assert.deepEqual(cut, {
    message: "Expected ';', got 'files'",
    place: { file: "/w/senses/a/index.ts", line: 4, column: 16 },
  });
  assert.equal(toLoadProblem(new Error("one\n| two"), folder).message, "one | | two", "other lines stay");
});

Deno.test("toLoadProblem() states the rule of imports in place of Deno's advice for a project of one's own", () => {
  const texts = {
    'Import "lodash" not a dependency and not in import map from "file:///w/senses/a/index.ts"\n  hint: try running `deno add npm:lodash`':
      /^"lodash" cannot be imported: .* lib\/, nerve, drizzle-orm, zod, feedsmith, d3-scale, d3-shape and Node built-ins; .*permissions\.import/,
    'Failed loading https://r.example/leftpadx for package "leftpadx"\n 0: npm package not found in cache: "leftpadx", --cached-only is specified.':
      /^the package leftpadx is not in Deno's cache on this machine; .*permissions\.import/,
    'The lockfile is out of date. Run `deno install --frozen=false`\n changes:\n 14 | +    "npm:zod@*": "4.6.7",':
      /^npm:zod cannot be imported like this: write "zod" without npm:; .*permissions\.import/,
    "Failed loading x: --cached-only is specified.": /^npm:NAME cannot be imported like this: a sense or/,
  };
  for (const [text, expected] of Object.entries(texts)) {
    const { message } = toLoadProblem(withStack(text, "at file:///w/senses/a/index.ts:1:15"), folder);
    assert.match(message, expected);
    assert.doesNotMatch(message, /deno add|deno install|cached-only/);
  }
});

Deno.test("describeError() gives no impossible advice where Deno wants a permission for everything", () => {
  const thrown = new Error('Requires all access to "/proc/stat", run again with the --allow-all flag');
  assert.match(
    describeError(thrown),
    /^"\/proc\/stat" is always closed to Deno in the sandbox: read it with readSystemFile/,
  );
});

Deno.test("toStrayProblem() has a place in a folder of its unit, when the stack has one", () => {
  const thrown = withStack("x", "Error: x\n    at file:///w/lib/tool.ts:3:4\n    at file:///w/senses/a/index.ts:1:2");
  assert.equal(toStrayProblem(thrown, ["/w/senses/a", "/w/lib"]).place?.file, "/w/senses/a/index.ts");
  assert.equal(toStrayProblem(thrown, ["/w/lib"]).place?.line, 3);
  assert.equal(toStrayProblem("text", ["/w/lib"]).place, null);
});
