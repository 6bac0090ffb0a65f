/** `nerve service`: the systemd unit, with a systemctl that records how it was called. */
import assert from "node:assert/strict";
import { DaemonWorkspace } from "../../support/daemon.ts";
import { long } from "../../support/long_form.ts";
import { writeProgram } from "../../support/programs.ts";

/** A systemctl that records its arguments, and answers as `script` says. */
function fakeSystemctl(folder: string, script: string): Record<string, string> {
  writeProgram(`${folder}/systemctl`, `#!/bin/sh\necho "$*" >> "${folder}/asked"\n${script}\n`);
  return { PATH: `${folder}:${Deno.env.get("PATH")}`, XDG_CONFIG_HOME: `${folder}/.config` };
}

Deno.test("service without systemd prints only the unit on stdout, says what to do, and exits 1", async () => {
  await using workspace = await DaemonWorkspace.make();
  const env = fakeSystemctl(workspace.folder, `echo "Failed to connect to bus" >&2; exit 1`);
  const output = await workspace.command(["service", "install"], env).output();
  const out = new TextDecoder().decode(output.stdout), err = new TextDecoder().decode(output.stderr);
  assert.equal(output.code, 1);
  assert.match(out, /^\[Unit\]\n[^]*\[Service\]\n[^]*Restart=on-failure\n[^]*\[Install\]\nWantedBy=default\.target\n$/);
  assert.match(
    err,
    /❌ nothing was installed: Failed to connect to bus\n.*\.config\/systemd\/user\/nerve-ws-\w{6}\.service/,
  );
  assert.equal((await workspace.command(["service", "status"], env).output()).code, 1);
});

long.test("service installs a unit whose command runs the daemon, shows its state, and removes it", async () => {
  await using workspace = await DaemonWorkspace.make();
  const { folder, root } = workspace;
  const env = fakeSystemctl(folder, `case "$*" in *is-active*) echo active;; *is-enabled*) echo enabled;; esac`);
  const install = await workspace.command(["service", "install"], env).output();
  assert.equal(install.code, 0, new TextDecoder().decode(install.stderr));
  const [entry] = [...Deno.readDirSync(`${folder}/.config/systemd/user`)];
  const unit = Deno.readTextFileSync(`${folder}/.config/systemd/user/${entry?.name}`);
  assert.deepEqual(Deno.readTextFileSync(`${folder}/asked`).trimEnd().split("\n"), [
    "--user --no-pager show-environment",
    "--user --no-pager daemon-reload",
    `--user --no-pager enable ${entry?.name}`,
    `--user --no-pager restart ${entry?.name}`,
  ]);
  const command = /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? "";
  assert.ok(command.endsWith(`run --workspace ${root}`), command);
  const run = await new Deno.Command("/bin/sh", { args: ["-c", `exec ${command} --for 100ms`], stdout: "piped" })
    .output();
  assert.match(new TextDecoder().decode(run.stdout), new RegExp(`nerve \\S+ runs ${root}[^]*stopped after`));
  assert.equal((await workspace.command(["service", "status"], env).output()).code, 0);
  assert.equal((await workspace.command(["service", "uninstall"], env).output()).code, 0);
  assert.deepEqual([...Deno.readDirSync(`${folder}/.config/systemd/user`)], []);
});
