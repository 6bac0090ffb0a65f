/** Generates docs/cli.md: every command with its flags and examples, from the command tree that the CLI itself runs. */
import type { Command, RouteMap } from "@stricli/core";
import { application } from "../../src/cli/app.ts";
import type { CliContext } from "../../src/cli/command.ts";
import { block, code, generatedNote, joined, table } from "./markdown.ts";

type Target = Command<CliContext> | RouteMap<CliContext>;

interface Documented {
  readonly words: readonly string[];
  readonly command: Command<CliContext>;
}

const introduction = `# Command line

${generatedNote("src/cli/app.ts")}

A command finds its workspace by \`--workspace DIR\`, else by \`NERVE_WORKSPACE\`, else it is the nearest folder upward with a
\`nerve.yaml\`, else \`~/.nerve\`. Flags stand after the command.

- Commands that only read work without a daemon, from the databases. Where nothing has happened yet they print nothing and exit 0.
- \`--json\` prints one document; \`nerve events\`, \`nerve logs\` and \`nerve workflow follow\` print one line for each item. An error is then one line on
  stderr: \`{"error":{"code","message","hint"}}\`. [errors.md](errors.md) lists the codes.
- A daemon that hangs holds no command up: it gives up within seconds and says what to do.
- Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no daemon runs, 130 interrupted by Ctrl-C. \`nerve workflow follow\`,
  and \`trigger\`, \`rerun\` and \`fork\` with \`--wait\`, exit with the run's own code; see [errors.md](errors.md#exit-codes).
- The signs: 🟢 runs or is well, 💤 sleeps until it is needed, ⚪ not running or no signal, 🔶 a warning, or the last compute
  failed, 🔴 does not load, or is quarantined, ✅ done, ❌ failed, 📡 a signal, 👉 what to do next.
- \`NERVE_DEBUG=1\` adds the stack to an error. \`NO_COLOR=1\` turns colour off.
- \`nerve completions bash\` prints what a shell needs to complete commands, flags, and the names of senses, workflows and runs.`;

export function cliDocument(): string {
  const all = commandsOf(application.root as Target, []);
  const overview = all.map(({ words, command }) => {
    const first = shortest(all, command), link = `[${code(nameOf(words))}](#${["nerve", ...first].join("-")})`;
    return [link, first === words ? command.brief : `the same as ${code(nameOf(first))}`];
  });
  const sections = all.filter(({ command, words }) => shortest(all, command) === words).map(sectionOf);
  return joined([introduction, table(["command", "what it does"], overview), ...sections]);
}

/** Every command below `target`, in the order of its help. */
function commandsOf(target: Target, words: readonly string[]): Documented[] {
  if ("loader" in target) return [{ words, command: target }];
  const below = target.getAllEntries().filter(({ hidden }) => !hidden).flatMap(({ name, target: inner, aliases }) =>
    [name["convert-camel-to-kebab"], ...aliases].flatMap((word) => commandsOf(inner, [...words, word]))
  );
  return [...defaultOf(target, words), ...below];
}

/** A route map that is a command as well, such as `nerve init`. */
function defaultOf(target: RouteMap<CliContext>, words: readonly string[]): Documented[] {
  const command = target.getDefaultCommand();
  return command === undefined ? [] : [{ words, command }];
}

/** The shortest way to write a command. */
function shortest(all: readonly Documented[], command: Command<CliContext>): readonly string[] {
  const ways = all.filter((each) => each.command === command).map(({ words }) => words);
  return ways.reduce((best, words) => words.length < best.length ? words : best);
}

function sectionOf({ words, command }: Documented): string {
  const [details = "", examples = ""] = (command.fullDescription ?? command.brief).split("\n\nEXAMPLES\n");
  const usage = command.formatUsageLine({
    prefix: ["nerve", ...words],
    config: { caseStyle: "convert-camel-to-kebab", onlyRequiredInUsageLine: false, useAliasInUsageLine: false },
    ansiColor: false,
  });
  return joined([
    `## ${nameOf(words)}`,
    sentence(details.replaceAll("\n", " ")),
    block("text", withoutDefaults(usage, command)),
    parametersOf(command),
    block("sh", examples.replaceAll(/^ {2}/gm, "")),
  ]).trimEnd();
}

/** stricli shows a switch that is on by default as `[--watch]`, which no one needs to write. */
function withoutDefaults(usage: string, { parameters: { flags = {} } }: Command<CliContext>): string {
  const on = Object.entries(flags).filter(([, flag]) => isOn(flag)).map(([name]) => name);
  return on.reduce((text, name) => text.replace(`[--${name}]`, `[--no-${name}]`), usage);
}

function parametersOf({ parameters }: Command<CliContext>): string | null {
  const { flags = {}, aliases = {}, positional } = parameters;
  const places = positional?.kind === "tuple" ? positional.parameters : [];
  const rows = [
    ...places.map((
      each,
    ) => [code(each.placeholder ?? ""), `${each.brief}${each.optional === true ? " (optional)" : ""}`]),
    ...Object.entries(flags).filter(([, flag]) => !("hidden" in flag && flag.hidden)).map(([name, flag]) => {
      const letters = Object.entries(aliases).filter(([, full]) => full === name).map(([letter]) => code(`-${letter}`));
      return [[code(spelt(name, flag)), ...letters].join(", "), meaningOf(flag)];
    }),
  ];
  return rows.length === 0 ? null : table(["argument or flag", "meaning"], rows);
}

type Flag = NonNullable<Command<CliContext>["parameters"]["flags"]>[string];

function spelt(name: string, flag: Flag): string {
  const flagName = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  // A switch that is on by default is only ever given to turn it off.
  if (flag.kind === "boolean") return isOn(flag) ? `--no-${flagName}` : `--${flagName}`;
  const value = flag.kind === "enum" ? flag.values.join("|") : flag.placeholder ?? "VALUE";
  return `--${flagName} ${value}`;
}

function meaningOf(flag: Flag): string {
  return isOn(flag) ? `Do not ${flag.brief.slice(0, 1).toLowerCase()}${flag.brief.slice(1)}` : flag.brief;
}

function isOn(flag: Flag): boolean {
  return flag.kind === "boolean" && flag.default === true;
}

function nameOf(words: readonly string[]): string {
  return ["nerve", ...words].join(" ");
}

function sentence(text: string): string {
  return text.endsWith(".") ? text : `${text}.`;
}
