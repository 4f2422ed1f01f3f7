/** What the warden's tests put in the place of a gateway and of time. */
import type { GatewayControl, GatewayOrder, Performed } from "../../../../agent/host/gateway/control-interface.ts";
import type { Expect } from "../../../../protocol/messages.ts";
import { GATEWAY_BOOT } from "../../../fixtures/command.ts";
import { NOW } from "../../../fixtures/workspace.ts";

export class FakeGateway implements GatewayControl {
  boot: string | undefined = GATEWAY_BOOT;
  restarts = 0;
  /** Runs inside every restart, before the new boot answers. */
  onRestart: () => Promise<void> | void = () => undefined;

  bootId(): Promise<string | undefined> {
    return Promise.resolve(this.boot);
  }
  configHash(): Promise<string | undefined> {
    return Promise.resolve(undefined);
  }
  /** What an intent may pin, whatever the operation. */
  facts: Expect = {};
  /** Orders that were carried out. */
  readonly performed: GatewayOrder[] = [];
  observe(): Promise<Expect> {
    return Promise.resolve(this.boot === undefined ? this.facts : { gatewayBoot: this.boot, ...this.facts });
  }
  /** Runs inside every operation but a restart. */
  onPerform: (order: GatewayOrder) => Promise<void> | void = () => undefined;
  hurries = 0;
  hurry(): void {
    this.hurries += 1;
  }
  async perform(order: GatewayOrder): Promise<Performed> {
    this.performed.push(order);
    await this.onPerform(order);
    return { verdict: "executed", observed: {} };
  }
  async restart(): Promise<{ before: string; after: string | undefined }> {
    const before = this.boot ?? "boot-none";
    this.restarts += 1;
    await this.onRestart();
    this.boot = `boot-after-${String(this.restarts)}`;
    return { before, after: this.boot };
  }
}

export class FakeClock {
  wallMilliseconds = NOW * 1_000;
  monotonicMilliseconds = 1_000_000;
  wall(): number {
    return this.wallMilliseconds;
  }
  monotonic(): number {
    return this.monotonicMilliseconds;
  }
  /** Time passes, on both clocks. */
  advance(seconds: number): void {
    this.wallMilliseconds += seconds * 1_000;
    this.monotonicMilliseconds += seconds * 1_000;
  }
}
