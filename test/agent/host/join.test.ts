import "reflect-metadata";
import { createServer, type Server } from "node:https";
import { X509Certificate } from "node:crypto";
import type { AddressInfo } from "node:net";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as x509 from "@peculiar/x509";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeAuthority, makeServerCertificate, type KeyPair } from "../../../agent/edge/certificates.ts";
import { joinHost } from "../../../agent/host/join.ts";
import { hexFingerprint } from "../../../agent/host/link/edge-authority.ts";
import { openHostState, requireJoined, type HostState } from "../../../agent/host/state.ts";
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import { joinFileCodec } from "../../../protocol/join-file.ts";
import { verifySignature } from "../../../protocol/signing.ts";
import { joinAnswerCodec, joinCodec, joinRequestCodec, type Join } from "../../../protocol/tunnel.ts";
import { hostIdOf, hostWords } from "../../../protocol/words.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { startConnectProxy } from "./link/connect-proxy.ts";
import { issueFor } from "./link/scripted-edge.ts";

let authority: KeyPair;
let agents: KeyPair;
let server: Server;
let port: number;
let directory: string;
let state: HostState;
let requests: { readonly token: string; readonly join: Join; readonly signed: boolean }[];
let answer: (request: Join) => Promise<{ status: number; text: string }>;

beforeAll(async () => {
  authority = await makeAuthority("edge", new Date());
  agents = await makeAuthority("agents", new Date());
});

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "clawhold-join-"));
  state = openHostState(join(directory, "host"));
  requests = [];
  answer = async (join) => ({
    status: 200,
    text: textOf(
      joinAnswerCodec.encode({ host: hostIdOf(join.hostKey), certificate: await issue(fromBase64url(join.csr)) }),
    ),
  });
  await serve(await makeServerCertificate(authority, ["127.0.0.1", "edge.test"], new Date()));
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
  rmSync(directory, { recursive: true, force: true });
});

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

async function serve(leaf: KeyPair, chain = authority.certificate): Promise<void> {
  server?.close();
  server = createServer(
    { key: leaf.key, cert: leaf.certificate + chain, minVersion: "TLSv1.3" },
    (request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString("utf8")));
      request.on("end", () => {
        void (async () => {
          const { token, join: text, signature } = joinRequestCodec.decode(new TextEncoder().encode(body));
          const bytes = fromBase64url(text);
          const parsed = joinCodec.decode(bytes);
          requests.push({
            token,
            join: parsed,
            signed: await verifySignature({ kind: "join", body: bytes, signature, publicKey: parsed.hostKey }),
          });
          const said = await answer(parsed);
          response.writeHead(said.status).end(said.text);
        })();
      });
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
}

async function issue(csr: Uint8Array): Promise<string> {
  return toBase64url(await issueFor(csr, agents));
}

const WORKSPACE = nonceOf("workspace");
function joinFile(change: object = {}): Uint8Array {
  return encodeCanonical({
    v: 1,
    edge: `wss://127.0.0.1:${String(port)}`,
    workspace: WORKSPACE,
    token: nonceOf("token"),
    edgeCa: hexFingerprint(new X509Certificate(authority.certificate)),
    ...change,
  });
}
const doJoin = (file = joinFile(), environment: Readonly<Record<string, string>> = {}) =>
  joinHost(file, { state, label: "vps-1", colocated: false, gateway: { kind: "none" }, environment });

describe("joining", () => {
  it("sends a signed request and keeps certificate, authority and pin", async () => {
    const joined = await doJoin();
    const [request] = requests;
    expect(request).toMatchObject({
      token: nonceOf("token"),
      signed: true,
      join: { workspace: WORKSPACE, label: "vps-1", colocated: false },
    });
    expect(joined.words).toEqual(hostWords({ hostKey: request?.join.hostKey ?? "", workspace: WORKSPACE }));
    const { host, tls } = requireJoined(state);
    expect(host).toMatchObject({ workspace: WORKSPACE, host: joined.host, label: "vps-1" });
    expect(new X509Certificate(tls.certificate).subject).toBe(`CN=${joined.host}`);
    expect(tls.edgeCa).toBe(new X509Certificate(authority.certificate).toString());
  });

  it("goes through the proxy of the environment, which sees no word of it", async () => {
    const proxy = await startConnectProxy({ names: { "edge.test": port } });
    const file = joinFile({ edge: `wss://edge.test:${String(port)}` });
    await doJoin(file, { HTTPS_PROXY: proxy.url });
    expect(requests).toHaveLength(1);
    // Once to find the edge's authority, once to join.
    expect(proxy.asked.map(({ authority: asked }) => asked)).toEqual(Array(2).fill(`edge.test:${String(port)}`));
    expect(proxy.passed().includes(nonceOf("token"))).toBe(false);
    proxy.refusal = 403;
    await expect(doJoin(file, { HTTPS_PROXY: proxy.url })).rejects.toMatchObject({
      code: "edge_unreachable",
      message: expect.stringContaining("does not let this host through"),
    });
    await proxy.stop();
  });

  it("keeps everything for this user alone, and the token nowhere", async () => {
    await doJoin();
    for (const path of [state.files.host, state.files.tls, state.files.keys]) {
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(readFileSync(path, "utf8")).not.toContain(nonceOf("token"));
    }
    expect(statSync(state.path).mode & 0o777).toBe(0o700);
  });

  it("keeps the host key when it joins again", async () => {
    const first = await doJoin();
    const second = await doJoin(joinFile({ token: nonceOf("token 2") }));
    expect(second).toEqual(first);
    expect(requests[0]?.join.csr).not.toBe(requests[1]?.join.csr);
  });
});

describe("what stops it, before the token leaves", () => {
  it("a server that shows another authority", async () => {
    const other = await makeAuthority("other", new Date());
    await serve(await makeServerCertificate(other, ["127.0.0.1"], new Date()), other.certificate);
    await expect(doJoin()).rejects.toMatchObject({ code: "edge_fingerprint" });
    expect(requests).toEqual([]);
  });

  it("a server that shows our authority beside a leaf of its own", async () => {
    const other = await makeAuthority("other", new Date());
    await serve(await makeServerCertificate(other, ["127.0.0.1"], new Date()), authority.certificate);
    await expect(doJoin()).rejects.toMatchObject({ code: expect.stringMatching(/edge_certificate|edge_fingerprint/) });
    expect(requests).toEqual([]);
  });

  it("a leaf for another name", async () => {
    await serve(await makeServerCertificate(authority, ["elsewhere.example"], new Date()));
    await expect(doJoin()).rejects.toMatchObject({ code: "edge_certificate" });
    expect(requests).toEqual([]);
  });

  it.each([
    ["ended long ago", new Date(Date.now() - 200 * 86_400_000)],
    ["begins tomorrow", new Date(Date.now() + 86_400_000)],
  ])("a certificate that %s: one of the clocks is wrong", async (_name, from) => {
    await serve(await makeServerCertificate(authority, ["127.0.0.1"], from));
    await expect(doJoin()).rejects.toMatchObject({ code: "clock", message: expect.stringContaining("clock") });
    expect(requests).toEqual([]);
  });

  it("nobody there", async () => {
    await expect(doJoin(joinFile({ edge: "wss://127.0.0.1:1" }))).rejects.toMatchObject({
      code: "edge_unreachable",
      message: expect.stringContaining("Nothing answers"),
    });
  });

  it("a fingerprint of the leaf instead of the authority", async () => {
    const leaf = await makeServerCertificate(authority, ["127.0.0.1"], new Date());
    await serve(leaf);
    const [pem = ""] = leaf.certificate.split("-----END CERTIFICATE-----");
    const file = joinFile({ edgeCa: hexFingerprint(new X509Certificate(`${pem}-----END CERTIFICATE-----\n`)) });
    await expect(doJoin(file)).rejects.toMatchObject({ code: "edge_fingerprint" });
    expect(requests).toEqual([]);
  });

  it("something that is no join file", async () => {
    for (const file of [
      "{}",
      "",
      "not json",
      '{"v":2}',
      `${textOf(joinFile())} `,
      textOf(joinFile({ surplus: 1 })),
      textOf(joinFile({ edge: "ws://127.0.0.1:1" })),
      textOf(joinFile({ edge: "wss://user@127.0.0.1:1" })),
    ]) {
      await expect(doJoin(new TextEncoder().encode(file)), file).rejects.toMatchObject({ code: "join_file" });
    }
    expect(existsSync(state.files.keys)).toBe(false);
  });

  it("a join file of another workspace than the one this host belongs to", async () => {
    await doJoin();
    await expect(doJoin(joinFile({ workspace: nonceOf("second") }))).rejects.toMatchObject({
      code: "joined_elsewhere",
    });
    expect(requests).toHaveLength(1);
  });
});

describe("what the edge answers", () => {
  const codes = {
    join_token_wrong: "join_token",
    join_token_used: "join_token",
    join_token_expired: "join_token",
    join_workspace: "join_refused",
    too_many_joins: "join_refused",
    too_many: "join_refused",
    address_banned: "join_refused",
    network_refused: "join_refused",
    something_new: "join_refused",
  };
  it.each(Object.entries(codes))("%s", async (code, kind) => {
    answer = () =>
      Promise.resolve({
        status: 403,
        text: JSON.stringify({ type: "about:blank", title: "hostile prose", status: 403, code, id: "x" }),
      });
    const failure = doJoin();
    await expect(failure).rejects.toMatchObject({ code: kind });
    await expect(failure).rejects.not.toThrow(/hostile prose/);
    expect(state.host()).toBeUndefined();
  });

  it("a certificate for another key is not kept", async () => {
    const keys = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
    const foreign = await x509.Pkcs10CertificateRequestGenerator.create({
      name: "CN=h-x",
      keys,
      signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
    });
    answer = async (join) => ({
      status: 200,
      text: textOf(
        joinAnswerCodec.encode({
          host: hostIdOf(join.hostKey),
          certificate: await issue(new Uint8Array(foreign.rawData)),
        }),
      ),
    });
    await expect(doJoin()).rejects.toMatchObject({ code: "join_refused" });
    expect(state.tls()).toBeUndefined();
  });

  it("another host's id, and what is no answer", async () => {
    answer = async (join) => ({
      status: 200,
      text: textOf(joinAnswerCodec.encode({ host: "h-other", certificate: await issue(fromBase64url(join.csr)) })),
    });
    await expect(doJoin()).rejects.toMatchObject({ code: "join_refused" });
    for (const text of ["", "{}", '{"host":"h-x"}', "x".repeat(20_000)]) {
      answer = () => Promise.resolve({ status: 200, text });
      await expect(doJoin()).rejects.toMatchObject({ name: "HostError" });
    }
  });
});

it("the join file is what protocol says it is", () => {
  expect(joinFileCodec.decode(joinFile()).workspace).toBe(WORKSPACE);
});
