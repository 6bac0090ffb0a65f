/**
 * The reports of runs: files in data/reports, each from the `run.closed` row of its run. Created by wiring.ts.
 * I1. A report exists whole or not at all. Its row is on disk first, so a missing report can be restored: when the
 *     daemon starts, and when a decision of its run is repeated. Restoring writes no row of the run.
 * I2. A failed write stops nothing: it is reported, and retried on the same occasions.
 */
import { join } from "node:path";
import { messageOf } from "../base/errors.ts";
import { makeFolderDurably, syncFolder } from "../base/durable_folder.ts";
import { ifPresent } from "../base/if_present.ts";
import { reportPathOf, type RunClosing } from "../protocol/closing.ts";
import type { CurrentSecrets } from "./current_secrets.ts";

export interface ReportsPorts {
  /** The folder of the workspace. */
  readonly root: string;
  readonly store: {
    listReports(after: string, limit: number): string[];
    readReport(runId: string): RunClosing | null;
  };
  readonly secrets: Pick<CurrentSecrets, "mask">;
  readonly reportProblem: (message: string) => void;
}

const pageSize = 1_000;

export class Reports {
  readonly #ports: ReportsPorts;
  readonly #folder: string;
  /** Reports being written, by run. */
  readonly #writing = new Map<string, Promise<boolean>>();
  #mended = 0;

  constructor(ports: ReportsPorts) {
    this.#ports = ports;
    this.#folder = join(ports.root, "data", "reports");
  }

  /** How many missing reports were restored since the start. */
  get mended(): number {
    return this.#mended;
  }

  /** The run's `run.closed` row is on disk. */
  onClosed(runId: string): void {
    void this.#write(runId);
  }

  /** Restores the report of a run if it is missing. Never rejects. */
  async mend(runId: string): Promise<void> {
    await this.#writing.get(runId);
    if (ifPresent(() => Deno.lstatSync(this.#pathOf(runId))) === null && await this.#write(runId)) this.#mended++;
  }

  /** Restores the missing reports of all runs. */
  async mendAll(): Promise<void> {
    const { store, reportProblem } = this.#ports;
    try {
      const there = new Set(ifPresent(() => [...Deno.readDirSync(this.#folder)].map(({ name }) => name)) ?? []);
      for (let after = "", full = true; full;) {
        const page = store.listReports(after, pageSize);
        for (const runId of page) if (!there.has(`${runId}.report.md`)) await this.mend(runId);
        after = page.at(-1) ?? "";
        full = page.length === pageSize;
      }
    } catch (thrown) {
      reportProblem(`missing reports of runs cannot be written again: ${messageOf(thrown)}`);
    }
  }

  /** Resolves when nothing is being written. */
  async stop(): Promise<void> {
    await Promise.all(this.#writing.values());
  }

  #pathOf(runId: string): string {
    return join(this.#ports.root, reportPathOf(runId));
  }

  /** Whether the report was written; false when the run has none, or its row is in the archive. */
  async #write(runId: string): Promise<boolean> {
    const writing = this.#writeFile(runId).catch((thrown: unknown) => {
      const { reportProblem } = this.#ports, path = reportPathOf(runId);
      reportProblem(`the report ${path} cannot be written; the next start tries again: ${messageOf(thrown)}`);
      return false;
    });
    this.#writing.set(runId, writing);
    try {
      return await writing;
    } finally {
      if (this.#writing.get(runId) === writing) this.#writing.delete(runId);
    }
  }

  async #writeFile(runId: string): Promise<boolean> {
    const { store, secrets } = this.#ports, closing = store.readReport(runId);
    if (closing?.report === undefined) return false;
    const text = "content" in closing ? closing.content : describeFailure(runId, closing.status, closing.error);
    await makeFolderDurably(this.#folder);
    const path = this.#pathOf(runId), unfinished = `${path}.new`;
    await Deno.writeTextFile(unfinished, secrets.mask(text), { mode: 0o600 });
    using file = await Deno.open(unfinished, { write: true });
    await file.sync();
    await Deno.rename(unfinished, path);
    await syncFolder(this.#folder);
    return true;
  }
}

function describeFailure(runId: string, status: string, error: string): string {
  return `# Run ${runId}: ${status}\n\nThe role that writes its report has failed: ${error}\n`;
}
