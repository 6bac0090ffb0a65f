/**
 * How log-pattern follows random lives of a log file: it returns what was written, in order, once each. A bug here
 * would look like an alarm that comes twice, or never.
 */
import assert from "node:assert/strict";
import { findFirstPlace, type Place, readNewLines } from "../../../senses/log-pattern/follow.ts";
import fc from "../../support/fast_check.ts";

type Step =
  | { readonly do: "write"; readonly text: string }
  | { readonly do: "begin" | "rename" | "copy" }
  | { readonly do: "read"; readonly bytesMax: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("write" as const), text: fc.string({ maxLength: 40, unit: "binary" }) }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ do: "begin" as const }, { do: "rename" as const }, { do: "copy" as const }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("read" as const), bytesMax: fc.constantFrom(1, 50, 1_000_000) }),
  },
);

/** A log, its writer and its reader. Between two rotations the reader catches up, as it must in real use. */
class Life {
  readonly #folder = Deno.makeTempDirSync({ prefix: "nerve-follow-" });
  readonly #file = `${this.#folder}/log`;
  readonly written: string[] = [];
  readonly read: string[] = [];
  #isLineOpen = false;
  #place: Place | null = null;

  async live(steps: readonly Step[]): Promise<void> {
    Deno.writeTextFileSync(this.#file, "from before\n");
    this.#place = await findFirstPlace(this.#file, { rotated: `${this.#file}.1`, encoding: null }, false);
    for (const each of [...steps, { do: "read", bytesMax: 1_000_000 } as const]) {
      if (each.do === "write") this.#write(each.text);
      else if (each.do === "begin") this.#begin();
      else if (each.do === "read") await this.#readOn(each.bytesMax);
      else await this.#rotate(each.do);
    }
    await Deno.remove(this.#folder, { recursive: true });
  }

  #append(text: string): void {
    Deno.writeTextFileSync(this.#file, text, { append: true });
  }

  /** A line may begin in one write and end in another. */
  #begin(): void {
    if (!this.#isLineOpen) this.#append("begun ");
    this.#isLineOpen = true;
  }

  #write(text: string): void {
    // Lone surrogates cannot be written as UTF-8, and a byte order mark at the beginning would be taken for the
    // encoding's. The number matters: a log that is emptied and then gets the same bytes again cannot be told from one
    // that never changed.
    const line = `#${this.written.length} ${text.toWellFormed().replaceAll(/[\r\n]/g, " ")}`;
    this.#append(`${line}\n`);
    this.written.push(this.#isLineOpen ? `begun ${line}` : line);
    this.#isLineOpen = false;
  }

  async #rotate(how: "rename" | "copy"): Promise<void> {
    if (this.#isLineOpen) this.#write("end");
    await this.#readOn(1_000_000);
    this.#write("the last line before the rotation");
    // As logrotate does: the copy is a new file, which takes the place of the last one.
    await Deno.rename(`${this.#file}.1`, `${this.#file}.2`).catch(() => {});
    if (how === "rename") {
      Deno.renameSync(this.#file, `${this.#file}.1`);
      Deno.writeTextFileSync(this.#file, "");
    } else {
      Deno.copyFileSync(this.#file, `${this.#file}.1`);
      Deno.truncateSync(this.#file);
    }
  }

  async #readOn(bytesMax: number): Promise<void> {
    assert.ok(this.#place !== null);
    const { place, missed } = await readNewLines(this.#place, {
      file: this.#file,
      rotated: `${this.#file}.1`,
      encoding: null,
      isEnough: (bytes) => bytes >= bytesMax,
      onLine: (line) => this.read.push(line),
    });
    assert.equal(missed, null);
    this.#place = place;
  }
}

Deno.test("every line of a log is passed on once, in order, across every kind of rotation", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const life = new Life();
      await life.live(steps);
      assert.deepEqual(life.read, life.written);
    }),
    { numRuns: 150 },
  );
});
