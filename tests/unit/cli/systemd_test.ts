/** The unit that `nerve service` writes. Danger: a path that systemd reads as something else. */
import assert from "node:assert/strict";
import { createSystemdUnit } from "../../../src/cli/daemon/systemd.ts";

const env = { HOME: "/home/ann", PATH: "/usr/bin" };

Deno.test("each workspace has a unit of its own, under a name that systemd accepts", () => {
  const one = createSystemdUnit("/srv/My Workspace!", env), other = createSystemdUnit("/opt/My Workspace!", env);
  assert.match(one.name, /^nerve-my-workspace-[0-9a-f]{6}\.service$/);
  assert.notEqual(one.name, other.name);
  assert.equal(one.path, `/home/ann/.config/systemd/user/${one.name}`);
  const elsewhere = createSystemdUnit("/srv/w", { ...env, XDG_CONFIG_HOME: "/cfg" });
  assert.ok(elsewhere.path.startsWith("/cfg/systemd/user/"));
  assert.match(createSystemdUnit("/", env).name, /^nerve-workspace-/);
});

Deno.test("the unit runs the kernel in the foreground, with the PATH of the user who installed it", () => {
  const { text } = createSystemdUnit("/srv/w", env);
  assert.match(text, /^ExecStart=.* run --workspace \/srv\/w$/m);
  assert.match(text, /^Environment=PATH=\/usr\/bin$/m);
  assert.doesNotMatch(text, /^Environment=DENO_DIR/m);
  assert.match(text, /^Restart=on-failure$/m);
});

Deno.test("blanks, quotes and the characters that systemd expands stay part of the path", () => {
  const { text } = createSystemdUnit('/srv/50% "$HOME"', env);
  assert.match(text, /^ExecStart=.* "\/srv\/50%% \\"\$\$HOME\\""$/m);
  assert.match(text, /^Description=nerve: \/srv\/50%% "\$HOME"$/m);
});
