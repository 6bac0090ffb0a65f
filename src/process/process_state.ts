/** The states of one process; unit_process.ts moves it through them, from first to last. */
import type { LineChannel } from "../protocol/line_channel.ts";
import type { ToProcess } from "../protocol/message.ts";

export type ProcessState =
  | { readonly tag: "waiting"; readonly queued: ToProcess[] }
  | { readonly tag: "starting"; readonly queued: ToProcess[] }
  | { readonly tag: "ready"; readonly channel: LineChannel }
  | { readonly tag: "ending"; readonly channel: LineChannel | null }
  | { readonly tag: "exited" };
