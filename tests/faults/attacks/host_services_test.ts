/**
 * What nerve does for code in the sandbox because Deno has no permission for just that: read files of the system, and show
 * certificates. Danger: it does more for that code than its grants say.
 */
import assert from "node:assert/strict";
import { startWorkspace } from "../../support/workspace_fixture.ts";

/** The value, or the message of the error, of each expression. */
function trying(expressions: Record<string, string>): string {
  const lines = Object.entries(expressions).map(([name, text]) =>
    `  await tryOut(${JSON.stringify(name)}, async () => ${text});`
  );
  return `import * as nerve from "nerve";
export async function compute({ signal }) {
  const found = {};
  const tryOut = async (name, act) => found[name] = await act().then((value) => ({ value }), (error) => ({ error: String(error) }));
${lines.join("\n")}
  return found;
}`;
}

type Found = Record<string, { value?: unknown; error?: string }>;

Deno.test("files of the system are read as far as the grants name them, and those of processes never", async () => {
  const paths: Record<string, [path: string, expected: RegExp]> = {
    granted: ["/proc/loadavg", /^\d/],
    bySys: ["/proc/uptime", /^\d/],
    below: ["/sys/kernel/mm/transparent_hugepage/enabled", /always|never/],
    notGranted: ["/proc/meminfo", /Requires sys access to "systemMemoryInfo"/],
    sibling: ["/proc/loadavg2", /Requires read access/],
    environment: ["/proc/self/environ", /always closed/],
    ofParent: [`/proc/${Deno.pid}/environ`, /always closed/],
    memory: ["/proc/self/mem", /always closed/],
    descriptors: ["/proc/self/fd/3", /always closed|No such file/],
    root: ["/proc/self/root/etc/passwd", /always closed|no path below/],
    kernelLog: ["/proc/kmsg", /always closed/],
    kernelMemory: ["/proc/kcore", /always closed|No such file/],
    dots: ["/proc/../etc/passwd", /no path below \/proc or \/sys/],
    outside: ["/etc/passwd", /no path below \/proc or \/sys/],
    relative: ["proc/loadavg", /no path below/],
    firmware: ["/sys/firmware/dmi/tables/DMI", /always closed|No such file/],
  };
  const expressions = Object.fromEntries(
    Object.entries(paths).map(([name, [path]]) => [name, `nerve.readSystemFile(${JSON.stringify(path)})`]),
  );
  const odd = {
    noText: "nerve.readSystemFile(5)",
    object: "nerve.readSystemFile({ toString: () => '/proc/loadavg' })",
    folder: "nerve.readSystemFile('/sys/kernel')",
    list: "nerve.listSystemFolder('/sys/kernel')",
    process: "nerve.listSystemFolder('/proc/1/task')",
  };
  const read = ["/proc/loadavg", "/proc/self", "/proc/kmsg", "/proc/kcore", "/proc/1", `/proc/${Deno.pid}`, "/sys"];
  const all = { ...expressions, ...odd };
  await using workspace = await startWorkspace({
    senses: { reads: trying(all), bare: trying({ one: expressions.granted ?? "", two: odd.list }) },
    yaml: { senses: { reads: { permissions: { read, sys: ["osUptime"] } }, bare: {} } },
  });
  const found = await workspace.payload("reads") as Found;
  for (const [name, [path, expected]] of Object.entries(paths)) {
    assert.match(String(found[name]?.value ?? found[name]?.error), expected, `${name}: ${path}`);
  }
  assert.ok(Array.isArray(found.list?.value) && found.list.value.includes("mm"));
  for (const name of ["noText", "object", "folder", "process"]) assert.ok(found[name]?.error !== undefined, name);
  const bare = await workspace.payload("bare") as Found;
  for (const { error } of Object.values(bare)) assert.match(error ?? "", /NotCapable/);
});

Deno.test("certificates are shown of hosts that the grants name, and nothing is sent to another certificate's server", async () => {
  const heard: string[] = [];
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 }), { port } = listener.addr;
  const served = (async () => {
    for await (const connection of listener) {
      heard.push("connected");
      connection.close();
    }
  })();
  const ask = (host: string, more = "") => `nerve.inspectTls({ host: "${host}", port: ${port}${more} }, signal)`;
  await using workspace = await startWorkspace({
    senses: {
      asks: trying({
        named: ask("127.0.0.1"),
        other: ask("localhost"),
        path: ask("unix:/tmp/x"),
        long: ask("127.0.0.1", ', send: { onlyTo: "x", text: "GET /" }'),
      }),
      bare: trying({ named: ask("127.0.0.1") }),
    },
    yaml: { senses: { asks: { permissions: { net: [`127.0.0.1:${port}`] } }, bare: {} } },
  });
  const bare = await workspace.payload("bare") as Found;
  assert.match(bare.named?.error ?? "", /NotCapable: Requires net access/);
  assert.deepEqual(heard, []);
  const found = await workspace.payload("asks") as Found;
  assert.match(found.named?.error ?? "", /closed the connection|reset|EOF|end of file/i);
  assert.match(found.other?.error ?? "", /NotCapable: Requires net access to "localhost/);
  for (const name of ["path", "long"]) assert.ok(found[name]?.error !== undefined, name);
  listener.close();
  await served;
});
