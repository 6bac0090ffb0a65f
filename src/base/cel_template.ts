/**
 * Texts with expressions in them: `{{ signal.path }} is full`. Pure; cel.ts has the expressions.
 */
import { type CelExpression, type CelFault, type CelField, type CelVariables, compileCel } from "./cel.ts";
import { err, ok, type Result } from "./result.ts";

export interface CelTemplate {
  /** The fields of all expressions; `start` is the offset in the text. */
  readonly fields: readonly CelField[];
  uses(variable: string): boolean;
  /** Throws an Error when one of its expressions does. */
  render(values: Readonly<Record<string, unknown>>): string;
}

/** Offsets of faults are relative to the whole text. Text without `{{` is a template too. */
export function compileTemplate(text: string, variables: CelVariables): Result<CelTemplate, CelFault[]> {
  const parts: (string | CelExpression)[] = [], faults: CelFault[] = [], fields: CelField[] = [];
  let at = 0;
  for (let open = text.indexOf("{{"); open >= 0; open = text.indexOf("{{", at)) {
    parts.push(text.slice(at, open));
    const close = findClose(text, open + 2);
    if (close < 0) {
      return err([...faults, { message: "{{ has no }}", hint: "write {{ signal.path }}", start: open }]);
    }
    const compiled = compileCel(text.slice(open + 2, close), variables, "any");
    if (compiled.ok) {
      parts.push(compiled.value);
      fields.push(...compiled.value.fields.map((field) => ({ ...field, start: open + 2 + field.start })));
    } else faults.push({ ...compiled.error, start: open + 2 + compiled.error.start });
    at = close + 2;
  }
  parts.push(text.slice(at));
  if (faults.length > 0) return err(faults);
  return ok({
    fields,
    uses: (variable) => parts.some((part) => typeof part !== "string" && part.uses(variable)),
    render: (values) => parts.map((part) => typeof part === "string" ? part : toText(part.evaluate(values))).join(""),
  });
}

/** The index of the `}}` that ends an expression, outside its quotes; negative when there is none. */
function findClose(text: string, from: number): number {
  let quote = "";
  for (let at = from; at < text.length; at++) {
    const character = text[at] ?? "";
    if (quote !== "") {
      if (character === "\\") at++;
      else if (character === quote) quote = "";
    } else if (character === "'" || character === '"') quote = character;
    else if (character === "}" && text[at + 1] === "}") return at;
  }
  return -1;
}

/** The value as text. Fractions get at most six significant digits: measurements have no more, and 0.1 + 0.2 is 0.3. */
export function toText(value: unknown): string {
  if (typeof value === "number") {
    // A whole number keeps its digits: it may be an id.
    return Number.isSafeInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
  }
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Date) return value.toISOString();
  return JSON.stringify(value, (_, each) => typeof each === "bigint" ? Number(each) : each) ?? "";
}
