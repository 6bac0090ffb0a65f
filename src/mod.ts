/**
 * nerve for embedding: runs a kernel inside your own program.
 * @module
 */
export { createKernel, type KernelOptions } from "./daemon/embedded_kernel.ts";
export type { Kernel } from "./kernel/kernel.ts";
export { type Directive, type OutputRoute, routeSenseComputeOutput } from "./sensing/directive.ts";
// Use `loadNerveConfig` for a kernel: `parseNerveConfig` checks only the text, not the paths of the grants.
export { NerveError } from "./base/errors.ts";
export { type Diagnostic, formatProblems } from "./config/diagnostic.ts";
export { loadNerveConfig } from "./config/load.ts";
export { type ParsedConfig, parseNerveConfig } from "./config/parse.ts";
export type { NerveConfig } from "./config/types.ts";
export { type WorkspacePaths, workspacePaths } from "./config/workspace.ts";
export type { ComputeResult, Health, StartRunRequest } from "./protocol/api.ts";
export type { KernelEvent } from "./protocol/event.ts";
export type { Run } from "./protocol/run.ts";
export type { Signal, Trigger } from "./protocol/signal.ts";
