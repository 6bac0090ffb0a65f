import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

/** Makes calls behind the filter, in a process of its own: the filter cannot be lifted again. */
const code = (filter: string) => `
import { refuseReach } from ${JSON.stringify(filter)};
const { symbols: c } = Deno.dlopen("libc.so.6", {
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  prlimit: { parameters: ["i32", "i32", "buffer", "buffer"], result: "i32" },
  ptrace: { parameters: ["i64", "i64", "i64", "i64"], result: "i64" },
});
c.prctl(38, 1n, 0n, 0n, 0n);
const address = new Uint8Array(16), limit = new Uint8Array(16);
const tcp = c.socket(2, 1, 0), parent = Deno.ppid, core = 4;
address.set([2, 0, 0, 9, 127, 0, 0, 1]);
const before = [c.prlimit(parent, core, null, limit), c.prlimit(parent, core, limit, null)];
refuseReach();
console.log(JSON.stringify({
  before,
  plain: [c.socket(2, 1, 0) > 0, c.socket(1, 1, 0) > 0, c.socket(2, 2, 0) > 0],
  around: [c.socket(2, 1, 262), c.socket(43, 1, 0), Number(c.sendto(tcp, address, 1n, 0x20000000, address, 16))],
  limits: [c.prlimit(0, core, limit, null), c.prlimit(parent, core, null, limit), c.prlimit(parent, core, limit, null)],
  trace: Number(c.ptrace(0x4206n, BigInt(parent), 0n, 0n)),
  starts: (await new Deno.Command("true").output()).success,
}));`;

Deno.test("a program makes no TCP connection around Landlock, traces nobody, and limits only itself", async () => {
  const filter = new URL("../../../src/base/seccomp_programs.ts", import.meta.url);
  const config = fileURLToPath(new URL("../../../deno.json", import.meta.url));
  const args = ["eval", "--quiet", "--cached-only", "-c", config, code(filter.href)];
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  assert.deepEqual(JSON.parse(new TextDecoder().decode(stdout) || new TextDecoder().decode(stderr)), {
    before: [0, 0],
    plain: [true, true, true],
    around: [-1, -1, -1],
    limits: [0, 0, -1],
    trace: -1,
    starts: true,
  });
});
