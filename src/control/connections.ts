/** Limits a server's connections (node:http), and the time of each. Used by unix_server.ts and tcp_server.ts. */
import type { Socket } from "node:net";
import { readDescriptorLimit } from "../base/descriptor_limit.ts";
import { requestMaxMs } from "../base/limits.ts";
import type { CancelTimer, Clock } from "../base/time.ts";

/** Answers a request that is not valid HTTP, or is too large, with status 400, and closes the connection. */
export function rejectRequest(socket: Socket): void {
  if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
  socket.destroySoon();
}

/** For each connection, the requests that wait for the answers to earlier ones. */
export class RequestLines {
  readonly #last = new WeakMap<Socket, Promise<void>>();

  /** Runs `answer` when the requests before it are answered. `answer` must never reject. */
  async enter(socket: Socket, answer: () => Promise<void>): Promise<void> {
    const before = this.#last.get(socket);
    const answered = before === undefined ? answer() : before.then(nextTurn).then(answer);
    this.#last.set(socket, answered);
    await answered;
    if (this.#last.get(socket) === answered) this.#last.delete(socket);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export interface ConnectionLimits {
  readonly max: number;
  /** The share of the process's file descriptors. */
  readonly share: number;
  /** Whether, at the limit, a new connection replaces the oldest one without a whole request. */
  readonly makesRoom?: boolean;
}

/** All connections, each with the deadline for its next request. */
export class Connections {
  readonly #clock: Clock;
  /** Null: the whole request has arrived. */
  readonly #deadlines = new Map<Socket, CancelTimer | null>();
  /** Connections with a request that is not answered yet. */
  readonly #busy = new Set<Socket>();
  readonly #max: number;
  readonly #makesRoom: boolean;
  #closing = false;

  constructor(clock: Clock, { max, share, makesRoom = false }: ConnectionLimits) {
    this.#clock = clock;
    this.#makesRoom = makesRoom;
    this.#max = Math.min(max, Math.floor((readDescriptorLimit() ?? Infinity) * share));
  }

  add(socket: Socket): void {
    if (this.#deadlines.size >= this.#max && this.#makesRoom) this.#endOldestWaiting();
    if (this.#closing || this.#deadlines.size >= this.#max) return void socket.destroy();
    socket.on("error", () => {});
    socket.once("close", () => this.#forget(socket));
    this.#startDeadline(socket);
  }

  markBusy(socket: Socket): void {
    this.#busy.add(socket);
  }

  markReceived(socket: Socket): void {
    this.#deadlines.get(socket)?.();
    if (this.#deadlines.has(socket)) this.#deadlines.set(socket, null);
  }

  /** Starts the deadline for the next request. One that was rejected before all of it arrived keeps its own. */
  markAnswered(socket: Socket): void {
    this.#busy.delete(socket);
    if (this.#closing) socket.destroySoon();
    else if (this.#deadlines.get(socket) === null) this.#startDeadline(socket);
  }

  /** Accepts no further requests: idle connections end now, the others after their answer. */
  close(): void {
    this.#closing = true;
    for (const socket of [...this.#deadlines.keys()]) if (!this.#busy.has(socket)) socket.destroy();
  }

  destroyAll(): void {
    for (const socket of [...this.#deadlines.keys()]) socket.destroy();
  }

  #endOldestWaiting(): void {
    for (const [socket, deadline] of this.#deadlines) {
      if (deadline === null) continue;
      this.#forget(socket);
      return void socket.destroy();
    }
  }

  #forget(socket: Socket): void {
    this.markReceived(socket);
    this.#deadlines.delete(socket);
    this.#busy.delete(socket);
  }

  #startDeadline(socket: Socket): void {
    this.#deadlines.set(socket, this.#clock.after(requestMaxMs, () => socket.destroy()));
  }
}
