import type { Server } from "node:net";
import { RouterError } from "@turnout/shared";

/**
 * listenOn binds a server and gives the port it got (0 asks the system for a free one). A taken port is an error that names the setting
 * which changes it: never silently another port.
 */
export function listenOn(server: Server, host: string, port: number, setting: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      reject(
        error.code === "EADDRINUSE"
          ? new RouterError(
              "port_in_use",
              `${host}:${port} is taken by another process. Stop it, or choose another port with ${setting}.`,
              { cause: error },
            )
          : new RouterError(
              "config_invalid",
              `cannot listen on ${host}:${port} (${error.message}); choose another address or port with ${setting}`,
              {
                cause: error,
              },
            ),
      );
    };
    server.once("error", onError);
    server.listen(port, host, () => {
      server.off("error", onError);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}
