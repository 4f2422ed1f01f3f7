/** What the page's own code works with, from what a person without a browser has: so that it is that code which reads. */
import { endpoints, type EndpointName } from "../../protocol/contracts.ts";
import type { Asserted } from "../../protocol/messages.ts";
import type { Signer } from "../../protocol/signing.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import type { CommandDeps } from "../../web/client/asking.ts";
import type { RawSigner } from "../fixtures/keys.ts";

/** A session with what signs for it. */
export interface Certified {
  readonly certificate: Asserted;
  readonly digest: string;
  readonly signer: Signer;
  readonly raw: RawSigner;
}

type Call = (name: EndpointName, input: { readonly path: string; readonly body?: unknown }) => Promise<unknown>;

/** `call` throws as a page's client does. */
export function pageDeps(state: TrustState, session: Certified, call: Call): CommandDeps {
  const { privateKey, publicKey } = session.raw;
  const stored = { ...session, keys: { privateKey, publicKey: privateKey }, publicKey, person: "p-ada" };
  const client = {
    call: (name: EndpointName, { params, body }: { params?: { host?: string }; body?: unknown }) =>
      call(name, { path: endpoints[name].path.replace(":host", params?.host ?? ""), body }),
  };
  const trust = { state: { value: state }, refresh: () => Promise.resolve(state) };
  // Of the rest reading uses nothing.
  return { client, trust, keys: { session: { value: stored } } } as unknown as CommandDeps;
}
