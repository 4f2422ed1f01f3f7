/**
 * The demo gateway's configuration and environment: loopback, throw-away state inside our data directory, no telemetry,
 * no update check, no terminal, no command execution. Neither holds the token: the configuration refers to the
 * environment, and the environment is shown to no other user.
 */
import { join } from "node:path";
import { DEMO_MODEL } from "./provider.ts";

export interface DemoPlace {
  readonly state: string;
  readonly port: number;
  readonly providerUrl: string;
}

export function demoConfiguration(place: DemoPlace): object {
  return {
    gateway: {
      mode: "local",
      bind: "loopback",
      port: place.port,
      auth: { mode: "token", token: "${OPENCLAW_GATEWAY_TOKEN}" },
      terminal: { enabled: false },
    },
    update: { checkOnStart: false },
    logging: { file: join(place.state, "gateway.log") },
    discovery: { mdns: { mode: "off" } },
    tools: { exec: { mode: "deny" } },
    models: {
      mode: "replace",
      providers: {
        demo: {
          baseUrl: place.providerUrl,
          apiKey: "${CLAWHOLD_DEMO_PROVIDER_KEY}",
          api: "openai-completions",
          models: [
            {
              id: DEMO_MODEL,
              name: "Demo model",
              reasoning: false,
              input: ["text"],
              // Dollars per million tokens: invented, so that there is a cost to see.
              cost: { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 },
              contextWindow: 128_000,
              maxTokens: 4_096,
            },
          ],
        },
      },
    },
    agents: { defaults: { model: { primary: `demo/${DEMO_MODEL}` }, heartbeat: { every: "0m" } } },
  };
}

export interface DemoSecrets {
  readonly token: string;
  readonly providerKey: string;
}

/** Only what the gateway needs: nothing of the user's own environment but the search path. */
export function demoEnvironment(state: string, secrets: DemoSecrets, path: string): Record<string, string> {
  return {
    PATH: path,
    LANG: "C.UTF-8",
    HOME: state,
    TMPDIR: join(state, "tmp"),
    OPENCLAW_HOME: state,
    OPENCLAW_STATE_DIR: state,
    OPENCLAW_CONFIG_PATH: join(state, "openclaw.json"),
    OPENCLAW_GATEWAY_TOKEN: secrets.token,
    CLAWHOLD_DEMO_PROVIDER_KEY: secrets.providerKey,
    DO_NOT_TRACK: "1",
  };
}
