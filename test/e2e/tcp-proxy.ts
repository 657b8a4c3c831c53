/** A TCP proxy on loopback that spoils a connection on purpose: slow, by the byte, silent, cut. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** What happens to the bytes that the server sends. */
export type ProxyMode =
  | { readonly kind: "pass" }
  | { readonly kind: "delay"; readonly ms: number }
  /** Up to `ms` late, now more, now less; in order on each connection, not between them. */
  | { readonly kind: "jitter"; readonly ms: number }
  /** One byte per interval. */
  | { readonly kind: "trickle"; readonly ms: number }
  /** Nothing passes in either direction; both ends believe to be connected. */
  | { readonly kind: "silent" }
  /** Each reply is cut in its middle by a RST. */
  | { readonly kind: "reset" };

export interface TcpProxy {
  readonly port: number;
  set(mode: ProxyMode): void;
  /** Connections that clients have open. */
  connections(): number;
  close(): Promise<void>;
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let mode: ProxyMode = { kind: "pass" };
  const pairs = new Set<readonly [Socket, Socket]>();
  const timers = new Set<NodeJS.Timeout>();

  function later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
  }

  const server = createServer((client) => {
    const upstream = connect(targetPort, "127.0.0.1");
    const pair = [client, upstream] as const;
    pairs.add(pair);
    // Replies stay in order, also when the mode changes while some are on their way.
    let freeAt = 0;
    const send = (bytes: Buffer, afterMs: number) => {
      freeAt = Math.max(freeAt, performance.now() + afterMs);
      const wait = freeAt - performance.now();
      if (wait <= 0) client.write(bytes);
      else later(wait, () => !client.destroyed && client.write(bytes));
    };
    client.on("data", (bytes) => mode.kind !== "silent" && upstream.write(bytes));
    upstream.on("data", (bytes) => {
      if (mode.kind === "pass") send(bytes, 0);
      else if (mode.kind === "delay") send(bytes, mode.ms);
      else if (mode.kind === "jitter") send(bytes, Math.random() * mode.ms);
      else if (mode.kind === "trickle") for (let at = 0; at < bytes.length; at += 1) send(bytes.subarray(at, at + 1), (at + 1) * mode.ms);
      else if (mode.kind === "reset") {
        client.write(bytes.subarray(0, bytes.length >> 1), () => client.resetAndDestroy());
      }
    });
    for (const [socket, other] of [pair, [upstream, client] as const]) {
      socket.on("error", () => undefined);
      socket.on("close", () => {
        pairs.delete(pair);
        other.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    port: (server.address() as AddressInfo).port,
    set: (next) => (mode = next),
    connections: () => pairs.size,
    async close() {
      for (const timer of timers) clearTimeout(timer);
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
