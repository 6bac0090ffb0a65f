/** A log in memory that is followed through the API. */
import assert from "node:assert/strict";
import { Broadcast } from "../../src/base/broadcast.ts";
import { createApp } from "../../src/control/app.ts";
import type { LogFilter, LogRow, LogType } from "../../src/protocol/log.ts";
import type { Records } from "../../src/protocol/queries.ts";
import { FakeClock } from "./fake_clock.ts";
import { FakeView } from "./fake_view.ts";

/** A log in memory whose rows reach their followers when they are appended, through a queue of three. */
export class LoggedView extends FakeView {
  readonly log: LogRow[] = [];
  override readonly rows = new Broadcast<LogRow>(3);
  override readonly records: Records = { ...new FakeView().records, logs: (filter) => this.#logs(filter) };
  #lastId = 0;

  append(type: LogType = "sense.signal", refId = "cpu"): LogRow {
    const row: LogRow = {
      ...{ id: ++this.#lastId, ts: 0, source: `sense:${refId}`, type, refId, causeId: null, payload: "a\n\nb" },
    };
    this.log.push(row);
    this.rows.publish(row);
    return row;
  }

  #logs({ source, type, refId, afterId = 0, beforeId = Infinity, order, limit = 100 }: LogFilter): LogRow[] {
    const found = this.log.filter((row) =>
      row.id > afterId && row.id < beforeId && (source === undefined || row.source === source) &&
      (type === undefined || row.type === type) && (refId === undefined || row.refId === refId)
    );
    return (order === "desc" ? found.reverse() : found).slice(0, limit);
  }
}

export function eventBench() {
  const view = new LoggedView(), clock = new FakeClock(), stopping = new AbortController();
  const gone = new AbortController().signal;
  const app = createApp(view, { version: "0", stop: () => {}, report: (thrown) => assert.fail(String(thrown)) });
  const open = async (path: string, headers: Record<string, string> = {}) => {
    const answer = await app.request(path, { headers }, { gone, stopping: stopping.signal, clock });
    return answer;
  };
  return { view, clock, stopping, open };
}

export async function textOf(answer: Response, pattern: RegExp): Promise<string> {
  assert.ok(answer.body !== null);
  let text = "";
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  while (!pattern.test(text)) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
  }
  await reader.cancel();
  return text;
}
