/** `nerve hook list`: the listener, the hooks, their senses, and the outcomes of deliveries. */
import type { WorkspacePaths } from "../../config/workspace.ts";
import type { HookCounters, ListenerView } from "../../protocol/hook.ts";
import { askOrRead, printNoAnswer } from "../daemon/ask_daemon.ts";
import { type CliIo, exit } from "../io.ts";
import type { HookListOutput, ShownHook } from "../render/hook_schemas.ts";
import { clip, dim, formatDistance, print, printJson, printTable, sign } from "../render/terminal.ts";
import { openWorkspace, requireConfig } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

type Shown = Pick<HookListOutput, "listener" | "items">;

export async function hookList(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  const { live, problem } = await askOrRead<Shown>(paths, (client) => client.hooks());
  const { listener, items } = live ?? await readConfigured(paths);
  if (flags.json) {
    printJson(io, { daemon: live !== null, problem, listener, items } satisfies HookListOutput);
    return exit.ok;
  }
  if (listener !== null) print(io, formatListener(listener));
  else if (items.length > 0) print(io, `${sign.warning} nothing listens: add listen: 127.0.0.1:7077 to nerve.yaml`);
  printTable(
    io,
    ["", "HOOK", "VERIFY", "SENSES", "WAITING", "LAST", "DELIVERIES"],
    items.map((each) => toRow(io, each)),
  );
  for (const { name, problem } of items) {
    if (problem !== null) print(io, `${sign.warning} ${name}: ${clip(problem, 300)}`);
  }
  if (items.length === 0) print(io, dim(io, "nerve.yaml has no hooks"));
  if (live === null) printNoAnswer(io, problem);
  return exit.ok;
}

/** Also called by `nerve status`. */
export function formatListener({ address, listening, problem }: ListenerView): string {
  if (listening) return `${sign.live} listens on http://${address}`;
  return problem === null ? `${sign.idle} would listen on http://${address}` : `${sign.broken} ${clip(problem, 300)}`;
}

function toRow(io: CliIo, { name, verify, senses, waiting, last, counters, problem }: ShownHook): string[] {
  const reached = counters !== null && problem === null;
  return [
    problem !== null ? sign.warning : reached ? sign.live : sign.idle,
    name,
    verify,
    senses.join(", ") || "-",
    reached ? String(waiting) : "-",
    last === null ? "-" : formatDistance(last.ts, io.clock.now()),
    counters === null ? "-" : formatCounters(counters),
  ];
}

const words: Readonly<Record<keyof HookCounters, string>> = {
  accepted: "accepted",
  repeated: "repeated",
  unproven: "unproven",
  invalid: "invalid",
  tooLarge: "too large",
  limited: "over the rate",
  backlogged: "over the backlog",
  failed: "failed",
};

function formatCounters(counters: HookCounters): string {
  const counted = Object.entries(words).filter(([key]) => counters[key as keyof HookCounters] > 0);
  return counted.map(([key, word]) => `${counters[key as keyof HookCounters]} ${word}`).join(", ") || "none";
}

/** The hooks as nerve.yaml defines them, when no daemon runs. */
async function readConfigured(paths: WorkspacePaths): Promise<Shown> {
  const { hooks, reflexes, listen } = await requireConfig(paths);
  const items = [...hooks.values()].map(({ name, verify, secrets, backlog }): ShownHook => {
    const senses = [...new Set(reflexes.filter(({ hook }) => hook === name).map(({ sense }) => sense))];
    const path = `/hooks/${name}`, none = { waiting: 0, last: null, counters: null, problem: null };
    return { name, path, verify, secrets: [...secrets], senses, backlog, ...none };
  });
  const host = listen?.hostname.includes(":") === true ? `[${listen.hostname}]` : listen?.hostname;
  const listener = listen === null ? null : { address: `${host}:${listen.port}`, listening: false, problem: null };
  return { listener, items };
}
