/**
 * Evaluates the expressions of an alert for a signal. Used by alert_runner.ts and by `nerve alert test`. Pure: it
 * compiles a definition whose expressions config/ has checked.
 * I1. Evaluation never throws: an expression that fails is a fault, with its key in nerve.yaml.
 */
import { alertKeyMaxChars, alertSummaryMaxChars } from "../base/alert_limits.ts";
import { type CelExpression, compileCel } from "../base/cel.ts";
import { type CelTemplate, compileTemplate, toText } from "../base/cel_template.ts";
import { formatDuration } from "../base/duration.ts";
import { assert, messageOf } from "../base/errors.ts";
import { toStorableText } from "../base/storable_text.ts";
import { type AlertDefinition, alertKeyVariables, alertVariables } from "../protocol/alert.ts";
import type { AlertRule, Observation } from "./machine.ts";

export type ExpressionName = "when" | "clear" | "key" | "summary";

export interface AlertFault {
  readonly expression: ExpressionName;
  readonly message: string;
}

export type Evaluated<T> = { readonly value: T; readonly fault: null } | { readonly fault: AlertFault };

/** The values for the expressions (protocol/alert.ts). `last` is read only if an expression uses it. */
export interface AlertInput {
  readonly signal: unknown;
  readonly key: string;
  last(): unknown;
}

export class CompiledAlert {
  readonly definition: AlertDefinition;
  readonly rule: AlertRule;
  /** Whether an expression uses the signal before. */
  readonly usesLast: boolean;
  readonly #when: CelExpression | null;
  readonly #clear: CelExpression | null;
  readonly #key: CelExpression | null;
  readonly #summary: CelTemplate | null;

  constructor(definition: AlertDefinition) {
    const { when, clear, key, summary, forMs, keepFiringMs, absentMs } = definition;
    this.definition = definition;
    this.rule = { forMs, keepFiringMs, absentMs };
    this.#when = when === null ? null : compile(when);
    this.#clear = clear === null ? null : compile(clear);
    this.#key = key === null ? null : compile(key, alertKeyVariables);
    this.#summary = summary === null ? null : compileSummary(summary);
    this.usesLast = [this.#when, this.#clear, this.#summary].some((each) => each?.uses("last") === true);
  }

  /** The key of the state that a signal belongs to; empty without `key`. */
  keyOf(signal: unknown): Evaluated<string> {
    const expression = this.#key;
    if (expression === null) return { value: "", fault: null };
    return attempt("key", () => {
      const value = expression.evaluate({ signal, sense: this.definition.sense });
      if (value === null || typeof value === "object") throw new Error("it is neither a text nor a number");
      const text = toStorableText(toText(value));
      if (text.length <= alertKeyMaxChars) return text;
      throw new Error(`it has more than ${alertKeyMaxChars} characters`);
    });
  }

  /**
   * Evaluates `when` and, if needed, `clear`. `holds`: whether the condition holds so far; only then `clear` is
   * evaluated.
   */
  observe(input: AlertInput, holds: boolean): { readonly observation: Observation; readonly fault: AlertFault | null } {
    const when = this.#ask("when", this.#when, input);
    if (when.fault !== null) return { observation: { verdict: null }, fault: when.fault };
    if (when.value || this.#clear === null || !holds) return says(when.value, !when.value);
    const clear = this.#ask("clear", this.#clear, input);
    return clear.fault === null ? says(false, clear.value) : { observation: { verdict: null }, fault: clear.fault };
  }

  /** The summary: one line for a person. */
  summarize(input: AlertInput): { readonly summary: string; readonly fault: AlertFault | null } {
    const template = this.#summary;
    if (template === null) return { summary: this.#nameOf(input.key), fault: null };
    const rendered = attempt("summary", () => template.render(this.#values(input)));
    if (rendered.fault !== null) return { summary: this.#nameOf(input.key), fault: rendered.fault };
    return { summary: cut(rendered.value), fault: null };
  }

  /** The summary of an absence, for which there is no signal with values to show. */
  summarizeAbsence(key: string): string {
    const { sense, absentMs } = this.definition;
    return `${this.#nameOf(key)}: no signal of ${sense} for ${formatDuration(absentMs ?? 0)}`;
  }

  #nameOf(key: string): string {
    return key === "" ? this.definition.name : `${this.definition.name} ${key}`;
  }

  #ask(name: "when" | "clear", expression: CelExpression | null, input: AlertInput): Evaluated<boolean> {
    if (expression === null) return { value: false, fault: null };
    return attempt(name, () => {
      const value = expression.evaluate(this.#values(input));
      if (typeof value === "boolean") return value;
      throw new Error(`it is ${value === null ? "null" : `a ${typeof value}`}, not true or false`);
    });
  }

  #values(input: AlertInput): Record<string, unknown> {
    const { sense } = this.definition;
    return { signal: input.signal, key: input.key, sense, last: this.usesLast ? input.last() : null };
  }
}

function compile(source: string, variables: typeof alertVariables | typeof alertKeyVariables = alertVariables) {
  const compiled = compileCel(source, variables, "any");
  assert(compiled.ok, `the expression ${source} was checked`);
  return compiled.value;
}

function compileSummary(text: string): CelTemplate {
  const compiled = compileTemplate(text, alertVariables);
  assert(compiled.ok, `the summary ${text} was checked`);
  return compiled.value;
}

function says(when: boolean, clear: boolean): { observation: Observation; fault: null } {
  return { observation: { verdict: { when, clear } }, fault: null };
}

function attempt<T>(expression: ExpressionName, evaluate: () => T): Evaluated<T> {
  try {
    return { value: evaluate(), fault: null };
  } catch (thrown) {
    return { fault: { expression, message: messageOf(thrown) } };
  }
}

function cut(text: string): string {
  const line = toStorableText(text.replaceAll(/\s+/g, " ").trim());
  // Some recipients refuse half a surrogate pair at the end.
  return line.length > alertSummaryMaxChars
    ? `${line.slice(0, alertSummaryMaxChars - 3).replace(/[\ud800-\udbff]$/, "")}...`
    : line;
}
