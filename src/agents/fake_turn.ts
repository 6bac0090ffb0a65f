/**
 * One prompt of the scripted agent: plays the steps of a scenario in its folder, and reports each as agents do. Used by
 * fake_agent.ts, in the agent's own process.
 */
import { dirname, join, relative } from "node:path";
import { systemClock } from "../base/clock.ts";
import { parseDuration } from "../base/duration.ts";
import { ifPresent } from "../base/if_present.ts";
import { delay } from "../base/time.ts";
import type { PromptEnvelope } from "../protocol/agent.ts";
import type { ScenarioStep } from "../protocol/scenario.ts";
import type { ToolKind } from "../protocol/tool_kind.ts";
import { makeSample } from "./json_sample.ts";
import type { RpcPeer } from "./rpc_peer.ts";

interface TurnSetting {
  readonly peer: RpcPeer;
  readonly sessionId: string;
  readonly cwd: string;
  readonly envelope: PromptEnvelope;
  /** How many prompts its conversation has had, including this one. */
  readonly prompts: number;
  /** Aborts when the turn is cancelled. */
  readonly signal: AbortSignal;
}

type StopReason = "end_turn" | "cancelled";

const author = ["-c", "user.name=nerve's scripted agent", "-c", "user.email=agent@localhost"];
const kibibyte = `${"flood ".repeat(171).slice(0, 1023)}\n`;

export class FakeTurn {
  readonly #setting: TurnSetting;
  readonly #written: string[] = [];
  #gaveArtifact = false;
  #tools = 0;

  constructor(setting: TurnSetting) {
    this.#setting = setting;
  }

  async play(steps: readonly ScenarioStep[]): Promise<StopReason> {
    for (const step of steps) {
      if (this.#setting.signal.aborted) return "cancelled";
      if (await this.#do(step) === "over") return this.#setting.signal.aborted ? "cancelled" : "end_turn";
    }
    const { expectedArtifact, expectedSchema: { json } } = this.#setting.envelope;
    if (expectedArtifact !== null && !this.#gaveArtifact) {
      this.#giveArtifact(JSON.stringify(json === null ? {} : makeSample(JSON.parse(json)), null, 2));
    }
    return "end_turn";
  }

  /** "over": the turn ends here. */
  async #do(step: ScenarioStep): Promise<"over" | void> {
    if (step.answer !== undefined) this.#say(this.#fill(step.answer));
    if (step.write !== undefined) this.#write(this.#fill(step.write.file), this.#fill(step.write.text));
    if (step.artifact !== undefined) this.#giveArtifact(JSON.stringify(step.artifact, null, 2));
    if (step.artifact_text !== undefined) this.#giveArtifact(step.artifact_text);
    if (step.commit !== undefined) await this.#commit(this.#fill(step.commit));
    if (step.ask !== undefined && !await this.#ask(step.ask)) return "over";
    if (step.wait !== undefined) await this.#wait(step.wait);
    if (step.fail !== undefined) throw new Error(this.#fill(step.fail));
    if (step.die !== undefined) Deno.exit(step.die);
    if (step.flood !== undefined) { for (let n = 0; n < step.flood; n++) this.#say(kibibyte); }
    if (step.never !== undefined) {
      await untilAborted(this.#setting.signal);
      return "over";
    }
  }

  #fill(text: string): string {
    const { envelope: { runId, role, phase, attempt, instructions }, prompts } = this.#setting;
    const words: Readonly<Record<string, unknown>> = {
      ...{ run: runId, role, phase: phase ?? "", attempt, prompt: instructions, count: prompts },
    };
    return text.replaceAll(/\{(run|role|phase|attempt|prompt|count)\}/g, (_, name) => String(words[name]));
  }

  #say(text: string): void {
    this.#update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text } });
  }

  #write(file: string, text: string): void {
    this.#put(join(this.#setting.cwd, file), text);
    this.#written.push(file);
  }

  #giveArtifact(text: string): void {
    this.#gaveArtifact = true;
    const { expectedArtifact: path } = this.#setting.envelope;
    if (path !== null && text !== "") this.#put(path, text);
  }

  /**
   * Writes a file whole or not at all, as an agent should. This agent is not confined, and others may have put links
   * into its folder: none is followed.
   */
  #put(path: string, text: string): void {
    const { cwd } = this.#setting, file = relative(cwd, path), folder = dirname(path), unfinished = `${path}.new`;
    for (let at = dirname(file); at !== "."; at = dirname(at)) {
      const isLink = ifPresent(() => Deno.lstatSync(join(cwd, at)))?.isSymlink;
      if (isLink === true) throw new Error(`${at} is a link, which is not followed`);
    }
    Deno.mkdirSync(folder, { recursive: true });
    ifPresent(() => Deno.removeSync(unfinished));
    Deno.writeTextFileSync(unfinished, text, { createNew: true });
    Deno.renameSync(unfinished, path);
    this.#tell("edit", `Write ${file}`, path);
  }

  async #commit(message: string): Promise<void> {
    if (this.#written.length === 0) throw new Error("it has written nothing that it could commit");
    await this.#git("add", "--", ...this.#written);
    const changed = await this.#git("diff", "--cached", "--name-only", "--", ...this.#written);
    // After a death it plays the same steps again: the files may already be committed.
    if (changed !== "") await this.#git(...author, "commit", "--quiet", "-m", message, "--", ...this.#written);
    this.#tell("execute", `git commit -m ${JSON.stringify(message)}`, null);
  }

  async #git(...args: string[]): Promise<string> {
    const command = new Deno.Command("git", { args, cwd: this.#setting.cwd, stdin: "null" });
    const { success, stdout, stderr } = await command.output(), decoder = new TextDecoder();
    if (success) return decoder.decode(stdout).trim();
    throw new Error(`git ${args.find((word) => /^[a-z]+$/.test(word))}: ${decoder.decode(stderr).trim()}`);
  }

  /** Whether permission was given. */
  async #ask({ kind, file, title }: NonNullable<ScenarioStep["ask"]>): Promise<boolean> {
    const { peer, sessionId, cwd } = this.#setting, what = title ?? [kind, file].join(" ").trim();
    const locations = file === undefined ? [] : [{ path: join(cwd, file) }];
    const options = ["allow_once", "reject_once"].map((each) => ({ optionId: each, name: each, kind: each }));
    const toolCall = { toolCallId: this.#nextTool(), title: what, kind, status: "pending", locations };
    const { outcome } = Object(await peer.request("session/request_permission", { sessionId, toolCall, options }));
    if (Object(outcome).optionId === "allow_once") return true;
    this.#say(`I was not given leave: ${what}\n`);
    return false;
  }

  async #wait(span: string): Promise<void> {
    const ms = parseDuration(span), { signal } = this.#setting;
    if (ms.ok) await Promise.race([delay(systemClock, ms.value), untilAborted(signal)]);
  }

  #tell(kind: ToolKind, title: string, path: string | null): void {
    const locations = path === null ? [] : [{ path }];
    const toolCallId = this.#nextTool();
    this.#update({ sessionUpdate: "tool_call", toolCallId, title, kind, status: "completed", locations });
  }

  #nextTool(): string {
    return `${this.#setting.prompts}-${++this.#tools}`;
  }

  #update(update: Record<string, unknown>): void {
    this.#setting.peer.notify("session/update", { sessionId: this.#setting.sessionId, update });
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
