/** Bounds the connections of a server of node:http, and the time that each may take. Used by unix_server.ts and tcp_server.ts. */
import type { Socket } from "node:net";
import { readDescriptorLimit } from "../base/descriptor_limit.ts";
import { requestMaxMs } from "../base/limits.ts";
import type { CancelTimer, Clock } from "../base/time.ts";

/** Answers a request that is not valid HTTP, or is too large, with status 400, and closes the connection. */
export function rejectRequest(socket: Socket): void {
  if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
  socket.destroySoon();
}

/** The requests of each connection that wait for the answers to those before them. */
export class RequestLines {
  readonly #last = new WeakMap<Socket, Promise<void>>();

  /** Runs `answer` when the requests before it are answered. It never rejects. */
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
  /** Of the process's descriptors. */
  readonly share: number;
  /** At the bound, the connection that has been open longest of those without a whole request makes room for a new one. */
  readonly makesRoom?: boolean;
}

/** All connections, each with the deadline for its next request. */
export class Connections {
  readonly #clock: Clock;
  /** Null: the request has arrived as a whole. */
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

  /**
   * Starts the deadline for the next request. A request that was rejected before it arrived as a whole keeps its own.
   */
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
