/**
 * Methods of built-in prototypes as functions that take their object as the first argument. Modules of the sandbox
 * capture what they need when they are loaded, which is before any user code: later changes to the prototypes do not
 * affect them.
 */

/** `method` as a function: `uncurried(Map.prototype.get)(map, key)`. */
export function uncurried<This, Args extends unknown[], Result>(
  method: (this: This, ...args: Args) => Result,
): (self: This, ...args: Args) => Result {
  return Function.prototype.bind.call(Function.prototype.call, method) as (self: This, ...args: Args) => Result;
}
