/** Passwords in addresses are hidden, wherever the address is in a text. */
import assert from "node:assert/strict";
import { encodeUserinfo, hideUserinfo, hideUserinfoOfInvalid } from "../../../lib/url.ts";

Deno.test("the user and password of each address in a text are hidden", () => {
  const texts: Record<string, string> = {
    "https://ada:secret@example.com/x?q=a@b": "https://example.com/x?q=a@b",
    "https://ada@example.com": "https://example.com",
    "https://ada:p@ss:word@example.com:8080/": "https://example.com:8080/",
    "error for url (http://a:b@h/): http://c:d@i/": "error for url (http://h/): http://i/",
    "FTP://a:b@h and mail to ada@example.com": "FTP://h and mail to ada@example.com",
    "https://example.com/@user/a:b@c": "https://example.com/@user/a:b@c",
    "http:/a:b@h, HTTP:a:b@h/ and http:\\\\a:b@h": "http:/h, HTTP:h/ and http:\\\\h",
    "mailto:ada@example.com": "mailto:ada@example.com",
  };
  for (const [text, expected] of Object.entries(texts)) assert.equal(hideUserinfo(text), expected);
});

Deno.test("in a text that is no valid address, everything before the last @ may be a password", () => {
  assert.equal(hideUserinfoOfInvalid("https://ada:pa/ss word@host/"), "https://host/");
  assert.equal(hideUserinfoOfInvalid("ada:secret@host"), "host");
  assert.equal(hideUserinfoOfInvalid("file:///etc/passwd"), "file:///etc/passwd");
});

Deno.test("an address with a user is written so that hideUserinfo() finds it; others stay as they stand", () => {
  assert.equal(encodeUserinfo("http:/a b:c d@example.com"), "http://a%20b:c%20d@example.com/");
  assert.equal(hideUserinfo(encodeUserinfo("http:\\\\a b:c d@example.com/x")), "http://example.com/x");
  for (const url of ["https://EXAMPLE.com", "no address", "/tmp/a:b@c"]) assert.equal(encodeUserinfo(url), url);
});
