/** `nerve: ">=0.1"`: the range itself, and the error of a nerve outside it. */
import assert from "node:assert/strict";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import { satisfiesRange } from "../../../src/config/version_range.ts";
import fc from "../../support/fast_check.ts";

Deno.test("a range accepts the versions that npm's notation means", () => {
  const table: [range: string, inside: string[], outside: string[]][] = [
    [">=0.1", ["0.1.0", "0.1.9", "0.2.0", "3.0.0"], ["0.0.9"]],
    [">0.1", ["0.2.0", "1.0.0"], ["0.1.0", "0.1.9"]],
    [">1.2.3", ["1.2.4"], ["1.2.3"]],
    ["<=1.2", ["1.2.9", "0.1.0"], ["1.3.0"]],
    ["<1.2", ["1.1.9"], ["1.2.0"]],
    ["^1.2.3", ["1.2.3", "1.9.0"], ["1.2.2", "2.0.0"]],
    ["^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0", "0.2.2"]],
    ["^0.0.3", ["0.0.3"], ["0.0.4"]],
    ["^0", ["0.9.9"], ["1.0.0"]],
    ["~1.2.3", ["1.2.3", "1.2.9"], ["1.3.0"]],
    ["~1", ["1.9.9"], ["2.0.0"]],
    ["0.1", ["0.1.0", "0.1.5"], ["0.2.0"]],
    ["=0.1.2", ["0.1.2"], ["0.1.3"]],
    [" >=0.1  <0.3 ", ["0.2.9"], ["0.3.0", "0.0.1"]],
    [">=0.2", ["0.2.0-rc.1", "0.2.0+abc"], ["0.1.9-rc.1"]],
  ];
  for (const [range, inside, outside] of table) {
    for (const version of inside) assert.equal(satisfiesRange(version, range), true, `${version} in ${range}`);
    for (const version of outside) assert.equal(satisfiesRange(version, range), false, `${version} not in ${range}`);
  }
  for (const wrong of ["", "latest", "1.x", ">= 0.1", "1.2.3.4", ">=0.1 || 2", "v1"]) {
    assert.equal(satisfiesRange("1.0.0", wrong), null, wrong);
  }
});

Deno.test("a version is exactly one of below, at or above another", () => {
  const number = fc.nat({ max: 20 }), version = fc.tuple(number, number, number).map((parts) => parts.join("."));
  fc.assert(fc.property(version, version, (own, required) => {
    assert.equal(["<", "=", ">"].filter((operator) => satisfiesRange(own, operator + required)).length, 1);
    assert.equal(satisfiesRange(own, `>=${required}`), !satisfiesRange(own, `<${required}`));
    if (satisfiesRange(own, `~${required}`)) assert.equal(satisfiesRange(own, `>=${required}`), true);
  }));
});

Deno.test("a nerve outside of the range reports both versions, and nothing else about the file", () => {
  const text = `nerve: ">=0.3"\nsenses: {}\nkey_of_tomorrow: 1\n`;
  const refused = parseNerveConfig(text, "nerve.yaml", "0.1.0");
  assert.ok(!refused.ok);
  assert.deepEqual(refused.error, [{
    severity: "error",
    path: "nerve",
    message: "this workspace needs nerve >=0.3, but this is nerve 0.1.0",
    hint: "install a matching one: nerve upgrade --from FILE",
    place: { file: "nerve.yaml", line: 1, column: 1 },
  }]);
  const taken = parseNerveConfig(text, "nerve.yaml", "0.3.0");
  assert.deepEqual(!taken.ok && taken.error.map(({ path }) => path).filter((path) => path !== ""), ["key_of_tomorrow"]);
});

Deno.test("an invalid range is a problem beside the others", () => {
  const parsed = parseNerveConfig(`nerve: soon\nsenses: { a: { group: 1 } }\n`);
  assert.ok(!parsed.ok);
  assert.deepEqual(parsed.error.filter(({ severity }) => severity === "error").map(({ path }) => path), [
    "nerve",
    "senses.a.group",
  ]);
  assert.match(parsed.error[0]?.message ?? "", /"soon" is not a version range/);
});
