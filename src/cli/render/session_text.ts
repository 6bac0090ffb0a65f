/** Describes rows about agent sessions and their artifacts, for a person. Used by `nerve workflow follow`. */
import type { JsonObject } from "../../protocol/json.ts";
import { clip, plural, sign } from "./terminal.ts";

const textMaxChars = 1_000;

/** Null for other rows. */
export function describeSession(type: string, payload: JsonObject): string | null {
  const { agent, role, name, path, reason, chars, attempt, state } = payload;
  const who = clip(String(agent), 100), file = clip(String(path), 200), why = clip(String(reason), textMaxChars);
  switch (type) {
    case "session.created":
      return `${sign.log} session ${clip(String(name), 100)} with agent ${who}`;
    case "session.ready":
      return `${sign.log} its agent is ready`;
    case "session.prompted":
      return `${sign.log} ${who} is asked by role ${clip(String(role), 100)}${formatAttempt(attempt)}`;
    case "session.answered":
      return `${sign.log} ${who} has answered: ${plural(Number(chars), "character")}`;
    case "session.prompt_failed":
      return `${sign.warning} ${who} gave no answer: ${why}`;
    case "session.used":
      return `${sign.log} ${who} was at work`;
    case "session.recovered":
      return `${sign.log} a session goes on, which was ${clip(String(state), 100)}`;
    case "session.failed":
      return `${sign.failed} a session is lost: ${why}`;
    case "session.closed":
      return `${sign.log} a session has ended: ${why}`;
    case "artifact.expected":
      return `${sign.log} ${file} is expected`;
    case "artifact.taken":
      return `${sign.log} ${file} is taken`;
    case "artifact.refused":
      return `${sign.warning} ${file} is refused: ${why}`;
    default:
      return null;
  }
}

/** Attempts count from 0. */
function formatAttempt(attempt: unknown): string {
  return typeof attempt === "number" && attempt > 0 ? `, attempt ${attempt + 1}` : "";
}
