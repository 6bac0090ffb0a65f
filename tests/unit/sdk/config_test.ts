import assert from "node:assert/strict";
import { type JsonObject, option, readConfig } from "../../../src/sdk/mod.ts";
import fc from "../../support/fast_check.ts";

const options = {
  url: option.text(),
  path: option.text("/"),
  nothing: option.text(null),
  share: option.number(null, { min: 0, max: 1 }),
  count: option.number(3),
  flag: option.flag(true),
  keep: option.duration("30d"),
  slowest: option.duration(null),
};

Deno.test("readConfig() fills in defaults and keeps given values", () => {
  assert.deepEqual(readConfig({ url: "u" }, options), {
    url: "u",
    path: "/",
    nothing: null,
    share: null,
    count: 3,
    flag: true,
    keep: 30 * 86_400_000,
    slowest: null,
  });
  const given = {
    url: "u",
    path: "/p",
    nothing: "n",
    share: 0,
    count: -1.5,
    flag: false,
    keep: "1h30m",
    slowest: "2s",
  };
  assert.deepEqual(readConfig(given, options), { ...given, keep: 5_400_000, slowest: 2_000 });
});

Deno.test("readConfig() names every wrong, missing and unknown key at once", () => {
  const wrong = { path: 1, share: 1.1, count: "3", flag: "yes", keep: 30, slowest: "soon", pth: "/", __proto__x: 1 };
  assert.throws(() => readConfig(wrong, options), (thrown: unknown) => {
    assert.ok(thrown instanceof TypeError);
    const problems = thrown.message.split("; ");
    const keys = problems.map((problem) => /^config\.(\S+) /.exec(problem)?.[1]);
    assert.deepEqual(keys, ["url", "path", "share", "count", "flag", "keep", "slowest", "pth", "__proto__x"]);
    assert.equal(problems[0], "config.url is missing");
    assert.equal(problems[2], "config.share must be a number from 0 to 1, not 1.1");
    assert.equal(problems[3], 'config.count must be a number, not "3"');
    return true;
  });
});

Deno.test("readConfig() returns settings of the declared types or throws a TypeError, whatever it is given", () => {
  const json = fc.dictionary(fc.oneof(fc.constantFrom(...Object.keys(options)), fc.string()), fc.jsonValue());
  fc.assert(fc.property(json, (config) => {
    try {
      const settings = readConfig(config as Parameters<typeof readConfig>[0], options);
      assert.equal(typeof settings.url, "string");
      assert.equal(typeof settings.keep, "number");
      assert.ok(settings.share === null || settings.share >= 0 && settings.share <= 1);
    } catch (thrown) {
      assert.ok(thrown instanceof TypeError, String(thrown));
    }
  }));
});

Deno.test("a list consists of texts, a single text is a list of one, and a required list is not empty", () => {
  const read = (servers: unknown, settings: Parameters<typeof option.list>[0] = {}) =>
    readConfig({ servers } as JsonObject, { servers: option.list(settings) }).servers;
  assert.deepEqual(read(["a", "b"]), ["a", "b"]);
  assert.deepEqual(read("a"), ["a"]);
  assert.deepEqual(read(undefined, { fallback: ["x"] }), ["x"]);
  assert.deepEqual(read([], { fallback: ["x"] }), []);
  for (const wrong of [undefined, [], "", [""], [1], 1, {}, ["a", null]]) assert.throws(() => read(wrong), TypeError);
  assert.throws(() => read(["a", "b", "c"], { max: 2 }), /up to 2 texts/);
});

Deno.test("a size is a number of bytes, or a text with a unit", () => {
  const read = (limit: unknown) => readConfig({ limit } as JsonObject, { limit: option.size(null) }).limit;
  assert.equal(read("64KiB"), 65_536);
  assert.equal(read(undefined), null);
  assert.equal(readConfig({}, { limit: option.size("1MiB") }).limit, 1_048_576);
  for (const wrong of [5, "many", true, []]) assert.throws(() => read(wrong), /must be a size/);
});
