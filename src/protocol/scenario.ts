/** What a scripted agent does, prompt by prompt (`protocol: fake` in nerve.yaml). agents/ reads and plays it. */
import * as z from "zod";
import {
  scenarioEntriesMax,
  scenarioFloodMax,
  scenarioStepsMax,
  scenarioTextMaxChars,
  sessionNameMaxChars,
} from "../base/agent_limits.ts";
import { parseDuration } from "../base/duration.ts";
import { toolKinds } from "./tool_kind.ts";

const text = z.string().max(scenarioTextMaxChars);
const file = z.string().min(1).max(sessionNameMaxChars * 4).refine(
  (path) => !path.startsWith("/") && !path.split("/").includes(".."),
  "must be the path of a file below the folder of the agent",
);

/** One step: exactly one of these keys. */
const steps = {
  answer: text.describe("Says a text."),
  write: z.strictObject({ file: file.describe("Below the folder of the agent."), text: text.describe("All of it.") })
    .describe("Writes a file."),
  artifact: z.unknown().describe(
    "Writes the file that it was asked for, with this value; without such a step it writes a sample that fits.",
  ),
  artifact_text: text.describe("The same with this text, which need not be JSON; an empty one: it writes none."),
  commit: text.min(1).describe("Commits what it has written since the prompt, with this message."),
  ask: z.strictObject({
    kind: z.enum(toolKinds).describe("What it would do."),
    file: file.optional().describe("The path that it would do it to."),
    title: text.optional().describe("What the person reads."),
  }).describe("Asks for leave, and ends its turn when that is refused."),
  wait: z.string().refine((span) => parseDuration(span).ok, "must be a duration such as 500ms").describe(
    "Waits so long.",
  ),
  fail: text.min(1).describe("Refuses the prompt, for this reason."),
  die: z.int().min(0).max(255).describe("Its program ends with this exit code."),
  never: z.literal(true).describe("It does not answer."),
  flood: z.int().min(1).max(scenarioFloodMax).describe("Says so many KiB of text."),
};
const step = z.strictObject(steps).partial().refine(
  (each) => Object.keys(each).length === 1,
  `must have exactly one of the keys ${Object.keys(steps).join(", ")}`,
);

const entry = z.strictObject({
  when: z.strictObject({
    role: text.describe("The name of the role."),
    phase: text.describe("The phase of the role."),
    prompt: text.describe("A part of the text of the prompt."),
    attempt: z.int().min(0).describe("The attempt, from 0."),
  }).partial().optional().describe("For which prompts it is: all that is named has to fit. Default: for all."),
  times: z.int().min(1).optional().describe(
    "How often in one conversation; then the next entry that fits is played. Default: always.",
  ),
  do: z.array(step).min(1).max(scenarioStepsMax).describe("What it does, one after the other."),
});

/** For each prompt, the first entry that matches is played. */
export const scenarioSchema = z.array(entry).min(1).max(scenarioEntriesMax);
export type Scenario = z.infer<typeof scenarioSchema>;
export type ScenarioEntry = Scenario[number];
export type ScenarioStep = ScenarioEntry["do"][number];
