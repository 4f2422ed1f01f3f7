/**
 * Attacks on the renewal of a host's client certificate, by an edge that was asked for one: certificates for other keys and
 * of other times, answers that nobody waits for, and a new pair that is handed over and then never welcomed. The agent here
 * looks every tenth of a second whether it is time to ask, and is otherwise itself.
 */
import { X509Certificate } from "node:crypto";
import path from "node:path";
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { CERTIFICATE_SKEW_SECONDS } from "../../protocol/limits.ts";
import type { CertificateTerm } from "../../protocol/renewal.ts";
import { verifySignature } from "../../protocol/signing.ts";
import { certificateRequestCodec } from "../../protocol/tunnel.ts";
import { issueClient } from "../agent/edge/fixtures/client-certificates.ts";
import { issueFor } from "../agent/host/link/scripted-edge.ts";
import { buildAgent, type Cut } from "./agent-build.ts";
import { attempt, type Attack, type Result } from "./attack.ts";
import { cut, type Layer } from "./layer-table.ts";
import { proveAll, type LayerOptions, type LayerReport } from "./layers.ts";
import { Scene, type Outcome } from "./scene.ts";
import { wallNow } from "./town.ts";

const RENEWAL = "agent/host/warden/renewal.ts";
const QUICK: Cut = cut("agent/host/run.ts", "TICK_MILLISECONDS = 60_000;", "TICK_MILLISECONDS = 100;");
const DAY = 86_400;

type Answer = (scene: Scene, csr: Uint8Array) => Promise<Outcome>;

/** An agent with the pair of its joining, whose certificate is due, has just asked for the next one. */
function asked(answer: Answer): Attack["run"] {
  return async (scene) => {
    const { client, edgeAuthority, place } = scene.options.tls;
    const edgeCa = place.isPinned ? { edgeCa: edgeAuthority.certificate } : {};
    scene.directory.setPair({ v: 1, key: client.key, certificate: `${client.cert}\n`, ...edgeCa });
    await scene.restartAgent("SIGKILL");
    const { mark } = scene.happenings;
    await scene.join();
    const signed = await scene.happenings.first(mark, (item) =>
      item.kind === "frame" && item.frame.kind === "certificate-request" ? item.frame.signed : undefined,
    );
    if (signed === undefined) return "nothing was asked for";
    const body = fromBase64url(signed.body);
    const publicKey = scene.town.world.hostBody.hostKey;
    const { signature } = signed;
    const isHosts = await verifySignature({ kind: "certificate-request", body, signature, publicKey });
    if (!isHosts) return "asked for by nobody";
    return answer(scene, fromBase64url(certificateRequestCodec.decode(body).csr));
  };
}

/** Hands a certificate over and waits until the agent leaves with it, or leaves over it. */
async function hand(scene: Scene, certificate: Uint8Array): Promise<Outcome> {
  const { mark } = scene.happenings;
  scene.tunnel.send({ kind: "certificate", certificate: toBase64url(certificate) });
  const closed = await scene.happenings.first(mark, (item) => (item.kind === "closed" ? item.reason : undefined));
  return closed === "renewed" ? "adopted" : scene.closing(mark);
}

const forKey = (name: string, make: (scene: Scene) => Promise<Uint8Array>): Attack => ({
  class: "renewal",
  name: `a certificate ${name}`,
  rule: "tunnel.foreign_certificate",
  run: asked(async (scene) => hand(scene, await make(scene))),
});

const forTerm = (name: string, term: () => CertificateTerm): Attack => ({
  class: "renewal",
  name: `a certificate ${name}`,
  rule: "tunnel.foreign_certificate",
  run: asked(async (scene, csr) => hand(scene, await issueFor(csr, scene.options.tls.agentAuthority, term()))),
});

function derOf(pem: string): Uint8Array {
  return new X509Certificate(pem).raw;
}

const foreign: readonly Attack[] = [
  forKey("for the attacker's key", async ({ options }) => derOf((await issueClient(options.tls.agentAuthority)).cert)),
  forKey("of another host", ({ options }) => Promise.resolve(derOf(options.tls.otherClient.cert))),
];

const untimely: readonly Attack[] = [
  forTerm("that ended", () => ({ from: wallNow() - 90 * DAY, until: wallNow() - DAY })),
  forTerm("that is due again at once", () => ({ from: wallNow() - 60 * DAY, until: wallNow() + 20 * DAY })),
  forTerm("that has not begun", () => ({
    from: wallNow() + 2 * CERTIFICATE_SKEW_SECONDS,
    until: wallNow() + 90 * DAY,
  })),
];

/** A good certificate for the right key; the edge that gave it does not prove itself to the new pair. */
const unwelcomed: Attack = {
  class: "renewal",
  name: "a new pair, and a welcome for the old one",
  rule: "tunnel.edge_unproven",
  run: asked(async (scene, csr) => {
    const before = scene.tunnel.certFingerprint;
    if ((await hand(scene, await fresh(scene, csr))) !== "adopted") return "the new pair was not taken";
    await scene.meet();
    await scene.greet();
    const { mark } = scene.happenings;
    scene.tunnel.send({ kind: "welcome", signed: await scene.welcome({ certFingerprint: before }) });
    const outcome = await scene.closing(mark);
    const inUse = new X509Certificate(scene.directory.pair?.certificate ?? "");
    return inUse.raw.equals(derOf(scene.options.tls.client.cert)) ? outcome : "adopted";
  }),
};

function fresh(scene: Scene, csr: Uint8Array): Promise<Uint8Array> {
  return issueFor(csr, scene.options.tls.agentAuthority, { from: wallNow() - 60, until: wallNow() + 90 * DAY });
}

const others: readonly Attack[] = [
  {
    class: "renewal",
    name: "a new pair that is never welcomed",
    rule: "the pair before",
    run: asked(async (scene, csr) => {
      const before = scene.tunnel.certFingerprint;
      await hand(scene, await fresh(scene, csr));
      const { certFingerprint } = await scene.meet();
      if (certFingerprint === before) return "the new pair was not tried";
      scene.tunnel.cut();
      await scene.join();
      return scene.tunnel.certFingerprint === before ? "the pair before" : "another pair";
    }),
  },
  {
    class: "renewal",
    name: "a refusal, and a certificate after it",
    rule: "tunnel.out_of_order",
    run: asked(async (scene, csr) => {
      scene.tunnel.send({ kind: "certificate-refused", code: "not_admitted" });
      return hand(scene, await fresh(scene, csr));
    }),
  },
  forKey("that is none", () => Promise.resolve(new Uint8Array([48, 3, 2, 1, 0]))),
];

export const renewalChecks: readonly Layer[] = [
  {
    layer: "key of a new certificate",
    cuts: [QUICK, cut(RENEWAL, 'certificate.publicKey.export({ type: "spki", format: "der" }).equals(publicKey) &&')],
    attacks: foreign,
  },
  {
    layer: "term of a new certificate",
    cuts: [
      QUICK,
      cut(RENEWAL, "from <= now + CERTIFICATE_SKEW_SECONDS &&"),
      cut(RENEWAL, "dueAt({ from, until }) > now + CERTIFICATE_SKEW_SECONDS", "true"),
    ],
    attacks: untimely,
  },
  {
    layer: "welcome before a new pair stays",
    cuts: [
      QUICK,
      cut("agent/host/link/link.ts", "openedAt = elapsed();", "openedAt = elapsed(); pairs.welcomed(pair);"),
    ],
    attacks: [unwelcomed],
  },
];

export async function attackRenewal(
  options: LayerOptions,
): Promise<{ readonly results: readonly Result[]; readonly checks: readonly LayerReport[] }> {
  const { tls, directory } = options;
  const due = { notBefore: new Date(Date.now() - 62 * DAY * 1_000), notAfter: new Date(Date.now() + 20 * DAY * 1_000) };
  const client = await issueClient(tls.agentAuthority, due);
  const program = await buildAgent(path.join(directory, "asks-soon"), [QUICK]);
  const stand = { ...options, program, tls: { ...tls, client } };
  const proven = await proveAll(renewalChecks, stand);
  const scene = await Scene.open(stand);
  try {
    const results: Result[] = [];
    for (const attack of others) results.push(await attempt(attack, scene));
    return { results, checks: proven };
  } finally {
    await scene.close();
  }
}
