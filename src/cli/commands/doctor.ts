/** `nerve doctor`: checks the workspace, the daemon and the machine, changes nothing, and suggests fixes. */
import { messageOf, NerveError } from "../../base/errors.ts";
import { readTrust } from "../../base/ownership.ts";
import { toPrintable } from "../../base/printable.ts";
import { followSocketLink } from "../../config/runtime_folder.ts";
import { requireTrustedWorkspace } from "../../config/trust.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { type Check, failed, type Finding } from "../checks/check.ts";
import { daemonChecks } from "../checks/daemon.ts";
import { machineChecks } from "../checks/machine.ts";
import { runningChecks } from "../checks/running.ts";
import { secretChecks } from "../checks/secrets.ts";
import { workspaceChecks } from "../checks/workspace.ts";
import { type CliIo, exit } from "../io.ts";
import { dim, plural, print, printJson, sign } from "../render/terminal.ts";
import { locateWorkspace } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

const signOf = { ok: sign.ok, warning: sign.warning, failed: sign.failed } as const;

export async function doctor(io: CliIo, flags: Flags): Promise<number> {
  const located = await locateWorkspace(io, flags.workspace), findings: Finding[] = [];
  const distrust = findDistrust(io, located), paths = distrust.length > 0 ? located : followSocketLink(located);
  const report = (found: readonly Finding[]) => {
    findings.push(...found);
    if (!flags.json) { for (const finding of found) show(io, finding); }
  };
  report(distrust);
  const inside = [...workspaceChecks, ...secretChecks, ...daemonChecks, ...runningChecks];
  for (const check of [...machineChecks, ...distrust.length > 0 ? [] : inside]) {
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

/** What another user could have made is not opened, not even to find out what is wrong with it. */
function findDistrust(io: CliIo, paths: WorkspacePaths): Finding[] {
  try {
    requireTrustedWorkspace(paths, readTrust((name) => io.env[name]));
    return [];
  } catch (thrown) {
    if (!(thrown instanceof NerveError) || thrown.code !== "OWNER_UNTRUSTED") throw thrown;
    return [failed("owner", thrown.message, thrown.hint ?? "chown or chmod it")];
  }
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
