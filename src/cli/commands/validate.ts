/** `nerve validate`: finds everything that is wrong with the workspace without running it. */
import { relative, resolve } from "node:path";
import { NerveError } from "../../base/errors.ts";
import {
  type Diagnostic,
  type DiagnosticFormat,
  formatProblems,
  hasErrors,
  sortDiagnostics,
} from "../../config/diagnostic.ts";
import { inspectNerveConfig } from "../../config/load.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import { checkLock } from "../../config/permissions/lock_file.ts";
import type { NerveConfig } from "../../config/types.ts";
import { configFileName, type WorkspacePaths } from "../../config/workspace.ts";
import { checkTypes, type TypeCheck } from "../checks/types.ts";
import { type CliIo, exit } from "../io.ts";
import { plural, print, sign } from "../render/terminal.ts";
import { refreshEditorTypes } from "../scaffold/editor_types.ts";
import { checkOpenListener } from "../open_listener.ts";
import { checkRecordedFields } from "../recorded_fields.ts";
import { openWorkspace } from "../workspace.ts";

/** Loads every sense and workflow inside its sandbox; `loadAll` in deploy/validate.ts. */
export type SandboxLoader = (config: NerveConfig, paths: WorkspacePaths) => Promise<Diagnostic[]>;

interface Flags {
  readonly strict: boolean;
  readonly types: boolean;
  readonly lock: boolean;
  readonly format: DiagnosticFormat;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

/** Checks types; `checkTypes` in cli/checks/types.ts. */
type TypeChecker = (io: CliIo, paths: WorkspacePaths, config: NerveConfig) => Promise<TypeCheck>;

export const validate: Validate = createValidateCommand(loadInSandbox, checkTypes);

type Validate = (io: CliIo, flags: Flags, folder?: string) => Promise<number>;

export function createValidateCommand(load: SandboxLoader, check: TypeChecker): Validate {
  return async (io, flags, folder) => {
    if (flags.lock) throw noLongerApproves();
    const format = flags.json ? "json" : flags.format;
    const paths = await openWorkspace(io, folder ?? flags.workspace);
    const { diagnostics: inFile, parsed, valid } = await inspectNerveConfig(paths);
    await refreshEditorTypes(io, paths, parsed?.config.senses ?? null);
    const typing = valid === null || !flags.types ? null : check(io, paths, valid);
    const found = [
      ...inFile,
      ...(parsed === null ? [] : [
        ...await checkLock(parsed, paths),
        ...checkRecordedFields(parsed, paths),
        ...checkOpenListener(parsed, paths, io.clock),
      ]),
      ...(valid === null ? [] : await load(valid, paths)).map((each) =>
        parsed === null ? each : placeInFile(parsed, each)
      ),
    ];
    const types = await typing ?? { problems: [], unchecked: flags.types ? "nerve.yaml has errors" : "--no-types" };
    // Code that does not load because of its syntax has no types either: one report is enough.
    const placed = new Set(found.map(({ place }) => `${place?.file}:${place?.line}`));
    found.push(...types.problems.filter(({ place }) => !placed.has(`${place?.file}:${place?.line}`)));
    const diagnostics = sortDiagnostics(found.map((diagnostic) => showFrom(io.cwd, paths.root, diagnostic)));
    const text = formatProblems(diagnostics, format, { untyped: types.unchecked });
    if (text !== "") print(io, text);
    if (format === "text") {
      print(io, summarize(diagnostics, parsed !== null, valid));
      if (typing !== null && types.unchecked !== null) {
        print(io, `${sign.idle} types were not checked: ${types.unchecked}`);
      }
    }
    return hasErrors(diagnostics) || (flags.strict && diagnostics.length > 0) ? exit.failed : exit.ok;
  };
}

/** Puts a diagnostic without a place in the code, such as one about a setting, at its key in nerve.yaml. */
function placeInFile({ placeOf }: ParsedConfig, diagnostic: Diagnostic): Diagnostic {
  if (diagnostic.place !== null) return diagnostic;
  const setting = /^config\.(\w+)/.exec(diagnostic.message)?.[1];
  const keys = setting !== undefined ? ["config", setting] : diagnostic.message.startsWith("config ") ? ["config"] : [];
  return { ...diagnostic, place: placeOf([...diagnostic.path.split("."), ...keys]) };
}

/** `--lock` agreed to permissions that no one had seen. */
function noLongerApproves(): NerveError {
  return new NerveError("USAGE", "nerve validate approves nothing: --lock is gone", {
    hint: "nerve permissions diff shows what was added, nerve permissions approve agrees to it",
  });
}

async function loadInSandbox(config: NerveConfig, paths: WorkspacePaths): Promise<Diagnostic[]> {
  return await (await import("../../deploy/validate.ts")).loadAll(config, paths);
}

/** Shows the file relative to `cwd`, so that terminals and GitHub's annotations can link to it. */
function showFrom(cwd: string, root: string, diagnostic: Diagnostic): Diagnostic {
  if (diagnostic.place === null) return diagnostic;
  const absolute = resolve(root, diagnostic.place.file), near = relative(cwd, absolute);
  return { ...diagnostic, place: { ...diagnostic.place, file: near.startsWith("..") ? absolute : near } };
}

/** `complete`: nerve.yaml has no errors; otherwise `valid` is the part of it that was loaded. */
function summarize(diagnostics: readonly Diagnostic[], complete: boolean, valid: NerveConfig | null): string {
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error").length;
  const warnings = diagnostics.length - errors;
  const parts = [errors === 0 ? null : plural(errors, "error"), warnings === 0 ? null : plural(warnings, "warning")];
  const found = parts.filter((part) => part !== null).join(", ");
  if (valid === null) return `${sign.failed} ${configFileName}: ${found}; nothing was loaded`;
  const loaded = `${plural(valid.senses.size, "sense")}, ${plural(valid.workflows.size, "workflow")}`;
  if (!complete) {
    return `${sign.failed} ${found}; of the entries in ${configFileName} without errors, ${loaded} were loaded`;
  }
  return errors > 0
    ? `${sign.failed} ${found} in ${loaded}`
    : `${warnings > 0 ? sign.warning : sign.ok} ${loaded}: ${found === "" ? "no problems" : found}`;
}
