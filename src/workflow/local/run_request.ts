/**
 * From a request to a run: what may be asked for, and when two requests ask for the same. Pure; used by manager.ts.
 */
import { isDeepStrictEqual } from "node:util";
import { NerveError } from "../../base/errors.ts";
import { maxRoundsMax, payloadMaxBytes, promptMaxBytes } from "../../base/limits.ts";
import { byteLength, type Json, toJsonText } from "../../protocol/json.ts";
import { type Run, runIdSchema, type RunStart } from "../../protocol/run.ts";

import type { RunRequest, WorkflowPlan } from "../engine.ts";
import type { QueueDecision } from "./queue_policy.ts";

/**
 * The request with a payload of its own: nobody can change it any more, and it is what the disk will hold.
 * Throws PAYLOAD_INVALID when the id, the prompt, the payload or maxRounds cannot be.
 */
export function checkRequest(request: RunRequest): RunRequest {
  const { runId, maxRounds } = request, prompt = storable(request.prompt);
  if (runId !== null && !runIdSchema.safeParse(runId).success) {
    throw invalid("the run id is not valid", "1 to 128 of A-Z a-z 0-9 . _ -, the first a letter or a digit");
  }
  if (prompt.length > promptMaxBytes || byteLength(prompt) > promptMaxBytes) {
    throw invalid(`the prompt is larger than ${promptMaxBytes} bytes`, "put large input into the payload or a blob");
  }
  if (maxRounds !== null && !(Number.isInteger(maxRounds) && maxRounds >= 1 && maxRounds <= maxRoundsMax)) {
    throw invalid(`maxRounds is not a whole number from 1 to ${maxRoundsMax}`);
  }
  const text = toJsonText(request.payload, payloadMaxBytes);
  if (!text.ok) throw invalid(`the payload ${text.error}`, "store large input as a blob and hand over its digest");
  return { ...request, prompt, payload: JSON.parse(text.value) };
}

/** SQLite's text is read only up to a NUL, and half a surrogate pair is no UTF-8: what is read back must be what was said. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\ufffd");
}

/** The run that a request makes, as it will be written first. */
export function newRun(
  request: RunRequest,
  runId: string,
  plan: WorkflowPlan,
  admission: QueueDecision,
  now: number,
): Run {
  const { workflow, prompt, payload, trigger, causeId } = request;
  const started = admission.kind === "start", dropped = admission.kind === "drop";
  return {
    runId,
    workflow,
    status: started ? "started" : dropped ? "dropped" : "queued",
    exitCode: null,
    attempt: started ? 1 : 0,
    rounds: 0,
    maxRounds: request.maxRounds ?? plan.maxRounds,
    prompt,
    payload,
    trigger,
    causeId,
    reason: dropped ? admission.reason : null,
    queuedAt: now,
    startedAt: started ? now : null,
    endedAt: dropped ? now : null,
  };
}

/**
 * Whether a request for an id that exists asks for that very run; else what differs. Both payloads are plain JSON. A
 * request that names no maxRounds leaves it to the configuration, which may have changed: it differs from none.
 */
export function differenceTo(run: Run, request: RunRequest): "workflow" | "prompt" | "maxRounds" | "payload" | null {
  if (run.workflow !== request.workflow) return "workflow";
  if (run.prompt !== request.prompt) return "prompt";
  if (request.maxRounds !== null && run.maxRounds !== request.maxRounds) return "maxRounds";
  return isDeepStrictEqual(plain(run.payload), plain(request.payload)) ? null : "payload";
}

/** What a role and the moderator are told of the run. */
export function startOf(run: Run): RunStart {
  const { runId, workflow, prompt, maxRounds, payload, trigger } = run;
  return { runId, workflow, prompt, maxRounds, payload, trigger };
}

/** Objects out of SQLite may lack a prototype, and -0 is 0 in JSON: both would look like a difference. */
function plain(value: Json): Json {
  return JSON.parse(JSON.stringify(value));
}

function invalid(message: string, hint?: string): NerveError {
  return new NerveError("PAYLOAD_INVALID", message, hint === undefined ? {} : { hint });
}
