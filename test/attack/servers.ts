/**
 * Attacks on layer 1: servers that are not the edge this host joined. The attacker holds everything else, the dispatch
 * key included; the agent must not even open the tunnel, and says why in its log.
 */
import { makeAuthority, makeServerCertificate, type KeyPair } from "../../agent/edge/certificates.ts";
import { outcomeOf, type Result } from "./attack.ts";
import type { Listening, TlsMaterial } from "./malicious-edge.ts";
import { Scene, type SceneOptions } from "./scene.ts";

interface ServerRow {
  readonly name: string;
  readonly rule: string;
  listen(tls: TlsMaterial): Promise<Listening>;
}

const LONG_AGO = new Date(Date.now() - 365 * 86_400_000);
const LATER = new Date(Date.now() + 30 * 86_400_000);

async function foreign({ place }: TlsMaterial): Promise<{ readonly authority: KeyPair; readonly server: KeyPair }> {
  const authority = await makeAuthority("edge", new Date());
  return { authority, server: await makeServerCertificate(authority, [place.host], new Date()) };
}

async function ofEdge({ edgeAuthority }: TlsMaterial, names: readonly string[], now: Date): Promise<Listening> {
  return { server: await makeServerCertificate(edgeAuthority, names, now) };
}

export const servers: readonly ServerRow[] = [
  {
    name: "a server of another authority",
    rule: "tls.UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    listen: async (tls) => ({ server: (await foreign(tls)).server }),
  },
  {
    name: "another authority of the same name, shown along",
    rule: "tls.SELF_SIGNED_CERT_IN_CHAIN",
    listen: async (tls) => {
      const { authority, server } = await foreign(tls);
      return { server: { key: server.key, certificate: server.certificate + authority.certificate } };
    },
  },
  {
    name: "the edge's certificate chain of another edge's agents",
    rule: "tls.UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    listen: async (tls) => ({ server: await makeServerCertificate(tls.agentAuthority, [tls.place.host], new Date()) }),
  },
  {
    name: "the right authority, another name",
    rule: "tls.ERR_TLS_CERT_ALTNAME_INVALID",
    listen: (tls) => ofEdge(tls, ["edge.example"], new Date()),
  },
  {
    name: "a certificate that ended",
    rule: "tls.CERT_HAS_EXPIRED",
    listen: (tls) => ofEdge(tls, [tls.place.host], LONG_AGO),
  },
  {
    name: "a certificate that has not begun",
    rule: "tls.CERT_NOT_YET_VALID",
    listen: (tls) => ofEdge(tls, [tls.place.host], LATER),
  },
  {
    name: "an older TLS version",
    rule: "tls.ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
    listen: (tls) =>
      Promise.resolve({ server: tls.server, versions: { minVersion: "TLSv1.2", maxVersion: "TLSv1.2" } }),
  },
];

/** Lets an agent dial the server; the attacker would say anything on a tunnel that opens. */
export async function dial(row: ServerRow, options: SceneOptions): Promise<Result> {
  const scene = await Scene.set({ ...options, listening: await row.listen(options.tls) });
  try {
    const met = outcomeOf(() => scene.meet().then(() => "tunnel opened"));
    const refused = scene.happenings.first(0, (item) =>
      item.kind === "log" && item.line["event"] === "tunnel_closed" ? `tls.${String(item.line["code"])}` : undefined,
    );
    const outcome = (await Promise.race([met, refused])) ?? "silence";
    return { class: "server of another", name: row.name, rule: row.rule, outcome, executed: scene.canary.restarts };
  } finally {
    await scene.close();
  }
}
