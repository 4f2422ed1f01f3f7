/**
 * The execution canary: a scripted gateway on loopback behind the agent. Whatever the agent may ever execute ends in
 * `gateway.restart.request` here, so one request is one execution. It keeps no secret and refuses nobody.
 */
import {
  hello,
  ok,
  startHostileGateway,
  type Asked,
  type HostileGateway,
} from "../agent/host/gateway/fixtures/hostile-gateway.ts";

export class Canary {
  /** Executions so far. */
  restarts = 0;
  #onRestart: () => void = () => undefined;
  readonly #gateway: HostileGateway;

  private constructor(gateway: HostileGateway) {
    this.#gateway = gateway;
  }

  static async open(): Promise<Canary> {
    let canary: Canary | undefined;
    const gateway = await startHostileGateway({ answer: (asked) => canary?.answer(asked) });
    canary = new Canary(gateway);
    return canary;
  }

  get url(): string {
    return this.#gateway.url;
  }

  /** The boot that answers now: each restart makes another. */
  get boot(): string {
    return `boot-${String(this.restarts + 1).padStart(6, "0")}`;
  }

  /** Resolves at the first execution after `before` of them. */
  moved(before: number): Promise<void> {
    return this.restarts > before ? Promise.resolve() : new Promise((resolve) => (this.#onRestart = resolve));
  }

  answer(asked: Asked): unknown {
    if (asked.method === "gateway.restart.request") {
      this.restarts += 1;
      this.#onRestart();
      return ok(asked, { ok: true, status: "scheduled" });
    }
    if (asked.method !== "connect") return ok(asked, {});
    return ok(
      asked,
      hello({
        server: { version: "2026.9.6", bootId: this.boot },
        auth: { scopes: asked.params["scopes"] },
      }),
    );
  }

  close(): Promise<void> {
    return this.#gateway.close();
  }
}
