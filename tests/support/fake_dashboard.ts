/** The dashboard's part of a fake kernel: it records its requests. See fake_view.ts. */
import type { DashboardPort } from "../../src/control/kernel_port.ts";
import type { PermissionsReply, SeriesRequest } from "../../src/protocol/dashboard.ts";
import { type TextPage, writeOne } from "../../src/protocol/text_page.ts";
import { readAll } from "../../src/store/reading/steps.ts";

export class FakeDashboard implements DashboardPort {
  readonly #note: (asked: unknown) => void;

  constructor(note: (asked: unknown) => void) {
    this.#note = note;
  }

  columns(name: string): Promise<TextPage> {
    return this.#answer({ columns: name }, { items: [{ table: "samples", time: "ts", column: "used" }] });
  }

  series(name: string, query: SeriesRequest): Promise<TextPage> {
    const { fromMs, untilMs, points, table, column } = query, lists = { at: [], least: [], mean: [], most: [] };
    const widthMs = (untilMs - fromMs) / points, shown = { table, column, time: "ts", fromMs, untilMs, widthMs };
    return this.#answer({ series: name, ...query }, { ...shown, rows: 0, cut: false, ...lists });
  }

  sizes(): Promise<TextPage> {
    const blobs = { files: 0, bytes: 0 }, archive = { days: 0, bytes: 0, rows: 0, oldest: null, upToMs: null };
    return this.#answer("sizes", { log: null, senses: [], blobs, archive, totalBytes: 0, odd: [] });
  }

  permissions(): Promise<PermissionsReply> {
    const lock = { exists: false, problem: null, added: [], removed: [], approvers: { added: [], removed: [] } };
    return Promise.resolve({ items: [], lock, configError: null });
  }

  approvers(): string[] {
    return [];
  }

  #answer(asked: unknown, item: unknown): Promise<TextPage> {
    this.#note(asked);
    return Promise.resolve(readAll(writeOne(item, (shown) => shown)));
  }
}
