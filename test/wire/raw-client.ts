/** Bare HTTP/2 towards the server under test, for what no gRPC client would do: resets by the thousand, broken messages. */
import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";

export class RawClient {
  readonly session: ClientHttp2Session;
  /** GOAWAYs received that tell of an error. */
  goaways = 0;
  closed = false;

  constructor(address: string) {
    // By default Node's client breaks off streams once it holds 10 MB for them.
    this.session = connect(`http://${address}`, { maxSessionMemory: 1000 });
    this.session.on("error", () => {});
    this.session.on("goaway", (code) => {
      if (code !== constants.NGHTTP2_NO_ERROR) this.goaways += 1;
    });
    this.session.on("close", () => {
      this.closed = true;
    });
  }

  open({ reading = true } = {}): ClientHttp2Stream {
    const stream = this.session.request({
      ":method": "POST",
      ":path": "/envoy.service.ext_proc.v3.ExternalProcessor/Process",
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.on("error", () => {});
    if (reading) stream.resume();
    return stream;
  }

  /** pong resolves when the server has read everything sent so far; false when the connection is gone. */
  async pong(): Promise<boolean> {
    if (this.session.connecting) await new Promise((resolve) => this.session.once("connect", resolve));
    return new Promise((resolve) => {
      // Never at once, so that a loop of pongs cannot keep everything else from happening.
      if (this.session.destroyed) setImmediate(() => resolve(false));
      else this.session.ping((error) => setImmediate(() => resolve(error === null)));
    });
  }

  close(): void {
    this.session.destroy();
  }
}

/** frame wraps a message as gRPC does: no compression, length, bytes. */
export function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

export { constants };
