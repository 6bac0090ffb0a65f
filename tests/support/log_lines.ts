/** Lines of the text log, written and read. */
import { parseLogLine } from "../../src/base/log_line.ts";

export const logLine = (
  message: string,
) => ({ ts: 0, level: "info", source: "daemon", event: "test", message } as const);

export function messagesOf(text: string): string[] {
  return text.split("\n").map((each) => parseLogLine(each)?.message ?? null).filter((each) => each !== null);
}
