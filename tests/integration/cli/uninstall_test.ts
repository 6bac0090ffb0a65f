/** `nerve uninstall` in a home of its own, with a systemctl that records how it was called. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { runCli } from "../../../src/cli/app.ts";
import { uninstallOutput } from "../../../src/cli/render/json_schemas.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { fakeNerve } from "../../support/fake_nerve.ts";
import { writeProgram } from "../../support/programs.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

interface Home {
  readonly folder: string;
  readonly installed: string;
  /** The path of a file below the home, which is written. */
  write(path: string, text?: string): string;
  nerve(...args: string[]): Promise<{ code: number; out: string; err: string }>;
}

async function atHome(test: (home: Home) => Promise<void>): Promise<void> {
  await inTempDir(async (folder) => {
    for (const each of ["bin", "tools"]) Deno.mkdirSync(join(folder, each));
    const installed = fakeNerve(join(folder, "bin"), "nerve", "0.1.0");
    writeProgram(join(folder, "tools/systemctl"), `#!/bin/sh\necho "$*" >>"${folder}/asked"\n`);
    const env = {
      NERVE_EXECUTABLE: installed,
      TMPDIR: join(folder, "tmp"),
      PATH: `${join(folder, "tools")}:${Deno.env.get("PATH")}`,
    };
    await test({
      folder,
      installed,
      write(path, text = "x") {
        Deno.mkdirSync(dirname(join(folder, path)), { recursive: true });
        Deno.writeTextFileSync(join(folder, path), text);
        return join(folder, path);
      },
      async nerve(...args) {
        const io = new CapturedIo({ cwd: folder, env }), code = await runCli(args, io);
        return { code, out: io.out, err: io.err };
      },
    });
  });
}

function listFiles(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? listFiles(join(folder, name)) : [join(folder, name)]
  ).sort();
}

Deno.test("uninstall removes what belongs to this nerve, and nothing else; --dry-run only shows it", async () => {
  await atHome(async ({ folder, installed, write, nerve }) => {
    const unit = (program: string) => `[Service]\nType=exec\nExecStart=${program} run --workspace /w\n`;
    const script = "complete() { nerve __complete; }\n";
    const ours = [
      installed,
      write("bin/nerve.old"),
      write("bin/.nerve.17.new"),
      write(".config/systemd/user/nerve-w-123456.service", unit(installed)),
      write(".local/share/bash-completion/completions/nerve", script),
      write(".cache/nerve/0123456789abcdef0123456789abcdef/deno"),
      write(".cache/nerve/.unpack.aBcDeF/deno"),
      write("tmp/nerve-cache-" + Deno.uid() + "/0123456789abcdef/app/src/main.ts"),
    ];
    const others = [
      write("bin/nervous.old"),
      write(".config/systemd/user/nerve-other-123456.service", unit("/usr/local/bin/nerve")),
      write(".config/systemd/user/nerves.service", unit(installed)),
      write(".local/share/zsh/site-functions/_nerve", "# another program called nerve\n"),
      write(".cache/other/file"),
      write("tmp/nerve-cache-0000/0123456789abcdef/app/src/main.ts"),
      write(".nerve/nerve.yaml", "senses: {}\n"),
      write(".nerve/data/logs.db"),
      write("w/data/blobs/00/11"),
    ];
    const before = listFiles(folder), dry = await nerve("uninstall", "--dry-run", "--json");
    assert.equal(dry.code, 0, dry.err);
    const { items, clone } = uninstallOutput.parse(JSON.parse(dry.out));
    assert.equal(clone, false);
    for (const path of ours) assert.ok(items.some((item) => path.startsWith(item.path)), path);
    for (const path of others) assert.equal(items.some((item) => path.startsWith(item.path)), false, path);
    assert.deepEqual(listFiles(folder), before, "nothing was removed, or asked");
    const { code, out } = await nerve("uninstall");
    assert.equal(code, 0, out);
    assert.match(out, /8 parts removed\n.*workspaces are not touched/);
    for (const path of ours) assert.throws(() => Deno.lstatSync(path), Deno.errors.NotFound, path);
    for (const path of others) assert.ok(Deno.lstatSync(path).isFile, path);
    assert.throws(() => Deno.lstatSync(join(folder, ".cache/nerve")), Deno.errors.NotFound, "the empty cache went too");
    assert.deepEqual(Deno.readTextFileSync(join(folder, "asked")).trim().split("\n").slice(-2), [
      "--user --no-pager disable --now nerve-w-123456.service",
      "--user --no-pager daemon-reload",
    ]);
  });
});

Deno.test("uninstall removes nothing while a process of this nerve runs, and names it", async () => {
  await atHome(async ({ installed, nerve }) => {
    await Deno.remove(installed);
    await Deno.copyFile("/bin/sleep", installed);
    await Deno.chmod(installed, 0o755);
    const daemon = new Deno.Command(installed, { args: ["1000"] }).spawn();
    try {
      const refused = await nerve("uninstall");
      assert.equal(refused.code, 1);
      assert.match(
        refused.err,
        new RegExp(`nerve still runs: .*pid ${daemon.pid}[^]*nothing was removed; first: nerve stop`),
      );
      const dry = await nerve("uninstall", "--dry-run");
      assert.match(dry.out, new RegExp(`must be stopped first: .*pid ${daemon.pid}`));
      assert.ok(Deno.statSync(installed).isFile);
    } finally {
      daemon.kill();
      await daemon.status;
    }
    assert.equal((await nerve("uninstall")).code, 0);
    assert.throws(() => Deno.lstatSync(installed), Deno.errors.NotFound);
  });
});

Deno.test("a part that cannot be removed is named, and the rest goes", async () => {
  await atHome(async ({ installed, write, nerve }) => {
    write("bin/nerve.old/mine");
    const { code, out } = await nerve("uninstall");
    assert.equal(code, 1);
    assert.match(out, /❌ executable \S*nerve\.old: .*not empty[^]*1 part removed/);
    assert.throws(() => Deno.lstatSync(installed), Deno.errors.NotFound);
  });
});
