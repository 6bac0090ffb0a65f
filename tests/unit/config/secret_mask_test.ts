import assert from "node:assert/strict";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import { SecretMask } from "../../../src/config/permissions/secret_mask.ts";
import fc from "../../support/fast_check.ts";

const env = {
  API_TOKEN: "tok-123456",
  API_TOKEN_OLD: "tok-123456-old",
  SHORT: "yes",
  HOME: "/home/me",
  PLAIN: "visible-value",
};

function maskOf(permissions: string): SecretMask {
  const parsed = parseNerveConfig(`senses: { a: { permissions: ${permissions} } }`, "nerve.yaml");
  if (!parsed.ok) assert.fail(JSON.stringify(parsed.error));
  return SecretMask.fromConfig(parsed.value.config, { all: env, file: {} });
}

Deno.test("values of granted variables, and nothing else, are removed from texts, keys and nested values", () => {
  const mask = maskOf("{ env: [API_TOKEN, SHORT, HOME] }");
  assert.equal(mask.text("a tok-123456 b /home/me yes visible-value"), "a [API_TOKEN] b /home/me yes visible-value");
  assert.deepEqual(mask.mask({ "tok-123456": [{ deep: "xtok-123456x" }, 1, null, true] }), {
    "[API_TOKEN]": [{ deep: "x[API_TOKEN]x" }, 1, null, true],
  });
});

Deno.test("a prefix grants several variables, the longest value is masked first, and true means names that suggest a secret", () => {
  assert.equal(maskOf("{ env: [API_*] }").text("tok-123456-old tok-123456"), "[API_TOKEN_OLD] [API_TOKEN]");
  assert.equal(maskOf("{ env: true }").text("tok-123456 visible-value"), "[API_TOKEN] visible-value");
});

Deno.test("without secrets a value is passed on unchanged", () => {
  const value = { any: ["thing"] };
  assert.equal(maskOf("{}").mask(value), value);
});

Deno.test("a secret of any characters is found in a value, and in a text that contains it as JSON", () => {
  const secrets = fc.string({ minLength: 6, maxLength: 40, unit: "binary" }).filter((text) =>
    !'{"x":"'.includes(text[0] ?? "")
  );
  fc.assert(
    fc.property(secrets, (secret) => {
      const mask = new SecretMask({ S: secret });
      assert.deepEqual(mask.mask({ a: [secret] }), { a: ["[S]"] });
      assert.equal(mask.text(JSON.stringify(secret)), '"[S]"');
    }),
    { examples: [['a"b\n\\cdef']] },
  );
});

Deno.test("each line of a value of several lines is masked: output comes line by line", () => {
  const mask = new SecretMask({ KEY: "-----BEGIN KEY-----\nabcdefghijkl\r\nmnopqrstuvwx\nshort\n-----END KEY-----" });
  assert.equal(mask.text("read abcdefghijkl"), "read [KEY]");
  assert.equal(mask.text("mnopqrstuvwx"), "[KEY]");
  assert.equal(mask.text("a short word"), "a short word");
});

Deno.test("a value is found in a URL, and in Base64 whatever stands before it", () => {
  const secret = "p+ss/w?rd-é-17", mask = new SecretMask({ PASSWORD: secret });
  assert.equal(mask.text(`https://x/?key=${encodeURIComponent(secret)}&a`), "https://x/?key=[PASSWORD]&a");
  for (const before of ["", "a", "me:", "user:"]) {
    const header = new TextEncoder().encode(`${before}${secret}`).toBase64();
    const shown = mask.text(`authorization: Basic ${header}`);
    assert.ok(shown.includes("[PASSWORD]"), shown);
    // The rest comes from the text before it, with at most half a character more.
    assert.ok(shown.replace("[PASSWORD]", "").length < "authorization: Basic ".length + 12, shown);
  }
});

Deno.test("of a secret in which a long text was cut nothing is left", () => {
  const mask = new SecretMask({ TOKEN: "very-secret-token-17" });
  for (const end of ["", "..."]) {
    for (let kept = 4; kept <= 20; kept++) {
      const text = `${"x".repeat(2_000)}${"very-secret-token-17".slice(0, kept)}${end}`;
      assert.equal(mask.text(text), `${"x".repeat(2_000)}[TOKEN]${end}`, text.slice(2_000));
    }
  }
  assert.equal(mask.text("a very-sec"), "a very-sec", "a short text was not cut");
});

Deno.test("the lines of a value are found without the blanks around them", () => {
  const mask = new SecretMask({ KEY: '{\n    "private": "abcdefghijkl"\n}' });
  assert.equal(mask.text(`bad key: { | "private": "abcdefghijkl" | }`), "bad key: { | [KEY] | }");
});
