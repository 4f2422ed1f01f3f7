/** What the edge knows of sign-ins at each address. A hint for whoever tidies up; nothing is decided by it. */
import { signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { OriginUse } from "../../protocol/contracts/sessions.ts";
import type { AddressDesk } from "../state/addresses.ts";
import type { EdgeClient } from "./http.ts";
import { TroubleError } from "./trouble.ts";

export class OriginUses implements AddressDesk {
  readonly #client: EdgeClient;
  readonly #use: Signal<OriginUse | undefined> = signal(undefined);

  constructor(client: EdgeClient) {
    this.#client = client;
  }

  get use(): ReadonlySignal<OriginUse | undefined> {
    return this.#use;
  }

  forget(): void {
    this.#use.value = undefined;
  }

  async load(): Promise<void> {
    try {
      this.#use.value = (await this.#client.call("sessions")).originUse;
    } catch (error) {
      if (!(error instanceof TroubleError)) throw error; // without it the page only lacks a hint
    }
  }
}
