/** Routes of workflows and their runs. */
import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import * as z from "zod";
import {
  killRunRequestSchema,
  type MessagePage,
  messagesSchema,
  resetSchema,
  type RunList,
  runListSchema,
  runSchema,
  startRunRequestSchema,
  type StartRunsReply,
  startRunsReplySchema,
  startRunsRequestSchema,
  workflowsSchema,
} from "../../protocol/api.ts";
import { unknownRun, unknownWorkflow } from "../../protocol/common_errors.ts";
import type { MessageQuery, RunQuery } from "../../protocol/queries.ts";
import { type Run, runIdSchema, runStatusSchema } from "../../protocol/run.ts";
import { sendEventReplySchema, sendEventRequestSchema } from "../../protocol/run_event.ts";
import { nameSchema } from "../../protocol/signal.ts";
import type { ControlEnv, KernelPort } from "../kernel_port.ts";
import { describeResponses, refuseBody, toProblemDocument, validatePart } from "../problem_response.ts";
import { buildNextPage, countSchema, createGoneSignal, dropUndefined, flagSchema, respondPage } from "./query.ts";

const named = z.object({ name: nameSchema.meta({ description: "The workflow" }) });
const identified = z.object({ id: runIdSchema.meta({ description: "The run" }) });

const acceptQuery = z.object({
  acceptCode: flagSchema.meta({ description: "1: whatever its code says of its rounds" }),
});
const waitQuery = z.object({ wait: flagSchema.meta({ description: "1: wait for its end" }) });

const runQuery = z.object({
  workflow: nameSchema.optional().meta({ description: "Only runs of this workflow" }),
  status: z.string().optional().meta({ description: "Statuses, separated by commas" })
    .transform((text) => text?.split(",")).pipe(z.array(runStatusSchema).optional()),
  before: runIdSchema.optional().meta({ description: "Only runs that started before this one: the cursor of a page" }),
  limit: countSchema.pipe(z.int().min(1).max(1_000)).default(20).meta({ description: "1 to 1000; default 20" }),
  offset: countSchema.default(0).meta({ description: "How many to skip; default 0" }),
});

const messageQuery = z.object({
  before: countSchema.optional().meta({ description: "Only rounds before this one" }),
  limit: countSchema.pipe(z.int().min(1).max(1_000)).default(100).meta({ description: "1 to 1000; default 100" }),
});

// Hono derives its typed client from the inferred return type, which cannot be written out.
export function runRoutes(view: KernelPort) {
  return new Hono<ControlEnv>()
    .get(
      "/workflows",
      describeRoute({
        summary: "All workflows",
        responses: describeResponses("Every workflow, by name", workflowsSchema),
      }),
      (c) => c.json({ items: view.workflows() }),
    )
    .post(
      "/workflows/:name/reset",
      describeRoute({
        summary: "Lift a quarantine",
        description: "Started runs continue, queued runs start.",
        responses: describeResponses("Whether there was one", resetSchema, 404, 415),
      }),
      refuseBody,
      validatePart("param", named),
      (c) => {
        const { name } = c.req.valid("param");
        return c.json({ lifted: view.resetWorkflow(name) ?? throwUnknown(name, view) });
      },
    )
    .get(
      "/runs",
      describeRoute({
        summary: "Runs, newest first",
        description: "A page holds `limit` runs and about 16 MiB; `next` leads on.",
        responses: describeResponses("A page of runs", runListSchema),
      }),
      validatePart("query", runQuery),
      async (c) => {
        const { status, ...rest } = c.req.valid("query");
        const query: RunQuery = dropUndefined({ ...rest, statuses: status });
        const page = await view.pages.runs(query, createGoneSignal(c)), last = page.items.at(-1);
        const cursor = { before: String(last?.key), offset: "0" };
        const next = page.more && last !== undefined ? buildNextPage(c.req.url, cursor) : null;
        return respondPage<RunList>(c, page, { total: page.total ?? 0, next });
      },
    )
    .route("/", startRoutes(view))
    .route("/runs", singleRunRoutes(view))
    .route("/runs", runActionRoutes(view));
}

function startRoutes(view: KernelPort) {
  return new Hono<ControlEnv>()
    .post(
      "/workflows/:name/runs",
      describeRoute({
        summary: "Start a run",
        description:
          "An existing runId attaches to that run. The run is on disk before the answer is sent. With wait=1, " +
          "answers when the run has ended or the daemon stops. rerunOf names an earlier run of the workflow, whose prompt, " +
          "payload and maxRounds count where none are given; with fromRound its messages before that round are taken over. " +
          "at (milliseconds since the epoch) or inMs: it is queued until then. A time that has passed is now: " +
          "a request that is sent again late still starts its run.",
        responses: describeResponses("The run", runSchema, 404, 409, 413, 415),
      }),
      validatePart("param", named),
      validatePart("query", waitQuery),
      validatePart("json", startRunRequestSchema),
      async (c) => {
        const run = await view.startRun(c.req.valid("param").name, c.req.valid("json"));
        return c.json(c.req.valid("query").wait ? await waitForEnd(view, run, createGoneSignal(c)) : run);
      },
    )
    .post(
      "/runs:batch",
      describeRoute({
        summary: "Start many runs",
        description: "Up to 1,000 starts, each as the body of a start with its `workflow`. A start that is refused " +
          "hinders no other. With wait=1, answers when all of them have ended or the daemon stops.",
        responses: describeResponses(
          "Each run, or its problem, in the order of the request",
          startRunsReplySchema,
          413,
          415,
        ),
      }),
      validatePart("query", waitQuery),
      validatePart("json", startRunsRequestSchema),
      async (c) => {
        const { runs } = c.req.valid("json"), gone = c.req.valid("query").wait ? createGoneSignal(c) : null;
        const items = await startInTurns(runs, async ({ workflow, ...request }) => {
          const run = await view.startRun(workflow, request);
          return gone === null ? run : waitForEnd(view, run, gone);
        });
        return c.json({ items });
      },
    );
}

function singleRunRoutes(view: KernelPort) {
  return new Hono<ControlEnv>()
    .get(
      "/:id",
      describeRoute({
        summary: "One run",
        description: "With wait=1, answers when the run has ended or the daemon stops.",
        responses: describeResponses("The run", runSchema, 404),
      }),
      validatePart("param", identified),
      validatePart("query", waitQuery),
      async (c) => {
        const run = findRun(view, c.req.valid("param").id);
        return c.json(c.req.valid("query").wait ? await waitForEnd(view, run, createGoneSignal(c)) : run);
      },
    )
    .get(
      "/:id/messages",
      describeRoute({
        summary: "The newest messages of a run, oldest first",
        description: "Includes archived messages. A page holds about 16 MiB: earlier messages are left for `before`.",
        responses: describeResponses("The messages", messagesSchema, 404),
      }),
      validatePart("param", identified),
      validatePart("query", messageQuery),
      async (c) => {
        const { id } = c.req.valid("param");
        const { before, limit } = c.req.valid("query");
        findRun(view, id);
        const query: MessageQuery = before === undefined ? { limit } : { limit, beforeRound: before };
        return respondPage<MessagePage>(c, await view.pages.messages(id, query, createGoneSignal(c)), {});
      },
    );
}

function runActionRoutes(view: KernelPort) {
  return new Hono<ControlEnv>()
    .post(
      "/:id/kill",
      describeRoute({
        summary: "End a run for good",
        description: "Aborts a role that is running; if it does not return within 5 s, its process is recycled.",
        responses: describeResponses("The run as it is now on disk", runSchema, 404, 409, 413, 415),
      }),
      validatePart("param", identified),
      validatePart("json", killRunRequestSchema),
      async (c) => c.json(await view.killRun(c.req.valid("param").id, c.req.valid("json").reason ?? null)),
    )
    .post(
      "/:id/pause",
      describeRoute({
        summary: "Pause a run",
        description: "A role that is running is aborted, and runs again after the resume. A paused run stays as it is.",
        responses: describeResponses("The run as it is now on disk", runSchema, 404, 409, 413, 415),
      }),
      validatePart("param", identified),
      validatePart("json", killRunRequestSchema),
      async (c) => c.json(await view.pauseRun(c.req.valid("param").id, c.req.valid("json").reason ?? null)),
    )
    .post(
      "/:id/resume",
      describeRoute({
        summary: "Let a paused run go on",
        description:
          "It continues from where it was. A run that is not paused stays as it is. With acceptCode, one that is " +
          "paused because its code has changed continues with its messages as they are.",
        responses: describeResponses("The run as it is now on disk", runSchema, 400, 404, 409, 415),
      }),
      refuseBody,
      validatePart("param", identified),
      validatePart("query", acceptQuery),
      async (c) => c.json(await view.resumeRun(c.req.valid("param").id, c.req.valid("query").acceptCode)),
    )
    .post(
      "/:id/events",
      describeRoute({
        summary: "Send an event to a run",
        description:
          "The event is on disk before the answer is sent. A run that waits for it goes on; otherwise it is kept, " +
          "up to 1,000 events and 1 MiB. The same key again is answered again and changes nothing.",
        responses: describeResponses("The event, and the round that took it", sendEventReplySchema, 404, 409, 413, 415),
      }),
      validatePart("param", identified),
      validatePart("json", sendEventRequestSchema),
      async (c) => c.json(await view.sendEvent(c.req.valid("param").id, c.req.valid("json"))),
    );
}

function throwUnknown(name: string, view: KernelPort): never {
  throw unknownWorkflow(name, view.workflows().map((workflow) => workflow.name));
}

/** The run once it has ended, or as it is when `gone` aborts. */
async function waitForEnd(view: KernelPort, run: Run, gone: AbortSignal): Promise<Run> {
  if (run.endedAt !== null) return run;
  return await view.runEnded(run.runId, gone) ?? findRun(view, run.runId);
}

/** How many starts begin in one turn of the event loop. */
const startsATurn = 100;

/** Starts all runs, and lets other work of the event loop run in between. */
async function startInTurns<Request>(
  requests: readonly Request[],
  start: (request: Request) => Promise<Run>,
): Promise<StartRunsReply["items"]> {
  const starting: Promise<StartRunsReply["items"][number]>[] = [];
  for (const [index, request] of requests.entries()) {
    if (index > 0 && index % startsATurn === 0) await new Promise((resolve) => setImmediate(resolve));
    starting.push(
      start(request).then(
        (run) => ({ run, problem: null }),
        (thrown) => ({ run: null, problem: toProblemDocument(thrown) }),
      ),
    );
  }
  return await Promise.all(starting);
}

function findRun(view: KernelPort, id: string): Run {
  const run = view.run(id);
  if (run === null) throw unknownRun(id);
  return run;
}
