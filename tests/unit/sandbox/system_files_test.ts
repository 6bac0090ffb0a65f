import assert from "node:assert/strict";
import { listGrantedFolder, readGrantedFile } from "../../../src/sandbox/system_files.ts";

const all = { read: true, sys: true } as const;

Deno.test("a path that does not lead where it seems to is none below /proc or /sys", async () => {
  for (
    const path of [
      "/proc/../etc/passwd",
      "/proc/net/..",
      "/proc//stat",
      "/proc/./stat",
      "/sys/.",
      "proc/stat",
      "/proc",
      "//proc/stat",
    ]
  ) await assert.rejects(readGrantedFile(path, all), /is no path below \/proc or \/sys/, path);
});

const linuxTest = Deno.build.os === "linux" ? Deno.test : Deno.test.ignore;

linuxTest("a name with dots, a folder with a slash and a granted folder are read", async () => {
  assert.match(await readGrantedFile("/proc/uptime", { read: ["/proc/"], sys: false }), /^\d/);
  assert.ok((await listGrantedFolder("/sys/kernel/", { read: ["/sys/kernel/"], sys: false })).length > 0);
  await assert.rejects(readGrantedFile("/proc/uptime", { read: ["/proc/up"], sys: false }), /Requires sys access/);
  await assert.rejects(readGrantedFile("/proc/...", all), Deno.errors.NotFound);
});
