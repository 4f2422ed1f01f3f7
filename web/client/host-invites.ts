/**
 * Join files for an edge that runs elsewhere. The edge gives the token and says where agents dial; whom the host will obey is
 * this page's own knowledge of its workspace, so that a lying edge can at most have the host dial somebody who commands nothing.
 */
import { type ReadonlySignal } from "@preact/signals";
import { joinFileCodec } from "../../protocol/join-file.ts";
import type { TouchStep } from "../state/backend.ts";
import type { HostInviteDesk } from "../state/host-invites.ts";
import { approveChange, mayNow, type EdgeActionDeps } from "./edge-action.ts";
import type { EdgeClient } from "./http.ts";
import { CANCELLED, troubleOf } from "./trouble.ts";

export interface HostInvitesDeps extends EdgeActionDeps {
  readonly client: EdgeClient;
}

export class HostInvites implements HostInviteDesk {
  readonly #deps: HostInvitesDeps;
  readonly mayMake: ReadonlySignal<boolean>;

  constructor(deps: HostInvitesDeps) {
    this.#deps = deps;
    this.mayMake = mayNow(deps, "host.admit");
  }

  async *make(onFile: (file: Blob) => void): AsyncGenerator<TouchStep> {
    try {
      yield { kind: "touch", purpose: "approve" };
      const body = await approveChange(this.#deps, "hostInvite", { setting: "hostInvite" } as const);
      const workspace = this.#deps.trust.state.value?.workspace;
      if (workspace === undefined) throw new TypeError("approved without a workspace");
      yield { kind: "sending" };
      const { edge, token } = await this.#deps.client.call("hostInvite", { body });
      onFile(new Blob([joinFileCodec.encode({ v: 1, edge, workspace, token }), "\n"], { type: "application/json" }));
      yield { kind: "done" };
    } catch (error) {
      const trouble = troubleOf(error);
      yield trouble === CANCELLED ? { kind: "cancelled" } : { kind: "failed", trouble };
    }
  }
}
