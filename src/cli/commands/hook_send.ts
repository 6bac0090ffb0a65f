/** `nerve hook send`: delivers to a hook as its sender would, with a proof made with the hook's own secret. */
import { NerveError } from "../../base/errors.ts";
import { readEnvironment } from "../../config/environment.ts";
import type { HookDefinition } from "../../protocol/hook.ts";
import { unknownHook } from "../../protocol/common_errors.ts";
import { isPlainObject } from "../../protocol/json.ts";
import { type CliIo, exit } from "../io.ts";
import type { HookSendOutput } from "../render/hook_schemas.ts";
import { clip, print, printJson, sign } from "../render/terminal.ts";
import { connect, openWorkspace, requireConfig } from "../workspace.ts";

interface Flags {
  readonly data: string;
  readonly type: string;
  readonly id?: string | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function hookSend(io: CliIo, flags: Flags, name: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), config = await requireConfig(paths);
  const hook = config.hooks.get(name);
  if (hook === undefined) throw unknownHook(name);
  const { all } = readEnvironment(config, paths);
  const secret = hook.secrets.map((variable) => all[variable]).find((value) => value !== undefined && value !== "");
  if (secret === undefined) {
    throw new NerveError("USAGE", `the secret of ${name} is not set`, { hint: `set ${hook.secrets.join(" or ")}` });
  }
  using client = await connect(paths);
  const { listener } = await client.hooks();
  if (listener?.listening !== true) {
    throw new NerveError("USAGE", listener?.problem ?? "nerve does not listen", {
      hint: "add listen: 127.0.0.1:7077 to nerve.yaml",
    });
  }
  const body = new TextEncoder().encode(flags.data);
  const headers = { "content-type": flags.type, ...await makeHeaders(hook, secret, body, flags.id, io) };
  const response = await fetch(`http://${listener.address}/hooks/${name}`, { method: "POST", headers, body });
  return show(io, flags, response.status, await response.text());
}

/** Imports on demand, since it loads node:crypto. */
async function makeHeaders(
  { proof, dedup }: HookDefinition,
  secret: string,
  body: Uint8Array,
  id: string = crypto.randomUUID(),
  { clock }: Pick<CliIo, "clock">,
): Promise<Record<string, string>> {
  const { makeProof } = await import("../../hooks/verify_delivery.ts");
  const named = dedup.flatMap((key) => key.kind === "header" ? [[key.name, id] as const] : []);
  return { ...Object.fromEntries(named), ...makeProof(proof, secret, { id, body, now: clock.now() }) };
}

function show(io: CliIo, flags: Flags, status: number, text: string): number {
  const answer = toOutput(status, text), { id, repeated, why } = answer;
  if (flags.json) printJson(io, answer);
  else if (id === null) print(io, `${sign.failed} ${status}: ${clip(why ?? "", 300)}`);
  else if (repeated) print(io, `${sign.asleep} ${status}: it was delivered before, as row ${id}`);
  else print(io, `${sign.ok} ${status}: delivered as row ${id}; nerve why ${id}`);
  return id === null ? exit.failed : exit.ok;
}

function toOutput(status: number, text: string): HookSendOutput {
  const found: unknown = text.startsWith("{") ? JSON.parse(text) : null, answer = isPlainObject(found) ? found : {};
  const id = typeof answer.id === "number" ? answer.id : null;
  return { status, id, repeated: answer.repeated === true, why: id === null ? String(answer.detail ?? text) : null };
}
