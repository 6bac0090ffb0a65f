/**
 * Reads the variables that `permissions.env` may name: those of nerve's own process, overridden by those of `env_file`,
 * so that a daemon has the same variables no matter which shell started it. Used by load.ts, by the daemon
 * (deploy/variables.ts), and by commands that mask secrets.
 * The format is that of Node's `--env-file`: NAME=VALUE lines, `#` comments, quotes, `export`. Nothing is expanded.
 * I1. No value of the file appears in a message.
 * I2. A file that cannot be used is distinguished from one that is not configured.
 */
import { isAbsolute, join, relative, resolve } from "node:path";
import { getBuiltIn } from "../base/built_ins.ts";
import { messageOf } from "../base/errors.ts";
import { ifPresent, isMissing } from "../base/if_present.ts";
import { envFileMaxBytes } from "../base/limits.ts";
import { findOwnershipFault, readTrust } from "../base/ownership.ts";
import { type ConfigPath, quote } from "./diagnostic.ts";
import { pathContains } from "./permissions/path_contains.ts";
import { isProcessVariable } from "./permissions/request.ts";
import type { NerveConfig } from "./types.ts";
import type { WorkspacePaths } from "./workspace.ts";

export type Variables = Readonly<Record<string, string>>;

export interface Environment {
  /** The variables of nerve's own process, overridden by those of the file. */
  readonly all: Variables;
  readonly file: Variables;
}

/** `why`: why the file cannot be used, as the end of a sentence about it. */
export type EnvFile =
  | { readonly kind: "none" }
  | { readonly kind: "read"; readonly variables: Variables; readonly warnings: readonly string[] }
  | { readonly kind: "unusable"; readonly missing: boolean; readonly why: string };

/** The absolute path of the configured file; null when none is configured. */
export function resolveEnvFile(
  { envFile }: Pick<NerveConfig, "envFile">,
  root: string,
  home: string | null = Deno.env.get("HOME") ?? null,
): string | null {
  if (envFile === null) return null;
  return home !== null && envFile.startsWith("~/") ? join(home, envFile.slice(2)) : resolve(root, envFile);
}

/** Never throws. */
export function readEnvFile(path: string | null, paths: WorkspacePaths): EnvFile {
  if (path === null) return { kind: "none" };
  const unusable = (why: string, missing = false): EnvFile => ({ kind: "unusable", missing, why });
  try {
    const info = Deno.statSync(path);
    if (!info.isFile) return unusable("is not a file");
    const fault = findOwnershipFault(path, readTrust());
    if (fault !== null) {
      return unusable(`is not trusted: ${fault.path === path ? "it" : fault.path} ${fault.why}: ${fault.remedy}`);
    }
    const misplaced = findPlaceFault(Deno.realPathSync(path), paths);
    if (misplaced !== null) return unusable(misplaced);
    if (info.size > envFileMaxBytes) return unusable(`is larger than ${envFileMaxBytes} bytes`);
    const text = new TextDecoder("utf-8", { fatal: true }).decode(Deno.readFileSync(path));
    if (text.includes("\0")) return unusable("contains a NUL character");
    const { variables, faults } = parseVariables(text), mode = (info.mode ?? 0) & 0o777;
    const open = (mode & 0o044) === 0 ? [] : [`other users may read it: chmod 600 ${path}`];
    return { kind: "read", variables, warnings: [...open, ...faults] };
  } catch (thrown) {
    if (isMissing(thrown)) return unusable("does not exist", true);
    return unusable(thrown instanceof TypeError ? "is not UTF-8 text" : `cannot be read: ${messageOf(thrown)}`);
  }
}

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** `faults`: lines that are not variables, and variables without effect, which Node's parser does not report. Pure. */
export function parseVariables(text: string): { variables: Variables; faults: string[] } {
  const parsed = Object.entries(getBuiltIn("node:util").parseEnv(text.replace(/^\ufeff/, "")));
  const valid = parsed.filter((entry): entry is [string, string] =>
    namePattern.test(entry[0]) && entry[1] !== undefined
  );
  const useless = valid.filter(([name]) => isProcessVariable(name));
  return {
    // PATH decides which programs a grant of `run` means: the file would change grants that the lock does not show.
    variables: Object.fromEntries(valid.filter(([name]) => name !== "PATH")),
    faults: [
      ...findLineFaults(text),
      ...valid.some(([name]) => name === "PATH") ? ["PATH is always that of the daemon"] : [],
      ...useless.map(([name]) => `${name} never reaches a sense or workflow: it would change nerve's own process`),
    ],
  };
}

const assignment = /^\s*(?:export\s+)?([^=\s]+)\s*=\s*(.*)$/;

function findLineFaults(text: string): string[] {
  const faults: string[] = [], lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "", [, name = "", value = ""] = assignment.exec(line) ?? [];
    if (/^\s*(#|$)/.test(line)) continue;
    // Omits the line itself, which may contain a secret.
    if (!namePattern.test(name)) faults.push(`line ${at + 1} is not NAME=VALUE`);
    const [mark = ""] = /^["'`]/.exec(value) ?? [];
    if (mark === "" || value.indexOf(mark, 1) > 0) continue;
    const end = lines.findIndex((each, index) => index > at && each.includes(mark));
    if (end < 0) faults.push(`line ${at + 1} opens a quote that nothing closes`);
    else at = end;
  }
  return faults;
}

/** Uses the file as it is on disk; without a usable file, only nerve's own variables. */
export function readEnvironment(config: NerveConfig, paths: WorkspacePaths): Environment {
  const found = readEnvFile(resolveEnvFile(config, paths.root), paths);
  return overOwn(found.kind === "read" ? found.variables : {});
}

export function overOwn(file: Variables): Environment {
  return { all: { ...Deno.env.toObject(), ...file }, file };
}

/** A variable that is set nowhere, but granted to a sense or workflow, or named as the secret of a hook or engine. */
export interface UnsetVariable {
  readonly of: string;
  /** As granted: a name, or a prefix such as `EXAMPLE_*`. */
  readonly variable: string;
  /** The purpose of the variable, as a part of a sentence about it. */
  readonly use: "is granted" | "is the secret of a hook" | "is the secret of an engine";
  /** Where nerve.yaml names it. */
  readonly path: ConfigPath;
}

export function findUnsetVariables(
  { senses, workflows, hooks, engines }: NerveConfig,
  all: Variables,
): UnsetVariable[] {
  const names = Object.keys(all);
  const isSet = (granted: string) =>
    granted.endsWith("*") ? names.some((name) => name.startsWith(granted.slice(0, -1))) : Object.hasOwn(all, granted);
  const units = [
    ...[...senses.values()].map(({ name, permissions }) => ["senses", "sense", name, permissions.env] as const),
    ...[...workflows.values()].map(({ name, permissions }) =>
      ["workflows", "workflow", name, permissions.env] as const
    ),
  ];
  const secrets = [...hooks.values()].flatMap(({ name, secrets }) =>
    secrets.filter((variable) => !isSet(variable)).map((variable): UnsetVariable => {
      return { of: `hook ${name}`, variable, use: "is the secret of a hook", path: ["hooks", name, "secret"] };
    })
  );
  const ofEngines = [...engines.values()].flatMap(({ name, secrets }) =>
    secrets.filter((variable) => !isSet(variable)).map((variable): UnsetVariable => {
      return { of: `engine ${name}`, variable, use: "is the secret of an engine", path: ["engines", name, "secret"] };
    })
  );
  const ofUnits = units.flatMap(([section, kind, name, granted]) =>
    (granted === undefined || granted === true ? [] : granted).map((variable, index): UnsetVariable => {
      const path = [section, name, "permissions", "env", index];
      return { of: `${kind} ${name}`, variable, use: "is granted", path };
    }).filter(({ variable }) => !isSet(variable))
  );
  return [...ofUnits, ...secrets, ...ofEngines];
}

/** How the user can set such a variable. */
export function hintUnset(envFile: string | null): string {
  return envFile === null
    ? "name a file of variables in nerve.yaml (env_file: .env), or start the daemon with it"
    : `write it into ${envFile}`;
}

/** Why the file must not be in its place: code could read it there, or a backup would contain it. Null when it may. */
export function findPlaceFault(path: string, paths: WorkspacePaths): string | null {
  const places: [folder: string, why: string][] = [
    [paths.data, "a backup would hold it"],
    [paths.logs, "it is for logs"],
    [paths.senses, "the code of senses reads its folder"],
    [paths.workflows, "the code of workflows reads its folder"],
    [paths.lib, "all code reads it"],
  ];
  const holds = (folder: string) => pathContains(folder, path) || pathContains(realPath(folder), path);
  const [folder, why] = places.find(([each]) => holds(each)) ?? [];
  if (path === paths.configFile) return "nerve.yaml itself is not a file of variables";
  return folder === undefined ? null : `must not lie in ${quote(relative(paths.root, folder))}: ${why}`;
}

/** Returns the folder itself when it does not exist. */
function realPath(folder: string): string {
  return ifPresent(() => Deno.realPathSync(folder)) ?? folder;
}

/** The path as users write it: relative to the workspace if it lies inside. */
export function showEnvFile(path: string, root: string): string {
  const near = relative(root, path);
  return near.startsWith("..") || isAbsolute(near) ? path : near;
}
