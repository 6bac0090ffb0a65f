/** install.sh on a file that only pretends to be a nerve. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { hashFile } from "../../../src/cli/daemon/installation.ts";
import { fakeNerve } from "../../support/fake_nerve.ts";
import { repository } from "../../support/source_files.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

async function install(home: string, ...args: string[]): Promise<{ code: number; output: string }> {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: [join(repository, "install.sh"), ...args],
    cwd: home,
    clearEnv: true,
    env: { HOME: home, PATH: Deno.env.get("PATH") ?? "" },
    stdin: "null",
  }).output();
  return { code, output: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

Deno.test("install.sh installs a verified file into ~/.local/bin, with completions and without questions", async () => {
  await inTempDir(async (home) => {
    const file = fakeNerve(home, "downloaded", "0.2.0"), sum = await hashFile(file);
    await Deno.writeTextFile(`${file}.sha256`, `${sum}  downloaded\n`);
    const { code, output } = await install(home, "downloaded");
    assert.equal(code, 0, output);
    assert.match(output, /checksum verified\n.*completions for bash in .*\n(.*\n)*👉 .*is not in your PATH/);
    const target = join(home, ".local/bin/nerve");
    assert.equal(await hashFile(target), sum);
    assert.equal(((await Deno.stat(target)).mode ?? 0) & 0o777, 0o755);
    const bash = join(home, ".local/share/bash-completion/completions/nerve");
    assert.equal(await Deno.readTextFile(bash), "# completions for bash\n");
    assert.deepEqual([...Deno.readDirSync(join(home, ".local/bin"))].map(({ name }) => name), ["nerve"]);
  });
});

Deno.test("install.sh changes nothing when the checksum is wrong or missing, or the file does not run", async () => {
  await inTempDir(async (home) => {
    const file = fakeNerve(home, "downloaded", "0.2.0", "version"), sum = await hashFile(file);
    const cases: [string[], RegExp][] = [
      [["downloaded"], /no downloaded\.sha256/],
      [["downloaded", "--sha256", "ab".repeat(32)], /has the checksum .*, not abab/],
      [["downloaded", "--sha256", sum.toUpperCase()], /does not run on this machine/],
      [["gone", "--sha256", sum], /gone cannot be read/],
      [[], /no file was given/],
      [["downloaded", "--force"], /no option --force/],
      [["downloaded", "--sha256", sum, "--to", "taken"], /taken\/nerve is a folder/],
    ];
    await Deno.mkdir(join(home, "taken", "nerve"), { recursive: true });
    for (const [args, expected] of cases) {
      const { code, output } = await install(home, ...args);
      assert.equal(code, 1, output);
      assert.match(output, expected);
    }
    const installed = await Array.fromAsync(Deno.readDir(join(home, ".local/bin"))).catch(() => []);
    assert.deepEqual(installed, []);
  });
});

Deno.test("install.sh does nothing when it was cut off in a pipe", async () => {
  await inTempDir(async (home) => {
    const file = fakeNerve(home, "downloaded", "0.2.0"), sum = await hashFile(file);
    const script = await Deno.readTextFile(join(repository, "install.sh"));
    // Below the line that puts the file in its place: a shell that executes while it reads would have reached it.
    const part = script.slice(0, script.indexOf("checksum verified"));
    const { code, stdout } = await new Deno.Command("sh", {
      args: ["-c", 'printf %s "$1" | sh -s -- "$2" --sha256 "$3"', "sh", `${part}'\n`, file, sum],
      cwd: home,
      clearEnv: true,
      env: { HOME: home, PATH: Deno.env.get("PATH") ?? "" },
      stderr: "null",
    }).output();
    assert.notEqual(code, 0);
    assert.equal(new TextDecoder().decode(stdout), "");
    assert.deepEqual([...Deno.readDirSync(home)].map(({ name }) => name), ["downloaded"]);
  });
});
