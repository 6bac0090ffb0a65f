/**
 * Turns a request into a run: validates it, and compares it with an existing run. Pure; used by run_admission.ts, by
 * the files that send a run to a process (`toRunStart`), and by ../cluster.
 */
import { isDeepEqual } from "../../base/deep_equal.ts";
import { NerveError } from "../../base/errors.ts";
import { maxRoundsMax, payloadMaxBytes, promptMaxBytes } from "../../base/limits.ts";
import { toStorableText } from "../../base/storable_text.ts";
import { byteLength, type Json, toJsonText } from "../../protocol/json.ts";
import { type Run, runIdSchema, type RunStart } from "../../protocol/run.ts";

import type { RunRequest, WorkflowPlan } from "../engine.ts";
import type { QueueDecision } from "./queue_policy.ts";

/**
 * Returns the validated request. Its payload is a copy that the caller cannot change, exactly as it will be stored.
 * Throws PAYLOAD_INVALID when the id, the prompt, the payload or maxRounds is not valid.
 */
export function checkRequest(request: RunRequest): RunRequest {
  const { runId, maxRounds } = request, prompt = toStorableText(request.prompt);
  if (runId !== null && !runIdSchema.safeParse(runId).success) {
    throw toPayloadInvalid(
      "the run id is not valid",
      "use 1 to 128 characters of A-Z a-z 0-9 . _ -, and begin with a letter or a digit",
    );
  }
  if (prompt.length > promptMaxBytes || byteLength(prompt) > promptMaxBytes) {
    throw toPayloadInvalid(
      `the prompt is larger than ${promptMaxBytes} bytes`,
      "put large input in the payload or in a blob",
    );
  }
  if (maxRounds !== null && !(Number.isInteger(maxRounds) && maxRounds >= 1 && maxRounds <= maxRoundsMax)) {
    throw toPayloadInvalid(`maxRounds is not a whole number from 1 to ${maxRoundsMax}`);
  }
  const text = toJsonText(request.payload, payloadMaxBytes);
  if (!text.ok) {
    throw toPayloadInvalid(`the payload ${text.error}`, "store large input as a blob and pass its digest");
  }
  return { ...request, prompt, payload: JSON.parse(text.value) };
}

/** Creates the run for a request, as it will first be stored. */
export function createRun(
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
    rounds: request.fork?.rounds ?? 0,
    maxRounds: request.maxRounds ?? plan.maxRounds,
    prompt,
    payload,
    trigger,
    causeId,
    reason: admission.kind === "start" ? null : admission.reason ?? null,
    queuedAt: now,
    startedAt: started ? now : null,
    endedAt: dropped ? now : null,
  };
}

/**
 * How a run and a request with its id differ; null when they are equal. Both payloads are plain JSON. A request without
 * maxRounds matches any: the configured limit may have changed.
 */
export function findDifference(run: Run, request: RunRequest): "workflow" | "prompt" | "maxRounds" | "payload" | null {
  if (run.workflow !== request.workflow) return "workflow";
  if (run.prompt !== request.prompt) return "prompt";
  if (request.maxRounds !== null && run.maxRounds !== request.maxRounds) return "maxRounds";
  return isDeepEqual(toPlainJson(run.payload), toPlainJson(request.payload)) ? null : "payload";
}

/** The part of a run that roles and the moderator see. */
export function toRunStart(run: Run): RunStart {
  const { runId, workflow, prompt, maxRounds, payload, trigger } = run;
  return { runId, workflow, prompt, maxRounds, payload, trigger };
}

/** Objects from SQLite may lack a prototype, and -0 is 0 in JSON: both would look like a difference. */
function toPlainJson(value: Json): Json {
  return JSON.parse(JSON.stringify(value));
}

function toPayloadInvalid(message: string, hint?: string): NerveError {
  return new NerveError("PAYLOAD_INVALID", message, hint === undefined ? {} : { hint });
}
