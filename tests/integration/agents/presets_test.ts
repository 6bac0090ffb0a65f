/**
 * The presets with the programs that npm has under their names, as far as these go without an account and a network: their
 * help knows each flag, and a role of a workflow comes as far as the program's own word that it has no account. Danger: a
 * command line that only our documents know. `deno task agents` only: npm brings 1.1 GB, once.
 */
import assert from "node:assert/strict";
import { systemLandlock } from "../../../src/base/landlock.ts";
import { agentPresets } from "../../../src/config/agent_presets.ts";
import type { AgentProtocol } from "../../../src/protocol/agent.ts";
import { tellIgnored } from "../../support/debian.ts";
import { findNpmProgram } from "../../support/npm_program.ts";
import { join } from "../../support/paths.ts";
import { writeProgram } from "../../support/programs.ts";
import { runEnd } from "../../support/workflow_life.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

interface Installed {
  readonly preset: keyof typeof agentPresets;
  readonly protocol: AgentProtocol;
  readonly name: string;
  readonly version: string;
  /** The program in the package; one of JavaScript is run by Deno: they want a newer Node than Debian has. */
  readonly path: string;
  /** What its help is asked with, and that of further prompts. */
  readonly help: readonly (readonly string[])[];
  /** Why it does not answer. Null: it tries the network for minutes. */
  readonly fault: RegExp | null;
}

const arm = Deno.build.arch === "aarch64", arch = arm ? "arm64" : "x64";
const codexPath = `vendor/${arm ? "aarch64" : "x86_64"}-unknown-linux-musl/bin/codex`;
const installed: readonly Installed[] = [
  {
    ...{ preset: "claude", protocol: "command", name: `@anthropic-ai/claude-code-linux-${arch}`, version: "2.1.332" },
    ...{ path: "claude", help: [["--help"]], fault: /Not logged in/ },
  },
  {
    ...{ preset: "claude", protocol: "acp", name: "@agentclientprotocol/claude-agent-acp", version: "0.101.0" },
    ...{ path: "dist/index.js", help: [], fault: /Authentication required/ },
  },
  {
    ...{ preset: "codex", protocol: "command", name: "@openai/codex", version: `0.171.0-linux-${arch}` },
    ...{ path: codexPath, help: [["exec", "--help"], ["exec", "resume", "--help"]], fault: null },
  },
  {
    ...{ preset: "codex", protocol: "acp", name: "@agentclientprotocol/codex-acp", version: "2.6.0" },
    ...{ path: "dist/index.js", help: [], fault: /Authentication required/ },
  },
  {
    ...{ preset: "gemini", protocol: "acp", name: "@google/gemini-cli", version: "0.61.0" },
    ...{ path: "bundle/gemini.js", help: [["--help"]], fault: /Gemini API key is missing/ },
  },
];

const isAsked = Deno.env.get("NERVE_AGENTS") === "1";

const workflow = `import { agent, defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: { ask: agent({ agent: "x", cwd: "work", prompt: "Say hello" }) },
  moderator: ({ messages }) => messages.length === 0 ? "ask" : END,
});`;

for (const { preset, protocol, name, version, path, help, fault } of installed) {
  const folder = `nerve-${name.replaceAll(/\W+/g, "-")}-${version}`;
  const found = isAsked ? await findNpmProgram({ name, version, path, folder }) : { missing: "nobody asked for it" };
  if (isAsked && "missing" in found) tellIgnored(`the test with ${name} is ignored: ${found.missing}`);
  Deno.test({
    name: `preset ${preset} with protocol ${protocol} starts ${name} ${version} as it wants to be started`,
    ignore: "missing" in found,
    async fn() {
      assert.ok("program" in found);
      const { program } = found, { command, resume } = agentPresets[preset].lines[protocol] ?? assert.fail();
      assert.ok(command != null);
      const start = path.endsWith(".js")
        ? [Deno.execPath(), "run", "-A", "--quiet", "--node-modules-dir=manual", program]
        : [program];
      for (const [at, words] of [command, resume ?? []].entries()) {
        const flags = words.filter((word) => /^--?\w/.test(word)), asked = help[at] ?? help[0];
        if (flags.length === 0 || asked === undefined) continue;
        const [own = "", ...rest] = start,
          { stdout } = await new Deno.Command(own, {
            args: [...rest, ...asked],
            stdin: "null",
          }).output();
        const text = new TextDecoder().decode(stdout);
        for (const flag of flags) assert.match(text, new RegExp(`(^|[\\s,])${flag}\\b`, "m"), `${flag} in: ${text}`);
      }
      if (fault !== null) assert.match(await ask({ preset, protocol }, command[0] ?? "", start), fault);
    },
  });
}

/** Why a role that asks this agent fails. `name` is the program of the preset, which starts by `start`. */
async function ask(entry: Record<string, unknown>, name: string, start: readonly string[]): Promise<string> {
  const bin = await Deno.makeTempDir({ prefix: "nerve-presets-" }), path = Deno.env.get("PATH") ?? "";
  writeProgram(join(bin, name), `#!/bin/sh\nexec ${start.map((word) => `'${word}'`).join(" ")} "$@"\n`);
  Deno.env.set("PATH", `${bin}:${path}`);
  try {
    const read = [bin, (start.at(-1) ?? "").replace(/\/node_modules\/.*$/, "")];
    await using workspace = await startWorkspace({
      yaml: {
        agents: { x: { ...entry, env: [], ...systemLandlock() > 0 ? { read } : { confine: "none" } } },
        workflows: { w: { agents: ["x"] } },
      },
      workflows: { w: workflow },
      files: { "work/readme.txt": "" },
    });
    await workspace.kernel.startWorkflow("w", { runId: "a" });
    const { status, reason } = await runEnd(workspace, "a");
    assert.equal(status, "failed");
    return reason ?? "";
  } finally {
    Deno.env.set("PATH", path);
    await Deno.remove(bin, { recursive: true });
  }
}
