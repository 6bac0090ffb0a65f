/** Tokens and sessions kept in memory, for tests of access. */
import { AccessControl } from "../../src/access/access_control.ts";
import type { AccessPorts, StoredToken } from "../../src/access/ports.ts";
import { FakeClock } from "./fake_clock.ts";

export class AccessWorld {
  readonly clock = new FakeClock();
  readonly stored = new Map<string, StoredToken>();
  readonly uses: number[] = [];
  readonly rows: { readonly type: string; readonly refId: string | null; readonly payload: unknown }[] = [];
  readonly problems: string[] = [];
  control: AccessControl;
  /** The error with which saving fails. */
  broken: Error | null = null;

  constructor() {
    this.control = new AccessControl(this.#ports());
  }

  /** Starts the next daemon, with the data on disk. */
  restart(): void {
    this.control.stop();
    this.control = new AccessControl(this.#ports());
    this.control.start();
  }

  #ports(): AccessPorts {
    const seen = new Set<string>();
    return {
      clock: this.clock,
      load: () => [...this.stored.values()],
      save: ({ put, remove = [], revoke, rows }) => {
        if (this.broken !== null) return Promise.reject(this.broken);
        remove.forEach((id) => this.stored.delete(id));
        if (put !== undefined) this.stored.set(put.id, put);
        for (const id of revoke?.ids ?? []) {
          const held = this.stored.get(id);
          if (held !== undefined) this.stored.set(id, { ...held, revoked: revoke?.at ?? 0 });
        }
        this.rows.push(...rows);
        return Promise.resolve();
      },
      saveUse: (_id, at) => void this.uses.push(at),
      record: (row, kind) => {
        const isNew = !seen.has(kind);
        if (isNew) this.rows.push(row);
        seen.add(kind);
        return isNew;
      },
      reportProblem: (message) => void this.problems.push(message),
    };
  }
}
