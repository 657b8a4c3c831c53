import { credentials, loadPackageDefinition, type ServiceClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { protoPath as healthProtoPath } from "grpc-health-check";

/** healthAt asks the standard health service at "host:port", as gateways and Kubernetes do. */
export async function healthAt(address: string): Promise<string> {
  const packageDefinition = loadPackageDefinition(loadSync(healthProtoPath, { enums: String }));
  const { Health } = (packageDefinition as unknown as { grpc: { health: { v1: { Health: ServiceClientConstructor } } } }).grpc.health.v1;
  const client = new Health(address, credentials.createInsecure());
  const check = client["Check"] as (request: object, callback: (error: Error | null, reply: { status: string }) => void) => void;
  try {
    return await new Promise((resolve, reject) =>
      check.call(client, {}, (error, reply) => (error === null ? resolve(reply.status) : reject(error))),
    );
  } finally {
    client.close();
  }
}
