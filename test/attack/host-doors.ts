/**
 * Attacks on the doors through which hosts come: the client certificate of a tunnel, and the token of a join. The attacker
 * has what a thief of the one thing named in the attack has, and nothing else.
 */
import { readFileSync } from "node:fs";
import { Agent, get } from "node:https";
import { makeAuthority, type KeyPair } from "../../agent/edge/certificates.ts";
import type { EdgeKeys } from "../../agent/edge/keys.ts";
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { sha256Of } from "../../protocol/signing.ts";
import { issueClient, type ClientRequest } from "../agent/edge/fixtures/client-certificates.ts";
import { joinTokenOf, HostPeer, makeCsr, type JoinKnobs } from "../fixtures/edge/host-peer.ts";
import { adminOf, fresh, now } from "../fixtures/edge/page.ts";
import { signerOf } from "../fixtures/keys.ts";
import type { Result } from "./attack.ts";
import { outcomeOf, refusalOf, type Household } from "./real-edge.ts";
import type { Outcome } from "./scene.ts";
import { door, knock, type DoorAttack } from "./door.ts";

interface Hosts extends Household {
  readonly authority: KeyPair;
  readonly otherAuthority: KeyPair;
  /** Joined with `token`. */
  readonly peer: HostPeer;
  readonly token: string;
}

const tls = door<Hosts>("client certificate");

interface Shown {
  readonly authority: KeyPair;
  readonly client?: ClientRequest;
  readonly headers?: Readonly<Record<string, string>>;
}

async function tunnelWith({ edge }: Hosts, { authority, client = {}, headers = {} }: Shown): Promise<Outcome> {
  const { key, cert } = await issueClient(authority, client);
  return refusalOf(edge.tunnelOf({ key, cert }, headers));
}

/** Everything by which a client could claim to be verified, naming a host that really joined. */
function claims({ peer }: Hosts): Readonly<Record<string, string>> {
  const blob = JSON.stringify({
    tlsClientAuth: {
      certPresented: "1",
      certVerified: "SUCCESS",
      certRevoked: "0",
      certFingerprintSHA256: peer.fingerprint,
    },
  });
  return {
    "cf-blob": blob,
    "clawhold-cf-blob": blob,
    "x-cf-blob": blob,
    "mf-cf-blob": blob,
    "cf-client-cert-sha256": peer.fingerprint,
    "x-client-cert-verified": "SUCCESS",
    "clawhold-socket": blob,
  };
}

const foreign = (): Promise<KeyPair> => makeAuthority("clawhold agent authority", new Date());
const ENDED: ClientRequest = { notBefore: new Date(Date.now() - 2e9), notAfter: new Date(Date.now() - 1e6) };

const certificates: readonly DoorAttack<Hosts>[] = [
  tls("none", "certificate_missing", ({ edge }) => refusalOf(edge.tunnelOf({}))),
  tls("none, and headers that claim one", "certificate_missing", (hosts) =>
    refusalOf(hosts.edge.tunnelOf({}, claims(hosts))),
  ),
  tls("of a foreign authority", "certificate_untrusted", async (hosts) =>
    tunnelWith(hosts, { authority: await foreign() }),
  ),
  tls("of a foreign authority, and headers that claim a joined host's", "certificate_untrusted", async (hosts) =>
    tunnelWith(hosts, { authority: await foreign(), headers: claims(hosts) }),
  ),
  tls("of the edge's other authority", "certificate_untrusted", (hosts) =>
    tunnelWith(hosts, { authority: hosts.otherAuthority }),
  ),
  tls("that has ended", "certificate_expired", (hosts) =>
    tunnelWith(hosts, { authority: hosts.authority, client: ENDED }),
  ),
  tls("of the right authority, never issued to a host", "certificate_unknown", (hosts) =>
    tunnelWith(hosts, { authority: hosts.authority }),
  ),
  tls("never issued, and headers that claim a joined host's", "certificate_unknown", (hosts) =>
    tunnelWith(hosts, { authority: hosts.authority, headers: claims(hosts) }),
  ),
  tls("that a newer one replaced", "certificate_replaced", async ({ edge, peer }) => {
    const before = tlsOf(peer);
    await joined(peer);
    return refusalOf(edge.tunnelOf(before));
  }),
  tls("of a joined host, with the hello of another one", "closed 4006", async ({ edge, peer, workspace }) => {
    const thief = await HostPeer.at(edge, "thief of files", workspace);
    Object.assign(thief, { certificate: peer.certificate, tlsKey: peer.tlsKey, fingerprint: peer.fingerprint });
    const tunnel = await thief.connect();
    await tunnel.hello();
    return `closed ${String(await tunnel.closed())}`;
  }),
  tls("that was revoked, on a connection that was good before", "certificate_revoked", revokedMeanwhile),
  tls("that was revoked", "certificate_revoked", ({ edge, peer }) => refusalOf(edge.tunnelOf(tlsOf(peer)))),
];

/** Three requests over one TLS connection; before the last one the certificate is taken away. */
async function revokedMeanwhile({ edge, peer }: Hosts): Promise<Outcome> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false, ...tlsOf(peer) });
  const ports = new Set<number>();
  const asked = (): Promise<Outcome> =>
    new Promise((resolve, reject) => {
      const options = { host: edge.agentAddress, port: edge.agentPort, path: "/health", agent };
      get(options, (response) => {
        ports.add(response.socket.localPort ?? 0);
        let text = "";
        response.on("data", (part: Buffer) => (text += part.toString("utf8")));
        response.on("end", () => resolve(outcomeOf({ status: response.statusCode ?? 0, text })));
      }).on("error", reject);
    });
  try {
    const before = [await asked(), await asked()];
    await adminOf(edge, "/admin/revoke-certificate", { fingerprint: peer.fingerprint });
    const after = await asked();
    return ports.size === 1 && before.every((outcome) => outcome === "accepted") ? after : `before ${before.join(" ")}`;
  } finally {
    agent.destroy();
  }
}

function tlsOf(peer: HostPeer): { readonly cert: string; readonly key: string } {
  const text = Buffer.from(peer.certificate).toString("base64");
  return { cert: `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`, key: peer.tlsKey };
}

async function joined(peer: HostPeer, token?: string): Promise<void> {
  const refused = await peer.join(token === undefined ? {} : { token });
  if (refused !== undefined) throw new Error(`doors: an honest join was refused: ${String(refused.code)}`);
}

const token = door<Hosts>("join token");

async function joins(hosts: Hosts, name: string, knobs: JoinKnobs = {}): Promise<Outcome> {
  const peer = await HostPeer.at(hosts.edge, name, hosts.workspace);
  return (await peer.join(knobs))?.code ?? "accepted";
}

/** The edge takes ten requests to join in a minute: with the two honest ones, these are the other eight and one more. */
const tokens: readonly DoorAttack<Hosts>[] = [
  token("made up", "join_token_wrong", (hosts) => joins(hosts, "guesser", { token: fresh() })),
  token("used before", "join_token_used", (hosts) => joins(hosts, "second", { token: hosts.token })),
  token("used by two hosts at once", "join_token_used", async (hosts) => {
    const shared = await joinTokenOf(hosts.edge);
    const codes = await Promise.all(["racer one", "racer two"].map((name) => joins(hosts, name, { token: shared })));
    const refused = codes.filter((code) => code !== "accepted");
    return refused.length === 1 ? (refused[0] ?? "accepted") : codes.join(" and ");
  }),
  token("of sixteen minutes ago", "join_token_expired", async (hosts) => {
    const late = await joinTokenOf(hosts.edge);
    const hash = toBase64url(sha256Of(fromBase64url(late)));
    await hosts.edge.sql([{ sql: "UPDATE join_tokens SET expires = ? WHERE hash = ?", params: [now() - 60, hash] }]);
    return joins(hosts, "late", { token: late });
  }),
  token("good, for another workspace", "join_workspace", (hosts) =>
    joins(hosts, "lost", { join: { workspace: fresh() } }),
  ),
  token("good, request signed by another key", "join_refused", async (hosts) =>
    joins(hosts, "forger", { signer: await signerOf("another host") }),
  ),
  token("good, certificate for a key that no edge takes", "join_refused", async (hosts) =>
    joins(hosts, "curve", { csr: await makeCsr("P-384") }),
  ),
  token("the eleventh in a minute, whatever it holds", "too_many_joins", async ({ edge }) =>
    outcomeOf(await edge.askAgents({ path: "/join", method: "POST", body: "{}" })),
  ),
];

/** Certificates and join tokens, tried by somebody who has what a thief of one of them has. */
export async function attackHostDoors(household: Household): Promise<readonly Result[]> {
  const { edge, workspace } = household;
  const keys = JSON.parse(readFileSync(edge.keysFile, "utf8")) as EdgeKeys;
  const peer = await HostPeer.at(edge, "joined host", workspace);
  const used = await joinTokenOf(edge);
  await joined(peer, used);
  const hosts: Hosts = {
    ...household,
    authority: keys.agentAuthority,
    otherAuthority: keys.edgeAuthority,
    peer,
    token: used,
  };
  return knock([...certificates, ...tokens], hosts);
}
