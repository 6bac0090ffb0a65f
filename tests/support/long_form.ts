/**
 * What the gate leaves to `deno task long`: tests that take many seconds and whose kind has a shorter one in the gate.
 */
export const isLong: boolean = Deno.env.get("NERVE_LONG") === "1";

export function longTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !isLong, fn });
}
