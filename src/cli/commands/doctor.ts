/** `nerve doctor`: looks at everything that may be wrong around a workspace, changes nothing, says what to do. */
import { messageOf } from "../../base/errors.ts";
import { toPrintable } from "../../base/printable.ts";
import { type Check, failed, type Finding } from "../checks/check.ts";
import { daemonChecks } from "../checks/daemon.ts";
import { machineChecks } from "../checks/machine.ts";
import { runningChecks } from "../checks/running.ts";
import { workspaceChecks } from "../checks/workspace.ts";
import { type CliIo, exit } from "../io.ts";
import { dim, plural, print, printJson, sign } from "../render/terminal.ts";
import { openWorkspace } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

const signOf = { ok: sign.ok, warning: sign.warning, failed: sign.failed } as const;

export async function doctor(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), findings: Finding[] = [];
  const tell = (found: readonly Finding[]) => {
    findings.push(...found);
    if (!flags.json) { for (const finding of found) show(io, finding); }
  };
  for (const check of [...machineChecks, ...workspaceChecks, ...daemonChecks, ...runningChecks]) {
    tell(await orFault(() => check(paths, io.clock)));
  }
  const count = (level: Finding["level"]) => findings.filter((finding) => finding.level === level).length;
  const bad = count("failed");
  if (flags.json) printJson(io, { workspace: paths.root, ok: bad === 0, findings });
  else {
    const summary = bad === 0 && count("warning") === 0
      ? "all is well"
      : `${plural(bad, "problem")}, ${plural(count("warning"), "warning")}`;
    print(io, dim(io, `${toPrintable(paths.root)}: ${summary}`));
  }
  return bad === 0 ? exit.ok : exit.failed;
}

/** A check that cannot look, for lack of permission as a rule, is a finding and ends no other check. */
async function orFault(run: () => ReturnType<Check>): Promise<Finding[]> {
  try {
    return await run();
  } catch (thrown) {
    return [
      failed("doctor", `a check could not look: ${messageOf(thrown)}`, "make the workspace readable to this user"),
    ];
  }
}

function show(io: CliIo, { check, level, message, hint }: Finding): void {
  print(io, `${signOf[level]} ${check}: ${toPrintable(message)}`);
  if (hint !== null) print(io, `   ${toPrintable(hint)}`);
}
