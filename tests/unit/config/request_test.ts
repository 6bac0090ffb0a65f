import assert from "node:assert/strict";
import { readPermissionRequest, sysNames } from "../../../src/config/permissions/request.ts";
import fc from "../../support/fast_check.ts";

function requestOf(value: unknown): unknown {
  const { request, faults } = readPermissionRequest(value);
  assert.deepEqual(faults, []);
  return request;
}

/** The message and the hint of the only error. */
function faultOf(value: unknown): string {
  const { faults } = readPermissionRequest(value);
  assert.equal(faults.length, 1, JSON.stringify(faults));
  return `${faults[0]?.message} / ${faults[0]?.hint}`;
}

Deno.test("the mapping and Deno's flags say the same", () => {
  const expected = { read: ["/proc", "/sys"], net: true, env: ["EXAMPLE_TOKEN"] };
  assert.deepEqual(requestOf({ ...expected, run: false, sys: [], ffi: null }), expected);
  assert.deepEqual(requestOf(["--allow-read=/proc,/sys", "--allow-net", "--allow-env=EXAMPLE_TOKEN"]), expected);
  assert.deepEqual(requestOf(["--allow-net=a.example", "--allow-net", "--allow-net=b.example"]), { net: true });
  assert.deepEqual(requestOf(undefined), {});
});

Deno.test("flags that would open the sandbox or have no effect are rejected with the reason", () => {
  assert.match(faultOf(["-A"]), /disable the sandbox/);
  assert.match(faultOf(["--allow-all"]), /disable the sandbox/);
  assert.match(faultOf(["--deny-net=example.com"]), /Deno's workers ignore deny lists/);
  assert.match(faultOf(["--alow-net"]), /did you mean --allow-net\?/);
  assert.match(faultOf(["--allow-network"]), /unknown permission "network"/);
  assert.match(faultOf(["net"]), /write --allow-net=/);
  assert.match(faultOf([7]), /must be a flag of Deno/);
  assert.match(faultOf(["--allow-read="]), /must not be empty/);
});

Deno.test("a mapping is read strictly", () => {
  assert.match(faultOf({ raed: ["/proc"] }), /unknown permission "raed" \/ did you mean "read"\?/);
  assert.match(faultOf({ unconfind: true }), /unknown permission "unconfind" \/ did you mean "unconfined"\?/);
  assert.match(faultOf({ unconfined: ["df"] }), /must be true or false/);
  assert.match(faultOf({ read: "/proc" }), /must be a list, or true .*write read: \["\/proc"\]/);
  assert.match(faultOf({ env: [1] }), /must be text/);
  assert.match(faultOf({ read: [null] }), /write "~" in quotes/);
  assert.match(faultOf("everything"), /must be a mapping of permissions or a list of flags/);
});

Deno.test("hosts are what Deno accepts: a name, wildcard, address or subnet, each with or without a port", () => {
  const hosts = [
    "example.com",
    "example.com:443",
    "*.example.com",
    "10.0.0.0/8",
    "127.0.0.1:8080",
    "[::1]",
    "[::1]:80",
  ];
  assert.deepEqual(requestOf({ net: [...hosts, "localhost", "unix:/run/x.sock"] }), {
    net: [...hosts, "localhost", "unix:/run/x.sock"],
  });
  assert.match(faultOf({ net: ["https://example.com/x"] }), /is a URL, not a host \/ write "example.com:443"/);
  assert.match(faultOf({ net: ["::1"] }), /in brackets/);
  assert.match(faultOf({ net: ["*"] }), /write true for every host/);
  assert.match(faultOf({ net: ["bücher.example:443"] }), /is not in ASCII \/ write "xn--bcher-kva.example:443"/);
  assert.match(faultOf({ net: ["*.Bücher.example"] }), /write "\*\.xn--bcher-kva\.example"/);
  assert.match(faultOf({ net: ["bücher.example/x"] }), /is not a host/);
  assert.match(faultOf({ net: ["unix:run/x.sock"] }), /absolute path/);
  for (const host of ["a b", "example.com/x", "300.1.1.1", "10.0.0.0/40", "1.2.3", "-a.example", "[::g]", ":80", ""]) {
    faultOf({ net: [host] });
  }
  for (const port of ["0", "65536", "http", ""]) assert.match(faultOf({ net: [`a.example:${port}`] }), /is not a port/);
  assert.match(faultOf({ import: ["https://esm.sh/x"] }), /write "esm.sh:443"/);
});

Deno.test("paths are paths, and not URLs, patterns or variables", () => {
  assert.deepEqual(requestOf({ read: ["/proc", "files", "../x", "~", "~/x", "."] }), {
    read: ["/proc", "files", "../x", "~", "~/x", "."],
  });
  for (const path of ["file:///etc", "/var/log/*.log", "$HOME/x", "~root/x", " /x", "/x\0y", ""]) {
    faultOf({ read: [path] });
    faultOf({ write: [path] });
  }
});

Deno.test("variables that would change the process around the sandbox are rejected", () => {
  assert.deepEqual(requestOf({ env: ["TOKEN", "EXAMPLE_*", "_x1"] }), { env: ["TOKEN", "EXAMPLE_*", "_x1"] });
  for (const name of ["LD_PRELOAD", "LD_*", "DENO_V8_FLAGS", "NODE_OPTIONS", "NERVE_WORKSPACE"]) {
    assert.match(faultOf({ env: [name] }), /would change nerve's own process/);
  }
  assert.match(faultOf({ env: ["${TOKEN}"] }), /write TOKEN/);
  assert.match(faultOf({ env: ["*"] }), /would grant every variable/);
  for (const name of ["A=B", "1A", "A B", "A*B"]) faultOf({ env: [name] });
});

Deno.test("programs are named without arguments, system calls by Deno's names", () => {
  assert.deepEqual(requestOf({ run: ["df", "/usr/bin/git"], sys: [...sysNames] }), {
    run: ["df", "/usr/bin/git"],
    sys: [...sysNames],
  });
  assert.match(faultOf({ run: ["df -h"] }), /without arguments \/ write "df"/);
  assert.match(faultOf({ sys: ["cpu"] }), /did you mean "cpus"\?/);
});

Deno.test("the reader accepts or rejects anything under permissions, and never grants what it rejected", () => {
  fc.assert(fc.property(fc.anything(), (value) => {
    readPermissionRequest(value);
  }));
  const entries = fc.dictionary(fc.constantFrom("read", "net", "env", "run", "sys"), fc.array(fc.string()));
  fc.assert(fc.property(entries, (value) => {
    const { request, faults } = readPermissionRequest(value);
    const faultAt = (name: string, item: string) => {
      return faults.some(({ path }) => path[0] === name && value[name]?.[Number(path[1])] === item);
    };
    for (const [name, granted] of Object.entries(request)) {
      assert.ok(Array.isArray(granted) && granted.length > 0);
      for (const item of granted) assert.ok(!faultAt(name, item));
    }
  }));
});
