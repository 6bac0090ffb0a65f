/**
 * `nerve permissions`: what each group and workflow may do, and why. Derived from nerve.yaml; the kernel grants the
 * same.
 */
import { NerveError } from "../../base/errors.ts";
import { systemLandlock } from "../../base/landlock.ts";
import { toPrintable } from "../../base/printable.ts";
import { findNearest } from "../../base/did_you_mean.ts";
import { grantContext } from "../../config/load.ts";
import { explainPermissions, type GrantedUnit, type PermissionRow } from "../../config/permissions/grants.ts";
import { groupMembers, type NerveConfig } from "../../config/types.ts";
import { findGrantProblems, type GrantProblem, printGrantProblems } from "../grant_problems.ts";
import { type CliIo, exit } from "../io.ts";
import { dim, plural, print, printJson, printTable, sign } from "../render/terminal.ts";
import { openWorkspace, requireParsedConfig } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly all: boolean;
  readonly workspace?: string | undefined;
}

/**
 * `declared` by the sense itself, `gained` from another sense of its group, or `implied` for every unit of its kind.
 */
type Origin = "declared" | "gained" | "implied";
interface Item {
  readonly kind: GrantedUnit["kind"];
  readonly name: string;
  readonly senses: readonly string[];
  readonly grants: readonly (PermissionRow & { readonly origin: Origin })[];
  readonly problems: readonly GrantProblem[];
}

export async function permissions(io: CliIo, flags: Flags, name?: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace),
    parsed = await requireParsedConfig(paths),
    { config } = parsed;
  const problems = await findGrantProblems(parsed, paths);
  const items = findUnits(config, name).map((unit): Item => ({
    ...unit,
    senses: unit.kind === "group" ? groupMembers(config, unit.name).map((sense) => sense.name) : [],
    grants: explainPermissions(config, paths, unit, grantContext).map((row) => ({
      ...row,
      origin: row.declaredBy === null
        ? "implied"
        : name === undefined || row.declaredBy === name
        ? "declared"
        : "gained",
    })),
    problems: problems.filter((each) =>
      each.kind === "workflow"
        ? unit.kind === "workflow" && each.name === unit.name
        : unit.kind === "group" && config.senses.get(each.name)?.group === unit.name
    ),
  }));
  if (flags.json) printJson(io, { items });
  else for (const item of items) printItem(io, item, flags.all || name !== undefined);
  return exit.ok;
}

function findUnits(config: NerveConfig, name: string | undefined): GrantedUnit[] {
  const sense = name === undefined ? undefined : config.senses.get(name);
  if (sense !== undefined) return [{ kind: "group", name: sense.group }];
  if (name !== undefined) {
    if (config.workflows.has(name)) return [{ kind: "workflow", name }];
    const known = [...config.senses.keys(), ...config.workflows.keys()], near = findNearest(name, known);
    throw new NerveError("SENSE_UNKNOWN", `there is no sense and no workflow "${name}"`, {
      hint: near !== null
        ? `did you mean "${near}"?`
        : known.length > 0
        ? `there are: ${known.join(", ")}`
        : "this workspace has no senses or workflows",
    });
  }
  const groups = [...config.groups.keys()].filter((group) => groupMembers(config, group).length > 0);
  return [
    ...groups.map((group): GrantedUnit => ({ kind: "group", name: group })),
    ...[...config.workflows.keys()].map((workflow): GrantedUnit => ({ kind: "workflow", name: workflow })),
  ];
}

function printItem(io: CliIo, { kind, name, senses, grants, problems }: Item, all: boolean): void {
  const implied = grants.filter(({ origin }) => origin === "implied").length;
  const shown = all ? grants : grants.filter(({ origin }) => origin !== "implied");
  const held = systemLandlock() > 0;
  const open = problems.length > 0 ||
    grants.some(({ permission, value }) => (permission === "run" && !held) || permission === "ffi" || value === true);
  const members = kind === "group" && (senses.length > 1 || senses[0] !== name) ? `: ${senses.join(", ")}` : "";
  print(io, `${open ? sign.warning : sign.ok} ${kind} ${name}${members}`);
  if (shown.length > 0) {
    printTable(
      io,
      ["", "PERMISSION", "VALUE", "WHY"],
      shown.map(({ permission, value, why, origin }) => [
        "  ",
        permission,
        permission === "unconfined"
          ? "its programs may do all that you may"
          : toPrintable(value === true ? "everything" : value),
        origin === "gained" ? `gained through the group: ${why}` : why,
      ]),
    );
  }
  printGrantProblems(io, problems, senses.length > 1);
  const rest = all ? "" : `, and ${plural(implied, "implied grant")} (--all)`;
  print(io, dim(io, `   ${shown.length === 0 ? "nothing declared" : plural(shown.length, "grant")}${rest}`));
}
