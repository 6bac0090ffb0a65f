/** `nerve doctor`: checks the workspace, the daemon and the machine, changes nothing, and says what to do. */
import { messageOf } from "../../base/errors.ts";
import { toPrintable } from "../../base/printable.ts";
import { type Check, failed, type Finding } from "../checks/check.ts";
import { daemonChecks } from "../checks/daemon.ts";
import { machineChecks } from "../checks/machine.ts";
import { runningChecks } from "../checks/running.ts";
import { secretChecks } from "../checks/secrets.ts";
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
  const report = (found: readonly Finding[]) => {
    findings.push(...found);
    if (!flags.json) { for (const finding of found) show(io, finding); }
  };
  for (const check of [...machineChecks, ...workspaceChecks, ...secretChecks, ...daemonChecks, ...runningChecks]) {
    report(await runCheck(() => check(paths, io.clock)));
  }
  const count = (level: Finding["level"]) => findings.filter((finding) => finding.level === level).length;
  const failures = count("failed");
  if (flags.json) printJson(io, { workspace: paths.root, ok: failures === 0, findings });
  else {
    const summary = failures === 0 && count("warning") === 0
      ? "no problems found"
      : `${plural(failures, "problem")}, ${plural(count("warning"), "warning")}`;
    print(io, dim(io, `${toPrintable(paths.root)}: ${summary}`));
  }
  return failures === 0 ? exit.ok : exit.failed;
}

/** A check that fails, usually for lack of permission, becomes a finding and does not end the other checks. */
async function runCheck(run: () => ReturnType<Check>): Promise<Finding[]> {
  try {
    return await run();
  } catch (thrown) {
    return [
      failed("doctor", `a check failed: ${messageOf(thrown)}`, "make the workspace readable to this user"),
    ];
  }
}

function show(io: CliIo, { check, level, message, hint }: Finding): void {
  print(io, `${signOf[level]} ${check}: ${toPrintable(message)}`);
  if (hint !== null) print(io, `   ${toPrintable(hint)}`);
}
