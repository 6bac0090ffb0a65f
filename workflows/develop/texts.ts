/** The texts for agents, people and the report. Pure; used by index.ts. */
import type { JsonObject, RunMessage } from "nerve";
import type { Work } from "./git.ts";

/** What the first role has made, and what the run started from: the `meta` of its message. */
export interface Start {
  readonly repo: string;
  readonly base: string;
  readonly commit: string;
  readonly branch: string;
  readonly worktree: string;
  readonly folders: { readonly admin: string; readonly common: string };
  readonly requirements: string;
  readonly template: { readonly name: string; readonly version: number; readonly hash: string; readonly text: string };
  readonly personas: readonly {
    readonly name: string;
    readonly version: number;
    readonly hash: string;
    readonly text: string;
  }[];
}

export function lastOf(messages: readonly RunMessage[], role: string): RunMessage | undefined {
  return messages.findLast((message) => message.role === role);
}

function artifactOf(messages: readonly RunMessage[], role: string): JsonObject {
  return (lastOf(messages, role)?.meta.artifact ?? {}) as JsonObject;
}

function listOf(value: unknown): string {
  const items = Array.isArray(value) ? value : [];
  return items.length === 0 ? "" : items.map((each) => `- ${String(each).replaceAll("\n", "\n  ")}`).join("\n");
}

/** The parts that are not empty, each with its heading. */
function sections(parts: readonly (readonly [heading: string, text: string])[]): string {
  return parts.filter(([, text]) => text !== "").map(([heading, text]) => `## ${heading}\n\n${text}`).join("\n\n");
}

export function formatSpecification(messages: readonly RunMessage[]): string {
  const { title, summary, requirements, acceptance, openQuestions } = artifactOf(messages, "specification");
  if (title === undefined) return "";
  const rest = sections([
    ["Requirements", listOf(requirements)],
    ["Accepted when", listOf(acceptance)],
    ["Open questions", listOf(openQuestions)],
  ]);
  return `# ${String(title)}\n\n${String(summary)}\n\n${rest}`;
}

export function titleOf(messages: readonly RunMessage[]): string {
  return String(artifactOf(messages, "specification").title ?? "the work").replaceAll(/\s+/g, " ").slice(0, 200);
}

export function formatPlan(messages: readonly RunMessage[]): string {
  const { steps, tests } = artifactOf(messages, "plan");
  return sections([["Steps", listOf(steps)], ["Tests", listOf(tests)]]);
}

export function formatReview(review: RunMessage | undefined): string {
  if (review === undefined) return "";
  const { verdict, summary, findings } = (review.meta.artifact ?? {}) as JsonObject;
  const list = (Array.isArray(findings) ? findings : []).map((each) => {
    const { file, line, what } = Object(each);
    return `- ${file === undefined ? "" : `${file}${line === undefined ? "" : `:${line}`}: `}${what}`;
  });
  return [`${verdict === "approve" ? "Approved" : "Changes wanted"}: ${String(summary)}`, ...list].join("\n");
}

const outputMaxChars = 8_000;

/** The prompt of a phase. It includes what was decided at gates. */
export function promptOf(phase: string, start: Start, messages: readonly RunMessage[]): string {
  const parts = [
    `Phase: ${phase}`,
    `You are in a git worktree of ${start.repo}, on the branch ${start.branch}, which began at commit ${start.commit} of ${start.base}.`,
    tasks[phase]?.(start, messages) ?? "",
    commentsOf(messages),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

const tasks: Readonly<Record<string, (start: Start, messages: readonly RunMessage[]) => string>> = {
  specification: ({ requirements }) =>
    `Read the repository as far as you need to, and write the specification of what is asked below. Change nothing yet.\n\n${
      quote("What is asked", requirements)
    }`,
  plan: (_, messages) =>
    `Plan how you implement the specification, in steps that can be committed one by one, and which tests prove it. Change nothing yet.\n\n${
      quote("The specification", formatSpecification(messages))
    }`,
  implementation(_, messages) {
    const last = messages.at(-1), again = last?.role === "tests" || last?.role === "review";
    const what = [quote("The specification", formatSpecification(messages)), quote("The plan", formatPlan(messages))];
    if (!again) return [`Implement the specification, and commit your work.`, ...what].join("\n\n");
    const why = last?.role === "review"
      ? quote("The review wants changes", formatReview(last))
      : quote("The tests have failed. The end of what they printed", last?.content.slice(-outputMaxChars) ?? "");
    return [`Mend what is wrong with your work so far, and commit it.`, why, ...what].join("\n\n");
  },
  review(start, messages) {
    return [
      `Review the work on this branch: git diff ${start.commit} HEAD. Change nothing. The verdict is "approve" or "changes".`,
      quote("The specification", formatSpecification(messages)),
      quote("The tests", describeTests(lastOf(messages, "tests"))),
    ].join("\n\n");
  },
};

function commentsOf(messages: readonly RunMessage[]): string {
  const gates = messages.filter(({ meta }) =>
    typeof meta.decision === "string" && typeof meta.comment === "string" && meta.comment !== ""
  );
  return quote(
    "Comments from people",
    gates.map(({ role, meta }) => `- ${role}: ${String(meta.comment)}`).join("\n"),
  );
}

function quote(heading: string, text: string): string {
  if (text === "") return "";
  const fence = fenceFor(text);
  return `${heading}:\n\n${fence}\n${text}\n${fence}`;
}

/** A fence longer than any row of backticks in the text. */
function fenceFor(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`{3,}/g)].map(([row]) => row.length));
  return "`".repeat(Math.max(3, longest + 1));
}

export function describeTests(tests: RunMessage | undefined): string {
  if (tests === undefined) return "";
  const { success, code, commits, skipped } = tests.meta;
  const made = countCommits(Number(commits));
  if (skipped === true) return `${made}; no tests are configured`;
  return `${made}; the tests ${
    success === true ? "pass" : `fail${code === null ? "" : ` with exit code ${String(code)}`}`
  }`;
}

/** Cuts the text to a number of bytes, at the end of a line. */
export function cutToBytes(text: string, max: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= max) return text;
  const cut = new TextDecoder().decode(bytes.subarray(0, max)).replace(/\uFFFD+$/, ""), end = cut.lastIndexOf("\n");
  return `${cut.slice(0, end < 0 ? undefined : end)}\n... ${bytes.length - max} more bytes are not shown`;
}

const diffMaxBytes = 160 * 1024;

/** The text to decide on at the last gate. */
export function formatWork(
  { base, branch, worktree, commit }: Start,
  messages: readonly RunMessage[],
  work: Work,
): string {
  const { commits, subjects, stat, diff, conflicts, tip } = work,
    shown = cutToBytes(diff, diffMaxBytes),
    fence = fenceFor(shown);
  const merges = conflicts === null
    ? `Whether ${branch} merges into ${base} could not be found out.`
    : conflicts.length === 0
    ? `${branch} merges into ${base}.`
    : `${branch} does not merge into ${base} as that is now. In conflict: ${conflicts.join(", ")}.`;
  return sections([
    [
      "Result",
      `${merges} It is at ${tip.slice(0, 12)}, ${countCommits(commits)} after ${
        commit.slice(0, 12)
      }.\n\nWorktree: ${worktree}`,
    ],
    ["Tests", describeTests(lastOf(messages, "tests"))],
    ["Review", formatReview(lastOf(messages, "review"))],
    ["Commits", listOf(subjects)],
    ["Files", stat === "" ? "" : `\`\`\`text\n${stat.trimEnd()}\n\`\`\``],
    ["Diff", commits === 0 ? "Nothing was changed." : `${fence}diff\n${shown.trimEnd()}\n${fence}`],
  ]);
}

export interface End {
  readonly status: string;
  readonly reason: string | null;
}

/**
 * `doubts`: what else a reader has to know. `start`: null when the run ended before it had a worktree. `work`: null
 * when it cannot be read; then `why` is the reason.
 */
export function formatReport(
  { runId, requirements, doubts }: {
    readonly runId: string;
    readonly requirements: string;
    readonly doubts: readonly string[];
  },
  end: End,
  messages: readonly RunMessage[],
  start: Start | null,
  work: Work | string,
): string {
  const why = end.reason === null ? "" : `\n\n${end.reason}`, head = `# Run ${runId}: ${end.status}${why}\n\n`;
  const asked = ["Asked for", quoteBlock(requirements)] as const;
  if (start === null) {
    return `${head}${sections([asked, ["Result", "There is no worktree and no branch of this run."]])}\n`;
  }
  const { repo, base, branch, worktree, template, personas, commit } = start;
  const about = [
    `- repository: ${repo}`,
    `- branch: ${branch}, which began at ${commit.slice(0, 12)} of ${base}`,
    `- worktree: ${worktree}`,
    `- template: ${template.name}, version ${template.version}, ${template.hash}`,
    ...personas.map(({ name, version, hash }) => `- persona: ${name}@${version}, ${hash}`),
  ].join("\n");
  const specification = formatSpecification(messages).replaceAll(/^#/gm, "###"),
    plan = formatPlan(messages).replaceAll(/^#/gm, "##");
  return `${head}${
    sections([
      [
        "Result",
        [typeof work === "string" ? work : describeResult(start, work), ...doubts].join("\n\n"),
      ],
      ["About", about],
      asked,
      ["Specification", specification],
      ["Plan", plan],
      ["Decisions", decisionsOf(messages)],
      ["Rounds", roundsOf(messages)],
      ["Commits", typeof work === "string" ? "" : listOf(work.subjects)],
      ["Files", typeof work === "string" || work.stat === "" ? "" : `\`\`\`text\n${work.stat.trimEnd()}\n\`\`\``],
    ])
  }\n`;
}

function countCommits(count: number): string {
  return count === 1 ? "1 commit" : `${count} commits`;
}

function describeResult({ repo, base, branch }: Start, { commits, conflicts }: Work): string {
  if (commits === 0) return `There is no commit on ${branch}.`;
  const state = conflicts === null
    ? ""
    : conflicts.length === 0
    ? `, and merges into ${base}`
    : `, and is in conflict with ${base}: ${conflicts.join(", ")}`;
  return `${branch} has ${countCommits(commits)}${state}. To merge it:\n\n\`\`\`sh\ngit -C '${
    repo.replaceAll("'", "'\\''")
  }' switch ${base}\ngit -C '${repo.replaceAll("'", "'\\''")}' merge ${branch}\n\`\`\``;
}

function quoteBlock(text: string): string {
  return cutToBytes(text.trim(), 64 * 1024).split("\n").map((line) => `> ${line}`).join("\n");
}

function decisionsOf(messages: readonly RunMessage[]): string {
  return messages.filter(({ meta }) => typeof meta.decision === "string").map(({ role, ts, meta }) => {
    const comment = typeof meta.comment === "string" && meta.comment !== "" ? `: ${meta.comment}` : "";
    const who = meta.how === "expiry" ? "nobody in time" : String(meta.by ?? "a person");
    return `- ${role}: ${String(meta.decision)}, by ${who}, ${new Date(ts).toISOString()}${comment}`;
  }).join("\n");
}

function roundsOf(messages: readonly RunMessage[]): string {
  return messages.flatMap((message) => {
    if (message.role === "implementation") return [`- implementation by ${String(message.meta.agent)}`];
    if (message.role === "tests") return [`- tests: ${describeTests(message)}`];
    return message.role === "review" ? [`- review: ${formatReview(message).replaceAll("\n", "\n  ")}`] : [];
  }).join("\n");
}
