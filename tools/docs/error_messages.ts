/**
 * Reads from the syntax of nerve's modules which messages each error code has: every `new NerveError("CODE", message)`,
 * also where the message comes from a constant, a condition, or a function of the same file. Values that are inserted
 * into a message are shown as `...`.
 */
import { parse } from "@babel/parser";

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** Messages by code, each once, sorted. */
export function errorMessages(sources: Iterable<string>): Map<string, string[]> {
  const found = new Map<string, Set<string>>();
  for (const source of sources) {
    const module = new ModuleMessages(source);
    for (const [code, message] of module.all()) found.set(code, (found.get(code) ?? new Set()).add(message));
  }
  return new Map([...found].map(([code, messages]) => [code, [...messages].sort()]));
}

/** A node, and the blocks and functions around it, innermost first. */
interface Placed {
  readonly node: Node;
  readonly around: readonly Node[];
}

class ModuleMessages {
  readonly #nodes: Placed[] = [];

  constructor(source: string) {
    const { program } = parse(source, { sourceType: "module", plugins: ["typescript", "importAttributes"] });
    this.#visit(program, []);
  }

  *all(): Generator<[code: string, message: string]> {
    for (const { node, around } of this.#nodes) {
      if (node.type !== "NewExpression" || nameOf(node.callee) !== "NerveError") continue;
      const [code, message] = node.arguments as Node[];
      if (code === undefined || message === undefined) continue;
      for (const each of textsOf(code).filter((text) => /^[A-Z_]+$/.test(text))) {
        for (const text of this.#messages(message, around)) yield [each, text];
      }
    }
  }

  #visit(value: unknown, around: readonly Node[]): void {
    if (Array.isArray(value)) return value.forEach((each) => this.#visit(each, around));
    if (!isNode(value)) return;
    this.#nodes.push({ node: value, around });
    const inner = /Function|Method|BlockStatement/.test(value.type) ? [value, ...around] : around;
    for (const child of Object.values(value)) this.#visit(child, inner);
  }

  #messages(message: Node, around: readonly Node[]): string[] {
    if (message.type === "CallExpression") return this.#returnedBy(nameOf(message.callee));
    if (message.type !== "Identifier") return textsOf(message);
    const name = nameOf(message);
    for (const scope of around) {
      const at = Array.isArray(scope.params) ? scope.params.findIndex((each) => nameOf(each) === name) : -1;
      if (at >= 0) return this.#argumentsOf(nameOf(scope.id), at);
      const declared = this.#nodes.find(({ node, around: [place] }) =>
        place === scope && node.type === "VariableDeclarator" && nameOf(node.id) === name
      );
      if (declared !== undefined) return isNode(declared.node.init) ? textsOf(declared.node.init) : [];
    }
    return [];
  }

  /** What a function of this module returns. */
  #returnedBy(name: string | null): string[] {
    return this.#nodes.flatMap(({ node, around }) => {
      const owner = around.find((each) => each.type === "FunctionDeclaration");
      const isReturn = node.type === "ReturnStatement" && name !== null && nameOf(owner?.id) === name;
      return isReturn && isNode(node.argument) ? textsOf(node.argument) : [];
    });
  }

  /** The values that calls of a function of this module pass as an argument. */
  #argumentsOf(name: string | null, at: number): string[] {
    return this.#nodes.flatMap(({ node }) => {
      const isCall = name !== null && node.type === "CallExpression" && nameOf(node.callee) === name;
      const given: unknown = isCall ? (node.arguments as Node[])[at] : null;
      return isNode(given) ? textsOf(given) : [];
    });
  }
}

/** The texts that an expression may evaluate to; empty where that is not known. */
function textsOf(node: Node): string[] {
  switch (node.type) {
    case "StringLiteral":
      return [String(node.value)];
    case "TemplateLiteral": {
      const quasis = node.quasis as { value: { cooked: string } }[];
      const text = quasis.map(({ value }) => value.cooked).join("...");
      return /[A-Za-z]{3}/.test(text) ? [text] : [];
    }
    case "ConditionalExpression":
      return [...textsOf(node.consequent as Node), ...textsOf(node.alternate as Node)];
    case "BinaryExpression": {
      const [left] = textsOf(node.left as Node), [right] = textsOf(node.right as Node);
      return left === undefined || right === undefined ? [] : [left + right];
    }
    default:
      return [];
  }
}

function nameOf(node: unknown): string | null {
  return isNode(node) && typeof node.name === "string" ? node.name : null;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, "type") === "string";
}
