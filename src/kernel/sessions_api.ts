/**
 * Sessions of agents for the control API: their records on disk, their transcripts, and ending them by hand. Part of
 * kernel_api.ts, created by wiring.ts.
 */
import { unknownSession } from "../protocol/common_errors.ts";
import type { EndSessionReply, SessionPage, SessionQuery, SessionRecord } from "../protocol/session.ts";
import type { TranscriptPage } from "../protocol/transcript.ts";
import { readTranscript, type TranscriptQuery } from "../store/agents/transcript_reader.ts";
import type { Store } from "../store/store.ts";
import type { Agents } from "./agents.ts";
import type { CurrentSecrets } from "./current_secrets.ts";

export interface SessionsApiPorts {
  readonly store: Store;
  readonly secrets: CurrentSecrets;
  readonly agents: Pick<Agents, "endSession" | "flushTranscripts">;
  /** The folder of the transcripts. */
  readonly transcripts: string;
}

/** All methods but `list` throw SESSION_UNKNOWN. */
export class SessionsApi {
  readonly #ports: SessionsApiPorts;

  constructor(ports: SessionsApiPorts) {
    this.#ports = ports;
  }

  list(query: SessionQuery): SessionPage {
    const { store, secrets } = this.#ports;
    // The list must include everything that has been reported to callers.
    store.flush();
    return secrets.mask(store.reader.sessions(query));
  }

  one(id: string): SessionRecord {
    return this.#ports.secrets.mask(this.#read(id));
  }

  async transcript(id: string, query: TranscriptQuery): Promise<TranscriptPage> {
    const { secrets, agents, transcripts } = this.#ports, session = this.#read(id);
    await agents.flushTranscripts();
    return secrets.mask(await readTranscript(transcripts, session.id, query));
  }

  /** The run continues: a role that waits for an answer fails, and a later role of that session begins a new one. */
  async end(id: string, reason: string): Promise<EndSessionReply> {
    const before = this.#read(id), changed = before.state !== "ENDED";
    if (changed) await this.#ports.agents.endSession(before, reason);
    await this.#ports.store.log.durable();
    return { changed, session: this.one(id) };
  }

  #read(id: string): SessionRecord {
    const { store } = this.#ports;
    store.flush();
    const session = store.reader.session(id);
    if (session === null) throw unknownSession(id);
    return session;
  }
}
