/** The gateway's owner at its own terminal: makes things happen in it that somebody could look at. */
import { randomUUID } from "node:crypto";
import { openGateway, type GatewayConnection } from "../../../agent/host/gateway/client.ts";
import { GatewayCredential } from "../../../agent/host/gateway/credential.ts";
import { transientDevice } from "../../../agent/host/gateway/device.ts";

const A_YEAR_MS = 31_536_000_000;

export class GatewayOwner {
  readonly #connection: GatewayConnection;

  private constructor(connection: GatewayConnection) {
    this.#connection = connection;
  }

  static async open(url: string, token: string): Promise<GatewayOwner> {
    const connection = await openGateway({
      url,
      handshake: {
        device: transientDevice("bench"),
        client: "transient",
        scopes: ["operator.admin", "operator.read", "operator.write"],
        proof: { kind: "shared", credential: new GatewayCredential("token", token) },
        agentVersion: "0.0.0",
        platform: "linux",
      },
    });
    return new GatewayOwner(connection);
  }

  /** Wall clock in milliseconds, with fractions, when the gateway had it. */
  async addJob(name: string): Promise<number> {
    await this.#connection.call("cron.add", {
      name: `${name}-${randomUUID()}`,
      enabled: false,
      schedule: { kind: "every", everyMs: A_YEAR_MS },
      sessionTarget: "isolated",
      wakeMode: "now",
      payload: { kind: "agentTurn", message: "nothing" },
    });
    return performance.timeOrigin + performance.now();
  }
}
