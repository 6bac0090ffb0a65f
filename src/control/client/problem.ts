/** Reads an answer that is an error. Used by client.ts. */
import { type ErrorCode, NerveError } from "../../base/errors.ts";

export const otherVersionHint = "the daemon may be of another version: restart it";

export async function readProblem(status: number, body: unknown): Promise<NerveError> {
  // Loading the schemas takes longer than all the rest.
  const { problemSchema, problemStatus } = await import("../../protocol/problem.ts");
  const parsed = problemSchema.safeParse(body);
  if (!parsed.success) {
    return new NerveError("DAEMON_ANSWER", `the daemon answered with status ${status}`, { hint: otherVersionHint });
  }
  const { code, detail, hint } = parsed.data;
  const known = Object.hasOwn(problemStatus, code) ? code as ErrorCode : "DAEMON_ANSWER";
  return new NerveError(known, detail, hint === null ? {} : { hint });
}
