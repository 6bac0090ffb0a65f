/** `nerve store verify`: checks that all data is intact. Exits 1 when something is not. */
import { toPrintable } from "../../base/printable.ts";
import { type VerifiedPart, verifyStore } from "../../store/maintenance/verify.ts";
import { createProgressLine } from "../daemon/exclusive_store.ts";
import { type CliIo, exit } from "../io.ts";
import { plural, print, printJson, sign } from "../render/terminal.ts";
import { openWorkspace } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

const counted: Readonly<Record<VerifiedPart, string>> = {
  database: "page",
  blobs: "blob",
  archive: "row",
  chain: "row",
  runs: "run",
};

export async function storeVerify(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), line = createProgressLine(io), findings = [];
  line.show("checking every database, blob and row");
  for (const finding of verifyStore(paths)) {
    findings.push(finding);
    line.end();
    if (flags.json) continue;
    const { part, what, problem, count } = finding, name = `${part} ${toPrintable(what)}`;
    if (problem === null) print(io, `${sign.ok} ${name}: ${plural(count, counted[part])}`);
    else print(io, `${sign.failed} ${name}: ${toPrintable(problem)}`);
  }
  line.end();
  const faults = findings.filter(({ problem }) => problem !== null).length;
  if (flags.json) printJson(io, { ok: faults === 0, findings });
  else if (faults === 0) print(io, `${sign.ok} all data is intact`);
  else {
    print(io, `${sign.failed} ${plural(faults, "problem")}`);
    print(
      io,
      "   nerve store restore DIR restores a backup; nerve store rebuild-runs rebuilds runs from the log",
    );
  }
  return faults === 0 ? exit.ok : exit.failed;
}
