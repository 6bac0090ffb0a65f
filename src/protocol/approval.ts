/** Approvals: the requests of runs for a person's decision, and the decisions. */
import * as z from "zod";
import { messageContentMaxBytes } from "../base/limits.ts";
import {
  approvalByMaxChars,
  approvalCommentMaxChars,
  approvalSignatureMaxChars,
  approvalTokenMaxChars,
} from "../base/wait_limits.ts";
import { jsonObjectSchema } from "./json_schema.ts";
import { runIdSchema } from "./run.ts";
import { nameSchema } from "./signal.ts";

/** `decided`: by an option other than approve, reject and abort. */
export const approvalStateSchema = z.enum(["pending", "approved", "rejected", "aborted", "decided", "expired"]);
export type ApprovalState = z.infer<typeof approvalStateSchema>;

/** Who decided: a person, or the expiry of the request. */
export const decisionHowSchema = z.enum(["person", "expiry"]);
export type DecisionHow = z.infer<typeof decisionHowSchema>;

/**
 * Requests of the kernel about the agents of a run, independent of what the run waits for: a lost session, leave for a
 * tool, a budget.
 */
export const agentRequestKinds = ["session", "leave", "budget"] as const;
export type AgentRequestKind = (typeof agentRequestKinds)[number];

export function isAgentRequest(kind: string): kind is AgentRequestKind {
  return agentRequestKinds.some((each) => each === kind);
}

/** A request without its body, for lists. Times are milliseconds. */
export const approvalSummarySchema = z.object({
  /**
   * `RUN:GATE::N`: the N-th request of that gate of the run; `RUN:ROLE:recovery:N` for a role whose outcome is unknown.
   * Requests about agents have the gates `session_recovery_required`, `leave` and `budget`.
   */
  id: z.string(),
  runId: runIdSchema,
  workflow: nameSchema,
  round: z.int(),
  role: z.string(),
  gate: z.string(),
  /**
   * `recovery`: a role that runs once has begun, and its outcome is unknown. `session`: sessions with agents are lost.
   * `leave`: an agent asks for leave to use a tool. `budget`: the budget of agents is used up.
   */
  kind: z.enum(["gate", "recovery", ...agentRequestKinds]),
  title: z.string(),
  options: z.array(z.string()),
  /** A digest of the workflow and its code, the run, the messages before, and everything shown. A decision names it. */
  digest: z.string(),
  state: approvalStateSchema,
  /** Whether the request can be decided: it is pending, and its run has not ended. */
  open: z.boolean(),
  created: z.number(),
  expires: z.number().nullable(),
  /** The option that becomes the decision at expiry. */
  onExpiry: z.string().nullable(),
  /** The people and groups that the gate names; null: none. */
  approvers: z.array(z.string()).nullable(),
  decision: z.string().nullable(),
  by: z.string().nullable(),
  how: decisionHowSchema.nullable(),
  /** The fingerprint of the key that signed the decision. */
  key: z.string().nullable(),
  comment: z.string().nullable(),
  decided: z.number().nullable(),
});
export type ApprovalSummary = z.infer<typeof approvalSummarySchema>;

/** `body`: what the decision is about, as Markdown. `signature`: of the decision, as `ssh-keygen -Y sign` writes it. */
export const approvalSchema = approvalSummarySchema.extend({ body: z.string(), signature: z.string().nullable() });
export type Approval = z.infer<typeof approvalSchema>;

/** A request, with the token of its decision. */
export interface StoredApproval {
  readonly approval: Approval;
  readonly token: string | null;
}

/** A new request; the database adds its state. */
export type NewApproval = Pick<
  Approval,
  | "id"
  | "round"
  | "role"
  | "gate"
  | "kind"
  | "title"
  | "body"
  | "options"
  | "digest"
  | "created"
  | "expires"
  | "onExpiry"
  | "approvers"
>;

/** The decision of a request. `token` is null for an expiry. */
export type ApprovalDecision = {
  readonly id: string;
  readonly digest: string;
  readonly state: Exclude<ApprovalState, "pending">;
  readonly decision: string;
  readonly by: string | null;
  readonly how: DecisionHow;
  readonly token: string | null;
  readonly comment: string | null;
  /** Null: the decision is not signed. */
  readonly key: string | null;
  readonly signature: string | null;
  readonly decided: number;
};

/**
 * `token`: chosen by the client, and the same at every retry: the same option with the same token is one decision.
 * `by`: the name of the person, as the client states it; with `approvers` in nerve.yaml, the person whose key signed.
 * `signature`: of `toSignedText`, as `ssh-keygen -Y sign -n nerve-approval` writes it. `content` and `meta`: the role's
 * message, when a recovery is decided as done.
 */
export const decisionRequestSchema = z.strictObject({
  option: z.string(),
  digest: z.string(),
  token: z.string().min(1).max(approvalTokenMaxChars),
  by: z.string().min(1).max(approvalByMaxChars).optional(),
  comment: z.string().max(approvalCommentMaxChars).optional(),
  signature: z.string().max(approvalSignatureMaxChars).optional(),
  content: z.string().max(messageContentMaxBytes).optional(),
  meta: jsonObjectSchema.optional(),
});
export type DecisionRequest = z.infer<typeof decisionRequestSchema>;

/** `replayed`: this token or this person had made the same decision before; nothing has changed. */
export const decisionReplySchema = z.object({ replayed: z.boolean(), approval: approvalSchema });
export type DecisionReply = z.infer<typeof decisionReplySchema>;

/** How many requests are open, when the oldest was made, and how many expired in the last 7 days. */
export const approvalCountsSchema = z.object({
  open: z.int(),
  oldest: z.number().nullable(),
  expired: z.int().default(0),
});
export type ApprovalCounts = z.infer<typeof approvalCountsSchema>;

/** The payload of a run of the workflow `approvals.notify`. Times are milliseconds. */
export type ApprovalNotice = {
  readonly request: string;
  readonly runId: string;
  readonly workflow: string;
  readonly role: string;
  readonly title: string;
  readonly options: string[];
  /** Null: the gate names no one. */
  readonly approvers: string[] | null;
  readonly created: number;
  readonly expires: number | null;
  /** How many notices were sent before. */
  readonly reminder: number;
};

/** Which requests to list: the open ones, oldest first; with `all` every one, newest first. */
export interface ApprovalQuery {
  readonly runId?: string;
  readonly all: boolean;
  readonly limit: number;
  readonly offset: number;
}

/** `total` counts every request that matches the filter. */
export const approvalPageSchema = z.object({ total: z.int(), items: z.array(approvalSummarySchema) });
export type ApprovalPage = z.infer<typeof approvalPageSchema>;

/**
 * A page of the control API. `approvers`: the people of nerve.yaml; without any, every caller of the API may decide.
 */
export const approvalListSchema = approvalPageSchema.extend({ approvers: z.array(z.string()).default([]) });
export type ApprovalList = z.infer<typeof approvalListSchema>;

/** The namespace (`ssh-keygen -n`) of a decision's signature. */
export const approvalNamespace = "nerve-approval";

/** The text that an approver signs: the request, what it shows, and the decision. */
export function toSignedText(
  { id, digest }: Pick<Approval, "id" | "digest">,
  { option, comment = "", content, meta }: Pick<DecisionRequest, "option" | "comment" | "content" | "meta">,
): string {
  const lines = ["nerve approval", `request ${JSON.stringify(id)}`, `digest ${digest}`, `option ${option}`];
  if (comment !== "") lines.push(`comment ${JSON.stringify(comment)}`);
  if (content !== undefined) lines.push(`content ${JSON.stringify(content)}`);
  if (meta !== undefined) lines.push(`meta ${JSON.stringify(meta)}`);
  return `${lines.join("\n")}\n`;
}

/** The state of a request after the decision for this option. */
export function stateOfDecision(option: string): Exclude<ApprovalState, "pending" | "expired"> {
  return option === "approve"
    ? "approved"
    : option === "reject"
    ? "rejected"
    : option === "abort"
    ? "aborted"
    : "decided";
}
