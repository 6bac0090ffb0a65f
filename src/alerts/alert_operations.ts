/** The operations of people on alerts: views, silences, acknowledgements. Created by kernel/alert_wiring.ts. */
import { alertSilenceMaxMs, alertSilencesMax } from "../base/alert_limits.ts";
import { formatDuration } from "../base/duration.ts";
import { NerveError } from "../base/errors.ts";
import type { Clock } from "../base/time.ts";
import type {
  AckRequest,
  AlertChanged,
  AlertSilence,
  AlertView,
  SilenceRequest,
  UnsilenceRequest,
} from "../protocol/alert.ts";
import { unknownAlert } from "../protocol/common_errors.ts";
import type { AlertRunner } from "./alert_runner.ts";
import { silencesKey } from "./changes.ts";
import type { AlertEntry } from "./entry.ts";
import { listSilences, viewAlert } from "./view.ts";

export class AlertOperations {
  readonly #runner: AlertRunner;
  readonly #clock: Clock;

  constructor(runner: AlertRunner, clock: Clock) {
    this.#runner = runner;
    this.#clock = clock;
  }

  counts(): { firing: number; pending: number } {
    let firing = 0, pending = 0;
    for (const entry of this.#runner.entries.values()) {
      firing += entry.count("firing");
      pending += entry.count("pending");
    }
    return { firing, pending };
  }

  /** All alerts, each with only some of its states that are not inactive. */
  views(): AlertView[] {
    return [...this.#runner.entries.values()].map((entry) => viewAlert(entry, this.#clock, "some"));
  }

  /** One alert with all its states. Error: ALERT_UNKNOWN. */
  view(name: string): AlertView {
    return viewAlert(this.#find(name), this.#clock, "all");
  }

  /** Replaces a silence of the same key. Errors: ALERT_UNKNOWN, USAGE. */
  silence(name: string, { forMs, by = "api", ...request }: SilenceRequest): AlertChanged {
    const entry = this.#find(name),
      at = this.#clock.now(),
      key = request.key ?? null,
      comment = request.comment ?? null;
    if (forMs > alertSilenceMaxMs) {
      throw new NerveError("USAGE", `a silence lasts at most ${formatDuration(alertSilenceMaxMs)}`, {
        hint: `nerve alert silence ${name} --for 8h`,
      });
    }
    if (key !== null && entry.compiled.definition.key === null && key !== "") throw noKeys(name);
    const others = listSilences(entry, this.#clock).filter((each) => each.key !== key);
    if (others.length >= alertSilencesMax) {
      throw new NerveError("USAGE", `alert ${name} has ${others.length} silences already`, {
        hint: `nerve alert unsilence ${name}`,
      });
    }
    const silence: AlertSilence = { key, until: at + forMs, by, comment, at };
    entry.silences = [...others, silence];
    this.#store(entry, "alert.silenced", silence);
    return { changed: 1 };
  }

  /** Ends silences; without `key`, all silences of the alert. */
  unsilence(name: string, { key, by = "api", ...request }: UnsilenceRequest): AlertChanged {
    const entry = this.#find(name), before = listSilences(entry, this.#clock), comment = request.comment ?? null;
    const kept = key === undefined ? [] : before.filter((each) => each.key !== key);
    entry.silences = kept;
    const changed = before.length - kept.length;
    if (changed > 0) this.#store(entry, "alert.unsilenced", { key: key ?? null, by, comment });
    return { changed };
  }

  /** Acknowledges a firing state; without `key`, every one. The acknowledgement ends when the state resolves. */
  ack(name: string, { key, by = "api", ...request }: AckRequest): AlertChanged {
    const entry = this.#find(name), at = this.#clock.now(), comment = request.comment ?? null;
    if (key !== undefined && !entry.records.has(key)) {
      throw new NerveError("ALERT_UNKNOWN", `alert ${name} has no state with the key "${key}"`, {
        hint: `nerve alert show ${name}`,
      });
    }
    const records = [...entry.records.values()].filter((record) =>
      record.machine.status === "firing" && record.ack === null && (key === undefined || record.key === key)
    );
    for (const record of records) record.ack = { by, comment, at };
    if (records.length > 0) {
      const payload = {
        keys: records.slice(0, keysLogged).map((each) => each.key),
        count: records.length,
        by,
        comment,
      };
      this.#runner.changes.request(entry, "alert.acked", payload, { records });
      this.#runner.rearm(entry);
    }
    return { changed: records.length };
  }

  #find(name: string): AlertEntry {
    const entry = this.#runner.entries.get(name);
    if (entry === undefined) throw unknownAlert(name, this.#runner.entries.keys());
    return entry;
  }

  #store(
    entry: AlertEntry,
    type: "alert.silenced" | "alert.unsilenced",
    payload: Record<string, string | number | null>,
  ) {
    const values = [[silencesKey(entry.name), JSON.stringify(entry.silences)]] as const;
    this.#runner.changes.request(entry, type, payload, { values });
    this.#runner.rearm(entry);
  }
}

const keysLogged = 100;
function noKeys(name: string): NerveError {
  return new NerveError("USAGE", `alert ${name} has no key`, { hint: `nerve alert silence ${name}` });
}
