/**
 * A real gateway with a secret or a text of its own in every place where one can be: each canary is planted by the gateway's
 * own means, and is looked for in its files before anything is concluded from not finding it elsewhere.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { openGateway, type GatewayConnection } from "../../agent/host/gateway/client.ts";
import { GatewayCredential } from "../../agent/host/gateway/credential.ts";
import { transientDevice } from "../../agent/host/gateway/device.ts";
import { GatewayError } from "../../agent/host/gateway/faults.ts";
import { field } from "../../agent/host/gateway/wire.ts";
import { startTelegram, type Telegram } from "../agent/host/gateway/fixtures/telegram.ts";
import { startToolGateway, type ToolGateway } from "../agent/host/gateway/fixtures/tool-gateway.ts";
import type { Canary } from "./search.ts";
import { filesBelow } from "./sinks.ts";
import { until } from "./until.ts";

/** Planted in the configuration, under names that promise nothing. */
const CONFIGURED = [
  "environment variable",
  "skill's environment",
  "MCP arguments",
  "MCP environment",
  "MCP headers",
  "address with a password",
  "provider's key",
  "provider's header",
  "channel's token",
  "allow-list",
] as const;
/** Planted by using the gateway. */
const USED = [
  "job's name",
  "job's message",
  "job's arguments",
  "message",
  "session's label",
  "agent's file",
  "file path",
  "provider's error",
  "device's name",
  "device's request",
  "channel's request",
  "command to approve",
  "second command",
  "third command",
] as const;
/** Sealed by the page, in operations. */
const SENT = ["new setting", "new job's message", "edited job's message", "new agent's file", "new sender"] as const;
const places = [...CONFIGURED, ...USED, ...SENT] as const;
export type Place = (typeof places)[number];

export const TALK = "agent:main:talk";
/** Its first agent takes a gateway on a busy machine a while. */
const PATIENCE_MILLISECONDS = 90_000;

interface Parts {
  readonly gateway: ToolGateway;
  readonly telegram: Telegram;
  readonly directory: string;
  readonly texts: ReadonlyMap<Place, string>;
}

export class PlantedGateway {
  readonly gateway: ToolGateway;
  readonly telegram: Telegram;
  readonly directory: string;
  readonly #texts: ReadonlyMap<Place, string>;
  readonly #closers: (() => unknown)[] = [];
  #own: GatewayConnection | undefined;

  private constructor({ gateway, telegram, directory, texts }: Parts) {
    this.gateway = gateway;
    this.telegram = telegram;
    this.directory = directory;
    this.#texts = texts;
  }

  static async start(directory: string): Promise<PlantedGateway> {
    const texts = new Map(places.map((place) => [place, canaryOf(place)]));
    const of = (place: Place): string => texts.get(place) ?? "";
    const telegram = await startTelegram();
    const gateway = await startToolGateway({ directory, configuration: configuration(of, telegram.url) });
    return new PlantedGateway({ gateway, telegram, directory, texts });
  }

  get canaries(): readonly Canary[] {
    return places.map((place) => ({ place, text: this.of(place) }));
  }

  of(place: Place): string {
    return this.#texts.get(place) ?? "";
  }

  async ask(method: string, parameters: object = {}): Promise<unknown> {
    this.#own ??= await this.gateway.connect("operator.admin", "operator.approvals", "operator.pairing");
    try {
      return await this.#own.call(method, parameters, { milliseconds: PATIENCE_MILLISECONDS });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      throw new Error(`${method}: ${error.code}`, { cause: error });
    }
  }

  async patch(change: object): Promise<void> {
    const baseHash = field(await this.ask("config.get"), "hash");
    await this.ask("config.patch", { raw: JSON.stringify(change), baseHash });
  }

  /** Everything but what waits for a person. */
  async plant(): Promise<void> {
    await this.patch({
      gateway: { remote: { url: `wss://someone:${this.of("address with a password")}@gateway.example/` } },
      models: { providers: { broken: await this.#brokenProvider() } },
    });
    const job = {
      enabled: true,
      schedule: { kind: "every", everyMs: 3_600_000 },
      sessionTarget: "isolated",
      wakeMode: "now",
      delivery: { mode: "none" },
    };
    await this.ask("cron.add", {
      ...job,
      name: this.of("job's name"),
      payload: { kind: "agentTurn", message: this.of("job's message") },
    });
    const argv = ["/bin/true", this.of("job's arguments")];
    await this.ask("cron.add", { ...job, name: "program", payload: { kind: "command", argv } });
    await this.ask("agents.files.set", { agentId: "main", name: "SOUL.md", content: this.of("agent's file") });
    await this.ask("agents.create", { name: "reader", workspace: path.join(this.directory, this.of("file path")) });
    await this.ask("sessions.create", { key: "agent:main:broken", agentId: "main", model: "broken/broken-1" });
    await this.gateway.turn(`Hello ${this.of("message")}`, "talk");
    await this.ask("sessions.patch", { key: TALK, label: this.of("session's label") });
    await this.#brokenTurn();
    (await this.#device("device's name")).close();
    this.telegram.write(this.sender("channel's request"), "Hello");
  }

  /** A device asks, and nobody lets it in. */
  async plantDeviceRequest(): Promise<void> {
    await this.patch({ gateway: { nodes: { pairing: { autoApproveLocal: false } } } });
    await until("a device that has to ask", async () => {
      try {
        (await this.#device("device's request")).close();
        return false;
      } catch (error) {
        if (error instanceof GatewayError) return true;
        throw error;
      }
    });
  }

  /** An agent wants to run a program. Resolves with the gateway's last word, whatever it is. */
  async wants(place: Place): Promise<void> {
    await this.#ended(
      this.gateway.turn(`TOOL exec ${JSON.stringify({ command: `touch ${this.of(place)}` })}`, place.slice(0, 3)),
    );
  }

  /** Senders of this channel are numbers, and a number is as telling as a name. */
  sender(place: Place): number {
    return Number(this.of(place));
  }

  /** Everything that the gateway keeps, to show that the canaries are there. */
  get kept(): Buffer {
    return Buffer.concat(filesBelow(this.directory).map((file) => readFileSync(file)));
  }

  async stop(): Promise<void> {
    this.#own?.close();
    for (const close of this.#closers) close();
    await this.gateway.stop();
    await this.telegram.close();
  }

  #device(place: Place): Promise<GatewayConnection> {
    return openGateway({
      url: this.gateway.url,
      handshake: {
        device: transientDevice(this.of(place)),
        client: "paired",
        scopes: ["operator.read"],
        proof: { kind: "shared", credential: new GatewayCredential("token", this.gateway.token) },
        agentVersion: "0.1.0",
        platform: "linux",
      },
    });
  }

  /** Once: the gateway calls it a fault that may pass. */
  async #brokenTurn(): Promise<void> {
    const connection = await this.gateway.connect("operator.admin");
    const turn = { message: "Hello", sessionKey: "agent:main:broken", idempotencyKey: randomUUID() };
    await this.#ended(connection.call("agent", turn, { final: true, milliseconds: PATIENCE_MILLISECONDS }));
    connection.close();
  }

  /** It says no to everything, with a text of its own. */
  async #brokenProvider(): Promise<object> {
    const server = createServer((request, response) => {
      request.resume();
      response.writeHead(400, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: { message: this.of("provider's error"), type: "invalid_request_error" } }));
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    this.#closers.push(() => server.close());
    return {
      baseUrl: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/v1`,
      apiKey: this.of("provider's key"),
      headers: { "X-Place": this.of("provider's header") },
      api: "openai-completions",
      models: [
        {
          id: "broken-1",
          name: "Broken",
          reasoning: false,
          input: ["text"],
          contextWindow: 128_000,
          maxTokens: 4_096,
        },
      ],
    };
  }

  async #ended(turn: Promise<unknown>): Promise<void> {
    try {
      await turn;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
    }
  }
}

/** Twelve digits for who writes on a channel; words and chance for all else. */
function canaryOf(place: Place): string {
  if (/sender|allow-list|channel's request/.test(place))
    return String(10 ** 14 + Math.floor(Math.random() * 9 * 10 ** 14));
  const name = place.replaceAll(/[^a-z]+/gi, "-").toLowerCase();
  if (place === "channel's token") return `123456:${randomBytes(26).toString("base64url").slice(0, 35)}`;
  return `CANARY-${name}-${randomUUID().replaceAll("-", "").slice(0, 20)}`;
}

function configuration(of: (place: Place) => string, telegramUrl: string): Readonly<Record<string, unknown>> {
  return {
    env: { vars: { FAVOURITE_COLOUR: of("environment variable") } },
    skills: { entries: { weather: { env: { STATION: of("skill's environment") } } } },
    mcp: {
      servers: {
        notes: { command: "true", args: ["--folder", of("MCP arguments")], env: { PLACE: of("MCP environment") } },
        far: { url: "http://127.0.0.1:9/mcp", headers: { "X-Place": of("MCP headers") } },
      },
    },
    tools: { exec: { mode: "ask" } },
    channels: {
      telegram: {
        enabled: true,
        botToken: of("channel's token"),
        apiRoot: telegramUrl,
        dmPolicy: "pairing",
        allowFrom: [of("allow-list")],
      },
    },
  };
}
