/** What a host signs to get its next client certificate: the source of messages-4.json. */
import * as tunnel from "../../protocol/tunnel.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { goldenOf, type Golden, type Sample } from "./golden.ts";

export const renewalSamples: Readonly<Record<string, Sample>> = {
  "certificate-request": {
    note: "Signed by the host key, on the tunnel that it names. `csr` is a PKCS#10 request, here some bytes.",
    kind: "certificate-request",
    codec: tunnel.certificateRequestCodec,
    value: {
      v: 1,
      workspace: nonceOf("workspace"),
      host: "h-0123456789abcdef0123",
      tunnel: nonceOf("tunnel"),
      csr: nonceOf("csr"),
    },
  },
};

export function renewalMessages(): readonly Golden[] {
  return goldenOf(renewalSamples);
}
