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

/** One thing that it does: exactly one of these keys. */
const steps = {
  /** Says a text. */
  answer: text,
  write: z.strictObject({ file, text }),
  /** Writes the file that it was asked for, with this value; without such a step it writes a sample that fits. */
  artifact: z.unknown(),
  /** The same with this text, which need not be JSON; an empty one: it writes none. */
  artifact_text: text,
  /** Commits what it has written since the prompt, with this message. */
  commit: text.min(1),
  /** Asks for leave, and ends its turn when that is refused. */
  ask: z.strictObject({ kind: z.enum(toolKinds), file: file.optional(), title: text.optional() }),
  wait: z.string().refine((span) => parseDuration(span).ok, "must be a duration such as 500ms"),
  /** Refuses the prompt, for this reason. */
  fail: text.min(1),
  /** Its program ends with this exit code. */
  die: z.int().min(0).max(255),
  /** It does not answer. */
  never: z.literal(true),
  /** Says so many KiB of text. */
  flood: z.int().min(1).max(scenarioFloodMax),
};
const step = z.strictObject(steps).partial().refine(
  (each) => Object.keys(each).length === 1,
  `must have exactly one of the keys ${Object.keys(steps).join(", ")}`,
);

const entry = z.strictObject({
  /** For which prompts it is: all that is named has to fit. `prompt`: a part of its text. */
  when: z.strictObject({ role: text, phase: text, prompt: text, attempt: z.int().min(0) }).partial().optional(),
  /** How often in one conversation; then the next entry that fits is played. */
  times: z.int().min(1).optional(),
  do: z.array(step).min(1).max(scenarioStepsMax),
});

/** For each prompt, the first entry that fits is played. */
export const scenarioSchema = z.array(entry).min(1).max(scenarioEntriesMax);
export type Scenario = z.infer<typeof scenarioSchema>;
export type ScenarioEntry = Scenario[number];
export type ScenarioStep = ScenarioEntry["do"][number];
