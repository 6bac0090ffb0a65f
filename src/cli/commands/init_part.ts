/** `nerve init sense NAME` and `nerve init workflow NAME`: write templates that run without changes. */
import { join } from "node:path";
import { NerveError } from "../../base/errors.ts";
import { type CliIo, exit } from "../io.ts";
import { print, sign } from "../render/terminal.ts";
import { readConfigText, replaceConfigText } from "../scaffold/config_file.ts";
import { extendOrExplain, requireValid } from "../scaffold/config_lines.ts";
import { type PartKind, requireName } from "../scaffold/names_and_hints.ts";
import { configLines, createSenseTemplate, createWorkflowTemplate } from "../scaffold/templates.ts";
import { openWorkspace } from "../workspace.ts";

interface Flags {
  readonly workspace?: string | undefined;
}

export async function initSense(io: CliIo, flags: Flags, name: string): Promise<number> {
  return await initPart(io, flags, name, "sense", createSenseTemplate);
}

export async function initWorkflow(io: CliIo, flags: Flags, name: string): Promise<number> {
  return await initPart(io, flags, name, "workflow", createWorkflowTemplate);
}

async function initPart(
  io: CliIo,
  flags: Flags,
  name: string,
  kind: PartKind,
  template: (name: string) => Record<string, string>,
): Promise<number> {
  requireName(kind, name);
  const paths = await openWorkspace(io, flags.workspace), section = `${kind}s` as const;
  const text = await readConfigText(paths.configFile), { config } = requireValid(io, text);
  const extended = config[section].has(name) ? null : extendOrExplain(io, text, configLines[kind](name));
  const folder = kind === "sense" ? paths.senseFolder(name) : paths.workflowFolder(name);
  try {
    // Not recursive, so that it fails when the folder exists: such a folder belongs to the user.
    await Deno.mkdir(kind === "sense" ? paths.senses : paths.workflows, { recursive: true });
    await Deno.mkdir(folder);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.AlreadyExists)) throw thrown;
    throw new NerveError("WORKSPACE_EXISTS", `${folder} already exists`, { hint: "choose another name" });
  }
  const files = template(name);
  for (const [path, text] of Object.entries(files)) {
    const target = join(paths.root, path);
    await Deno.mkdir(join(target, ".."), { recursive: true });
    await Deno.writeTextFile(target, text);
  }
  print(io, `${sign.ok} wrote ${Object.keys(files).join(", ")}`);
  // The files come first: they have no effect without their lines.
  if (extended !== null) await replaceConfigText(paths.configFile, text, extended);
  const { file, line } = requireValid(io, extended ?? text).placeOf([section, name]);
  print(io, `${sign.ok} ${extended === null ? "its lines are" : "added its lines"} at ${file}:${line}`);
  print(io, `${sign.next} nerve validate`);
  return exit.ok;
}
