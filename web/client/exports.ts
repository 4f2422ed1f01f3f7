/**
 * Takes a copy of the log: one touch over what is asked for, then part by part, because a signer passes on JSON only. The
 * parts are joined as they come and nothing is read into them: what the file says, `clawhold verify` says.
 */
import type { ReadonlySignal } from "@preact/signals";
import { endpoints } from "../../protocol/contracts.ts";
import type { ExportRequest } from "../../protocol/contracts/exports.ts";
import { TICKET_SECONDS } from "../../protocol/limits.ts";
import type { ExportFormat } from "../../protocol/ledger.ts";
import { fileEndings, type ExportDesk, type ExportStep, type TicketStep } from "../state/exports.ts";
import { approveChange, mayNow, type EdgeActionDeps } from "./edge-action.ts";
import type { Answer, EdgeClient } from "./http.ts";
import type { MachineMemory } from "./machine-memory.ts";
import { CANCELLED, TroubleError, troubleOf, UNREACHABLE } from "./trouble.ts";

export interface ExportsDeps extends EdgeActionDeps {
  /** Knows the address of the edge, where this page is not the edge's. */
  readonly memory: Pick<MachineMemory, "recall">;
  readonly client: EdgeClient;
  /** Between two attempts; replaced in tests, which wait for nothing. */
  readonly pause?: () => Promise<unknown>;
}

/** A line that drops for a moment must not cost the whole file: the same part is asked for again. */
const PART_ATTEMPTS = 5;
const RETRY_MS = 2_000;

export class Exports implements ExportDesk {
  readonly #deps: ExportsDeps;
  readonly mayExport: ReadonlySignal<boolean>;

  constructor(deps: ExportsDeps) {
    this.#deps = deps;
    this.mayExport = mayNow(deps, "ledger.read");
  }

  async *take(request: ExportRequest): AsyncGenerator<ExportStep> {
    try {
      yield { kind: "touch", purpose: "approve" };
      const body = await approveChange(this.#deps, "exportStart", request);
      yield { kind: "sending" };
      const started = await this.#deps.client.call("exportStart", { body });
      yield* this.#fetch(started, request.format);
    } catch (error) {
      const trouble = troubleOf(error);
      yield trouble === CANCELLED ? { kind: "cancelled" } : { kind: "failed", trouble };
    }
  }

  async *ticket(request: ExportRequest): AsyncGenerator<TicketStep> {
    try {
      yield { kind: "touch", purpose: "approve" };
      const body = await approveChange(this.#deps, "exportStart", request);
      yield { kind: "sending" };
      const { client, clock, memory } = this.#deps;
      const { export: name } = await client.call("exportStart", { body });
      const { ticket } = await client.call("exportTicket", { params: { export: name }, body: {} });
      // A signer passes on JSON only, so the program goes to the edge itself.
      const edge = (await memory.recall()).edge ?? location.origin;
      const url = `${edge}${endpoints.exportDownload.path}`;
      yield { kind: "ticket", ticket, url, until: clock.now() + TICKET_SECONDS };
    } catch (error) {
      const trouble = troubleOf(error);
      yield trouble === CANCELLED ? { kind: "cancelled" } : { kind: "failed", trouble };
    }
  }

  async *#fetch({ export: name, entries }: Answer<"exportStart">, format: ExportFormat): AsyncGenerator<ExportStep> {
    // The browser may keep parts of a large file on disk; one long string it could not.
    const parts: Blob[] = [];
    let bytes = 0;
    let cursor: string | undefined;
    do {
      const { text, next } = await this.#part(name, cursor);
      const part = new Blob([text]);
      parts.push(part);
      bytes += part.size;
      cursor = next;
      yield { kind: "fetching", bytes, entries };
    } while (cursor !== undefined);
    const day = new Date(this.#deps.clock.now() * 1_000).toISOString().slice(0, 10);
    yield { kind: "file", file: new Blob(parts), name: `clawhold-activity-${day}.${fileEndings[format]}` };
  }

  async #part(name: string, cursor: string | undefined): Promise<Answer<"exportPart">> {
    const query = cursor === undefined ? {} : { query: { cursor } };
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#deps.client.call("exportPart", { params: { export: name }, ...query });
      } catch (error) {
        const isLine = error instanceof TroubleError && troubleOf(error).code === UNREACHABLE.code;
        if (!isLine || attempt >= PART_ATTEMPTS) throw error;
        await (this.#deps.pause ?? pause)();
      }
    }
  }
}

function pause(): Promise<unknown> {
  return new Promise((resolve) => setTimeout(resolve, RETRY_MS));
}
