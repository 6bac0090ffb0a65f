/** Sessions with agents, made from the rows about them. Pure; shown by sessions.tsx. */
import type { LogRow, LogType } from "../../src/protocol/log.ts";
import { fieldsOf, textOf } from "../row_text.ts";

/** Every type of row that is about a session. */
export const sessionTypes = [
  "session.created",
  "session.ready",
  "session.recovered",
  "session.failed",
  "session.prompted",
  "session.answered",
  "session.prompt_failed",
  "session.used",
  "session.closed",
] as const satisfies readonly LogType[];

export interface AgentSession {
  readonly id: string;
  /** The name that the roles of its run use. */
  name: string;
  agent: string;
  readonly runId: string;
  readonly workflow: string;
  state: "created" | "ready" | "busy" | "needs a person" | "ended";
  prompts: number;
  tokens: number;
  timeMs: number;
  cost: number;
  recoveries: number;
  readonly since: number;
  changed: number;
}

/** `rows`: oldest first. The session that changed last comes first. */
export function toSessions(rows: readonly LogRow[]): AgentSession[] {
  const sessions = new Map<string, AgentSession>();
  for (const row of rows) {
    const fields = fieldsOf(row), id = textOf(fields.session);
    if (id === "" || !sessionTypes.some((type) => type === row.type)) continue;
    const session = sessions.get(id) ?? begin(id, row);
    sessions.set(id, session);
    apply(session, row);
  }
  return [...sessions.values()].sort((a, b) => b.changed - a.changed);
}

function begin(id: string, { refId, source, ts }: LogRow): AgentSession {
  const workflow = source.slice(source.indexOf(":") + 1),
    about = { id, name: "", agent: "", runId: refId ?? "", workflow };
  const sums = { prompts: 0, tokens: 0, timeMs: 0, cost: 0, recoveries: 0 };
  return { ...about, state: "created", ...sums, since: ts, changed: ts };
}

function apply(session: AgentSession, row: LogRow): void {
  const fields = fieldsOf(row), { tokens, cost, timeMs } = Object(fields.usage);
  session.changed = row.ts;
  session.name = textOf(fields.name) || session.name;
  session.agent = textOf(fields.agent) || session.agent;
  session.tokens += Number(tokens ?? 0);
  session.cost += Number(cost ?? 0);
  session.timeMs += Number(timeMs ?? 0);
  switch (row.type) {
    case "session.ready":
    case "session.answered":
      session.state = "ready";
      return;
    case "session.prompted":
      session.prompts++;
      session.state = "busy";
      return;
    case "session.recovered":
      session.recoveries++;
      return;
    case "session.failed":
      session.state = "needs a person";
      return;
    case "session.closed":
      session.state = "ended";
      return;
  }
}
