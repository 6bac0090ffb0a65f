/** A log file that grows and is rotated, and log-pattern following it in its sandbox. */
import assert from "node:assert/strict";
import { type Grants, TestSense } from "./library.ts";

/** A log file with a program that writes it, in a folder of its own. */
export class TestLog implements AsyncDisposable {
  readonly folder: string = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "nerve-log-" }));
  readonly file: string = `${this.folder}/app.log`;
  readonly grants: Grants = { read: [this.file, `${this.file}.1`] };
  readonly config = { file: this.file, patterns: ["ERROR", "\\bmemory\\b"], min_matches: 1 };

  write(...lines: string[]): void {
    this.append(lines.map((line) => `${line}\n`).join(""));
  }

  append(text: string): void {
    Deno.writeTextFileSync(this.file, text, { append: true });
  }

  /** Rotates as logrotate does with `create`. */
  rename(): void {
    Deno.renameSync(this.file, `${this.file}.1`);
    Deno.writeTextFileSync(this.file, "");
  }

  /** Rotates as logrotate does with `copytruncate`. */
  copyAndTruncate(): void {
    Deno.copyFileSync(this.file, `${this.file}.1`);
    Deno.truncateSync(this.file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** `test` begins once the earlier lines of the log have been skipped. */
export async function following(
  test: (log: TestLog, sense: TestSense) => Promise<void>,
): Promise<void> {
  await using log = new TestLog();
  log.write("old ERROR");
  await using sense = new TestSense("log-pattern", log.grants);
  assert.deepEqual(await sense.compute(log.config), { kind: "null" }, "what was there before does not count");
  await test(log, sense);
}
