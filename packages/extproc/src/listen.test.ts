import { once } from "node:events";
import { createServer } from "node:net";
import { expect, it } from "vitest";
import { listenOn } from "./listen.ts";

it("gives the port it got", async () => {
  const server = createServer();
  expect(await listenOn(server, "127.0.0.1", 0, "--port")).toBeGreaterThan(0);
  server.close();
});

it("names the setting of a port that is taken", async () => {
  const squatter = createServer().listen(0, "127.0.0.1");
  await once(squatter, "listening");
  const address = squatter.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const refused = listenOn(createServer(), "127.0.0.1", port, "--port");
  await expect(refused).rejects.toMatchObject({ code: "port_in_use", message: expect.stringContaining("--port") as string });
  squatter.close();
});

it("names the setting of an address that is not ours: a mistake of the configuration, not a bug", async () => {
  const refused = listenOn(createServer(), "203.0.113.1", 0, "--address");
  await expect(refused).rejects.toMatchObject({ code: "config_invalid", message: expect.stringContaining("--address") as string });
});
