/** The recipe of docs/alerts.md for a Git server's webhook, as it stands: a push runs the tests of what was pushed. */
import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { delay } from "../../src/base/time.ts";
import { blocksOf } from "../support/documents.ts";
import { nerve } from "../support/in_process_nerve.ts";
import { long } from "../support/long_form.ts";
import { Daemon } from "../support/mortal_daemon.ts";
import { readSource } from "../support/source_files.ts";
import { makeWorkspace, within } from "../support/workspace_fixture.ts";

const [, recipe = ""] = readSource("docs/alerts.md").split("## A push runs the tests\n");
const blocks = blocksOf(recipe), code = blocks.find(({ language }) => language === "ts")?.text ?? "";
const yaml = blocks.find(({ language }) => language === "yaml")?.text ?? "";

async function git(folder: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("git", {
    args: ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgSign=false", ...args],
    cwd: folder,
    env: { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
  }).output();
  assert.ok(success, `git ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout).trim();
}

async function push(folder: string, test: string): Promise<string> {
  Deno.writeTextFileSync(`${folder}/Makefile`, `test:\n\t@${test}\n`);
  await git(folder, "add", "Makefile");
  await git(folder, "commit", "--quiet", "-m", test);
  await git(folder, "push", "--quiet", "origin", "main");
  return await git(folder, "rev-parse", "HEAD");
}

const ignore = (await new Deno.Command("sh", { args: ["-c", "command -v make git"] }).output()).code !== 0;

long.test({
  name: "docs/alerts.md: a push to main runs make test, a failed test fails the run, and another branch runs nothing",
  ignore,
  async fn() {
    const repositories = await Deno.realPath(await Deno.makeTempDir({ prefix: "nerve-push-" }));
    await git(repositories, "init", "--quiet", "--bare", "--initial-branch=main", "there");
    await git(repositories, "clone", "--quiet", "there", "mine");
    const mine = `${repositories}/mine`, site = `${repositories}/site`;
    await git(mine, "checkout", "--quiet", "-B", "main");
    await push(mine, "true");
    await git(repositories, "clone", "--quiet", "there", "site");
    await using workspace = await makeWorkspace({ yaml: "{}", files: { ".env": "GIT_HOOK_SECRET=hunter2-secret\n" } });
    const { root } = workspace;
    assert.equal((await nerve(root, "workflow", "add", "git-build")).code, 0);
    workspace.write("senses/pushes/index.ts", code);
    // The server of the recipe is reached over the network; here it is a folder.
    const here = yaml.replace("read: [/srv/site]", `read: [${repositories}]`).replaceAll("/srv/site", site);
    workspace.write("nerve.yaml", here.replace("127.0.0.1:7077", "127.0.0.1:0"));
    const daemon = await Daemon.start(workspace.paths);
    try {
      const deliver = async (ref: string, after: string) => {
        const { code, out, err } = await nerve(root, "hook", "send", "git", "--data", JSON.stringify({ ref, after }));
        assert.equal(code, 0, out + err);
      };
      const ended = async (count: number) => {
        const runs = async () => (await daemon.client.runs({ limit: 10, offset: 0 })).items;
        const wait = async () => {
          while ((await runs()).filter(({ endedAt }) => endedAt !== null).length < count) await delay(systemClock, 20);
        };
        await within(wait(), `${count} runs to end`, () => daemon.output);
        return await runs();
      };
      await deliver("refs/heads/main", await push(mine, "echo all fine"));
      const [first] = await ended(1);
      assert.deepEqual([first?.status, first?.workflow], ["completed", "git-build"], JSON.stringify(first));
      const thread = await nerve(root, "workflow", "thread", first?.runId ?? "");
      assert.match(thread.out, /all fine/);
      await deliver("refs/heads/other", "0000000000000000");
      await deliver("refs/heads/main", await push(mine, "false"));
      const [second, ...older] = await ended(2);
      assert.deepEqual([second?.status, older.length], ["failed", 1], JSON.stringify(second));
      const why = await nerve(root, "why", second?.runId ?? "");
      assert.match(why.out, /hook git took a delivery/);
    } finally {
      await daemon.kill();
      await Deno.remove(repositories, { recursive: true });
    }
  },
});
