/**
 * Gives the demo gateway something to show: a handful of short conversations, then one now and then. It connects with
 * a device that is never paired and holds write scope only while a turn runs. The texts are ours and say nothing.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { openGateway } from "../gateway/client.ts";
import type { GatewayConnection } from "../gateway/client.ts";
import { GatewayCredential } from "../gateway/credential.ts";
import { transientDevice } from "../gateway/device.ts";
import { GatewayError } from "../gateway/faults.ts";
import { field } from "../gateway/wire.ts";

/** A turn takes a second; the first one loads the gateway's model code. */
const TURN_MILLISECONDS = 60_000;
export const TRICKLE_MILLISECONDS = 300_000;

const conversations = [
  { session: "morning-brief", messages: ["What is on today?", "Anything that cannot wait?"] },
  { session: "house", messages: ["Is everything quiet at home?"] },
  { session: "reading-list", messages: ["Suggest something to read.", "Something shorter."] },
  { session: "garden", messages: ["Should the tomatoes be watered?"] },
] as const;

const trickle = ["Still quiet?", "Anything new?", "How does the day look?"] as const;

export interface Turn {
  readonly session: string;
  readonly message: string;
}

export interface ActivityDeps {
  readonly url: string;
  readonly token: string;
  readonly agentVersion: string;
  readonly log: (code: string, detail: Readonly<Record<string, string>>) => void;
}

/** Runs these turns one after the other on one connection. Rejects with a `GatewayError`. */
export async function runTurns(deps: ActivityDeps, turns: readonly Turn[]): Promise<void> {
  const connection = await connect(deps);
  try {
    for (const turn of turns) await runTurn(connection, turn);
  } finally {
    connection.close();
  }
}

/** Seeds an empty gateway, then adds a turn every few minutes until `signal` says stop. Never rejects. */
export async function keepActive(
  deps: ActivityDeps,
  signal: AbortSignal,
  pause: number = TRICKLE_MILLISECONDS,
): Promise<void> {
  await attempt(deps, () => seed(deps));
  for (let number = 0; !signal.aborted; number += 1) {
    const isOver = await wait(pause, false, { signal, ref: false }).catch(() => true);
    if (isOver) return;
    const conversation = conversations[number % conversations.length];
    const message = trickle[number % trickle.length];
    if (conversation === undefined || message === undefined) continue;
    await attempt(deps, () => runTurns(deps, [{ session: conversation.session, message }]));
  }
}

async function seed(deps: ActivityDeps): Promise<void> {
  const connection = await connect(deps);
  try {
    if (field(await connection.call("sessions.list", { limit: 1 }), "totalCount") !== 0) return;
    for (const { session, messages } of conversations) {
      for (const message of messages) await runTurn(connection, { session, message });
    }
  } finally {
    connection.close();
  }
}

/** A demo without activity is still a demo: a gateway that restarts in the middle of a turn is not an error. */
async function attempt(deps: ActivityDeps, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    deps.log("demo_turn_failed", { fault: error.fault });
  }
}

function connect(deps: ActivityDeps): Promise<GatewayConnection> {
  return openGateway({
    url: deps.url,
    handshake: {
      device: transientDevice("demo"),
      client: "transient",
      scopes: ["operator.write", "operator.read"],
      proof: { kind: "shared", credential: new GatewayCredential("token", deps.token) },
      agentVersion: deps.agentVersion,
      platform: "linux",
    },
  });
}

async function runTurn(connection: GatewayConnection, turn: Turn): Promise<void> {
  await connection.call(
    "agent",
    { message: turn.message, sessionKey: `agent:main:${turn.session}`, idempotencyKey: randomUUID() },
    { final: true, milliseconds: TURN_MILLISECONDS },
  );
}
