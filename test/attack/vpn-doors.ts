/**
 * Attacks on the doors that an edge has where it leaves loopback: the dashboard under its name, for browsers with a
 * certificate, and the agents' listener beside it. The attacker is a machine of the same VPN, with whatever certificate the
 * attack names.
 */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { Agent, request as requestTls } from "node:https";
import {
  browserAuthority,
  fingerprintOf,
  readBrowserCertificates,
  writeBrowserCertificates,
} from "../../agent/edge/bind/browser-certificates.ts";
import { makeAuthority, makeBrowserCertificate, type KeyPair } from "../../agent/edge/certificates.ts";
import type { EdgeKeys } from "../../agent/edge/keys.ts";
import type { EndpointName } from "../../protocol/contracts.ts";
import { issueClient } from "../agent/edge/fixtures/client-certificates.ts";
import { ask, type Ask } from "../agent/edge/fixtures/harness.ts";
import { EdgePage, now } from "../fixtures/edge/page.ts";
import { signerOf } from "../fixtures/keys.ts";
import type { Result } from "./attack.ts";
import { places } from "./deployment.ts";
import { door, knock, type DoorAttack } from "./door.ts";
import { asAsk, outcomeOf, refusalOf, type Household } from "./real-edge.ts";
import type { Outcome } from "./scene.ts";

export const NAME = "edge.attack.example.net";
const ADDRESS = places.vpn.address;
const DAY_MILLISECONDS = 86_400_000;

interface Shown {
  readonly key: string;
  readonly cert: string;
}

interface Bound extends Household {
  readonly agentAuthority: KeyPair;
  readonly browsers: KeyPair;
  /** A browser that may come in. */
  readonly browser: Shown;
}

const shown = ({ key, certificate }: KeyPair): Shown => ({ key, cert: certificate });

/** Of the edge's authority for browsers; `isListed`: the edge knows that it made it. */
async function browserOf({ edge, browsers }: Pick<Bound, "edge" | "browsers">, isListed = true): Promise<KeyPair> {
  const pair = await makeBrowserCertificate(browsers, "a laptop", new Date());
  const directory = edge.keysDirectory;
  const entry = { fingerprint: fingerprint(pair), label: "a laptop", issued: now(), ends: now() + 3_600 };
  if (isListed) writeBrowserCertificates(directory, [...readBrowserCertificates(directory), entry]);
  return pair;
}

function fingerprint({ certificate }: Pick<KeyPair, "certificate">): string {
  return fingerprintOf(new X509Certificate(certificate));
}

function revoke({ edge }: Bound, pair: KeyPair): void {
  const directory = edge.keysDirectory;
  const revoked = fingerprint(pair);
  writeBrowserCertificates(
    directory,
    readBrowserCertificates(directory).map((one) => (one.fingerprint === revoked ? { ...one, revoked: now() } : one)),
  );
}

async function opens({ edge }: Bound, tls: Partial<Shown>, more: Partial<Ask> = {}): Promise<Outcome> {
  const { headers, ...rest } = more;
  const host = `${NAME}:${String(edge.port)}`;
  const at = { address: ADDRESS, port: edge.port, path: "/", tls, headers: { host, ...headers } };
  return outcomeOf(await ask({ ...at, ...rest }));
}

/** A page under the name, in a browser that may come in. */
async function calls(bound: Bound, page: EdgePage, name: EndpointName): Promise<Outcome> {
  const { headers = {}, ...request } = await asAsk(await page.request(name));
  return opens(bound, bound.browser, { ...request, headers });
}

function originOf({ edge }: Bound): string {
  return edge.boundOrigin ?? "";
}

const gate = door<Bound>("certificate of a browser");

const certificates: readonly DoorAttack<Bound>[] = [
  gate("none", "browser_certificate_missing", (bound) => opens(bound, {})),
  gate("none, for the API", "browser_certificate_missing", (bound) => opens(bound, {}, { path: "/api/me" })),
  gate("of a foreign authority", "browser_certificate_untrusted", async (bound) => {
    const foreign = await makeAuthority("clawhold browser authority", new Date());
    return opens(bound, shown(await makeBrowserCertificate(foreign, "a laptop", new Date())));
  }),
  gate("of the agents' authority", "browser_certificate_untrusted", async (bound) =>
    opens(bound, await issueClient(bound.agentAuthority)),
  ),
  gate("of the right authority, which the edge never gave out", "browser_certificate_untrusted", async (bound) =>
    opens(bound, shown(await browserOf(bound, false))),
  ),
  gate("for servers, of the right authority", "browser_certificate_untrusted", async (bound) => {
    const { serverAuth } = await import("@peculiar/x509").then((x509) => x509.ExtendedKeyUsage);
    return opens(bound, await issueClient(bound.browsers, { usage: serverAuth }));
  }),
  gate("that ended", "browser_certificate_expired", async (bound) => {
    const notAfter = new Date(Date.now() - DAY_MILLISECONDS);
    const notBefore = new Date(Date.now() - 2 * DAY_MILLISECONDS);
    return opens(bound, await issueClient(bound.browsers, { notBefore, notAfter }));
  }),
  gate("that was revoked", "browser_certificate_revoked", async (bound) => {
    const pair = await browserOf(bound);
    const before = await opens(bound, shown(pair));
    revoke(bound, pair);
    const after = await opens(bound, shown(pair));
    return before === "accepted" ? after : `before ${before}`;
  }),
  gate("that was revoked, on a connection that was good before", "no answer", revokedMeanwhile),
  gate("at the agents' door", "certificate_untrusted", async ({ edge, browser }) => refusalOf(edge.tunnelOf(browser))),
];

/** The request after the revocation is refused, or finds its connection cut: whichever comes first. */
async function revokedMeanwhile(bound: Bound): Promise<Outcome> {
  const pair = await browserOf(bound);
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false, ...shown(pair) });
  const asked = (): Promise<Outcome> =>
    new Promise((resolve) => {
      const { port } = bound.edge;
      const host = `${NAME}:${String(port)}`;
      const sent = requestTls({ host: ADDRESS, port, path: "/", agent, setHost: false, headers: { host } });
      sent.on("response", (response) => {
        let text = "";
        response.on("data", (part: Buffer) => (text += part.toString("utf8")));
        response.on("end", () => resolve(outcomeOf({ status: response.statusCode ?? 0, text })));
      });
      sent.on("error", () => resolve("no answer"));
      sent.end();
    });
  try {
    const before = await asked();
    revoke(bound, pair);
    const after = await asked();
    if (before !== "accepted") return `before ${before}`;
    return after === "browser_certificate_revoked" ? "no answer" : after;
  } finally {
    agent.destroy();
  }
}

const named = door<Bound>("dashboard under a name");

const pages: readonly DoorAttack<Bound>[] = [
  named("a name that points at this address", "wrong_address", (bound) =>
    opens(bound, bound.browser, { headers: { host: `evil.example:${String(bound.edge.port)}` } }),
  ),
  named("the address itself", "wrong_address", (bound) =>
    opens(bound, bound.browser, { headers: { host: `${ADDRESS}:${String(bound.edge.port)}` } }),
  ),
  named("the name of the signer", "wrong_address", (bound) =>
    opens(bound, bound.browser, { headers: { host: new URL(bound.edge.origin).host } }),
  ),
  named("the name, on loopback", "wrong_address", async (bound) =>
    outcomeOf(await bound.edge.askWeb({ path: "/", headers: { host: `${NAME}:${String(bound.edge.port)}` } })),
  ),
  named("an older TLS version", "EPROTO", (bound) =>
    opens(bound, { ...bound.browser, maxVersion: "TLSv1.2" } as Shown).catch(codeOf),
  ),
  named("in the clear", "ECONNRESET", ({ edge }) =>
    ask({ address: ADDRESS, port: edge.port, path: "/" }).then(outcomeOf, codeOf),
  ),
  named("the admin door", "method_not_allowed", (bound) =>
    opens(bound, bound.browser, { path: "/admin/join-token", method: "POST", body: "{}" }),
  ),
  named("a write in the session of the signer", "origin", (bound) =>
    calls(bound, pageAt(bound, originOf(bound)), "passkeyOptions"),
  ),
  named("a write of the name's page, on loopback", "origin", async ({ edge, page, ...bound }) => {
    const own = pageAt({ edge, page, ...bound }, edge.boundOrigin ?? "");
    return outcomeOf(await edge.askWeb(await asAsk(await own.request("passkeyOptions"))));
  }),
  named("a signed request twice", "unauthenticated", async (bound) => {
    const { headers = {}, ...request } = await asAsk(await pageAt(bound, originOf(bound)).request("me"));
    const twice = [0, 1].map(() => () => opens(bound, bound.browser, { ...request, headers }));
    const [first, second] = [await twice[0]?.(), await twice[1]?.()];
    return first === "accepted" ? (second ?? "silence") : `first ${String(first)}`;
  }),
  named("the cookie of a session, without its key", "unauthenticated", async (bound) => {
    const page = pageAt(bound, originOf(bound));
    page.signer = await signerOf("a thief of cookies");
    return calls(bound, page, "me");
  }),
  named("the setup link's page", "setup_used", async (bound) => {
    const page = pageAt(bound, originOf(bound));
    page.signer = await signerOf("setup");
    return calls(bound, page, "setupState");
  }),
];

function pageAt({ page, edge }: Pick<Bound, "page" | "edge">, origin: string): EdgePage {
  const own = new EdgePage(edge, page.signer, page.cookie);
  own.origin = origin;
  return own;
}

function codeOf(error: unknown): Outcome {
  return (error as { readonly code?: string }).code ?? String(error);
}

/** An edge that lets no browser in would pass them all. */
async function honest(bound: Bound): Promise<readonly Result[]> {
  const outcome = await calls(bound, pageAt(bound, originOf(bound)), "me");
  const rule = "let in";
  const [kind, name] = ["dashboard under a name", "an honest person"];
  return [{ class: kind, name, rule, outcome: outcome === "accepted" ? rule : outcome, executed: 0 }];
}

export async function attackBoundDoors(household: Household): Promise<readonly Result[]> {
  const { edge } = household;
  const { agentAuthority } = JSON.parse(readFileSync(edge.keysFile, "utf8")) as EdgeKeys;
  const browsers = await browserAuthority(edge.keysDirectory, new Date());
  const browser = shown(await browserOf({ edge, browsers }));
  const bound: Bound = { ...household, agentAuthority, browsers, browser };
  return [...(await knock([...certificates, ...pages], bound)), ...(await honest(bound))];
}
