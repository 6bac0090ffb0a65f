/** What nerve.yaml grants that the two walls do not hold, or do not open. */
import assert from "node:assert/strict";
import { DiagnosticList } from "../../../src/config/diagnostic_list.ts";
import type { GrantContext } from "../../../src/config/permissions/grants.ts";
import {
  checkIsolation,
  isNeverGranted,
  warnOfSystem,
  warnUnheld,
} from "../../../src/config/permissions/check_isolation.ts";
import type { NerveConfig, PermissionRequest } from "../../../src/config/types.ts";

const at = ["senses", "a", "permissions"];
const withLandlock = (abi: number) => ({ landlock: () => abi }) as GrantContext;

function found(check: (diagnostics: DiagnosticList) => void): string[] {
  const diagnostics = new DiagnosticList(() => ({ file: "nerve.yaml", line: 1, column: 1 }));
  check(diagnostics);
  return diagnostics.sorted().map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
}

Deno.test("only isolation: require refuses a machine without Landlock", () => {
  const check = (isolation: NerveConfig["isolation"], abi: number) =>
    found((list) => checkIsolation({ isolation } as NerveConfig, withLandlock(abi), list));
  assert.deepEqual([check("prefer", 0), check("require", 1), check("prefer", 6)], [[], [], []]);
  assert.match(check("require", 0).join(), /^error isolation: .*isolation: require refuses to run without it$/);
});

Deno.test("run is a warning where no Landlock holds the program, unless it is unconfined anyway", () => {
  const check = (request: Partial<PermissionRequest>, abi: number) =>
    found((list) => warnUnheld(request as PermissionRequest, at, withLandlock(abi), list));
  assert.match(check({ run: ["git"] }, 0).join(), /^warning senses\.a\.permissions\.run: run opens the sandbox: /);
  assert.deepEqual([check({ run: ["git"] }, 1), check({}, 0), check({ run: ["git"], unconfined: true }, 0)], [
    [],
    [],
    [],
  ]);
});

Deno.test("what Deno opens to nobody opens nothing, unless programs may use it", () => {
  const check = (permission: "read" | "write", value: string, runs = false) =>
    found((list) => warnOfSystem(permission, value, at, runs, list));
  for (const value of ["/dev", "/dev/sda", "/dev/tty1"]) {
    assert.match(check("read", value).join(), /opens nothing: Deno denies/, value);
    assert.deepEqual(check("read", value, true), [], value);
  }
  for (const value of ["/proc/1", "/sys/class", "/dev/tty"]) {
    assert.match(check("write", value).join(), /opens nothing/, value);
  }
  for (const value of ["/dev/null", "/dev/urandom", "/dev/tty", "/proc/loadavg", "/sys/class", "/home", "/devices"]) {
    assert.deepEqual(check("read", value), [], value);
  }
});

Deno.test("read of all processes' folders is a warning for who starts programs", () => {
  const check = (value: string) => found((list) => warnOfSystem("read", value, at, true, list));
  assert.match(check("/proc").join(), /opens the environment of all your processes/);
  assert.deepEqual([check("/proc/loadavg"), check("/")], [[], []]);
});

Deno.test("devices that are open are those that a grant really opens", () => {
  assert.deepEqual(
    ["/dev/null", "/dev/zero", "/dev/tty", "/dev/kmsg"].map((path) => isNeverGranted("read", path)),
    [false, false, false, true],
  );
  assert.deepEqual(["/dev/tty", "/proc", "/tmp"].map((path) => isNeverGranted("write", path)), [true, true, false]);
});
