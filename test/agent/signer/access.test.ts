/** An https edge, its certificate, and a labelled fake of Cloudflare Access in front of it. */
import { spawnSync } from "node:child_process";
import { chmodSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { getCACertificates } from "node:tls";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeAuthority, makeServerCertificate, type KeyPair } from "../../../agent/edge/certificates.ts";
import { AccessToken, readAccessToken } from "../../../agent/signer/access-token.ts";
import { readAuthorities } from "../../../agent/signer/authorities.ts";
import { parseEdgeAddress } from "../../../agent/signer/edge-address.ts";
import { probeEdge } from "../../../agent/signer/probe.ts";
import { SignerError } from "../../../agent/signer/signer-error.ts";
import { makeDirectory } from "../edge/fixtures/harness.ts";
import { reply, startHostileEdge, type HostileEdge, type Told } from "./fixtures/hostile-edge.ts";
import { startTestSigner, type TestSigner } from "./fixtures/signer.ts";

const ID = "0123456789abcdef.access";
const SECRET = "not-a-real-secret-0123456789";
const uid = process.getuid?.() ?? 0;

let place: { readonly path: string; remove(): void };
let authority: KeyPair;
let edge: HostileEdge;
beforeAll(async () => {
  place = makeDirectory();
  authority = await makeAuthority("Test", new Date());
  const { key, certificate } = await makeServerCertificate(authority, ["localhost"], new Date());
  edge = await startHostileEdge({ key, cert: certificate });
});
afterAll(async () => {
  await edge.stop();
  place.remove();
});
beforeEach(() => {
  edge.told.length = 0;
  edge.answers(() => reply());
});

function codeOf(work: () => unknown): string {
  try {
    work();
    return "none";
  } catch (error) {
    if (error instanceof SignerError) return error.code;
    throw error;
  }
}

/** A signer before the edge, for one question. */
async function asked(how: {
  readonly host?: string;
  readonly authorities?: readonly string[];
  readonly access?: AccessToken;
}): Promise<unknown> {
  const signer: TestSigner = await startTestSigner({
    edge: `https://${how.host ?? "localhost"}:${edge.port}`,
    authorities: how.authorities ?? [authority.certificate],
    ...(how.access === undefined ? {} : { access: how.access }),
  });
  try {
    const { status, text } = await signer.get("/api/health");
    return status === 200 ? 200 : [status, JSON.parse(text).code];
  } finally {
    await signer.stop();
  }
}

describe("an https edge", () => {
  it("is asked when its certificate is right for its name", async () => {
    expect(await asked({})).toBe(200);
    expect(edge.told).toHaveLength(1);
  });

  it("is told nothing when somebody else vouches for it, or for another name", async () => {
    const other = await makeAuthority("Other", new Date());
    expect(await asked({ authorities: [other.certificate] })).toEqual([502, "edge_certificate"]);
    expect(await asked({ host: "127.0.0.1" })).toEqual([502, "edge_certificate"]);
    expect(await asked({ authorities: readAuthorities(undefined) })).toEqual([502, "edge_certificate"]);
    expect(edge.told).toEqual([]);
  });

  it("is told nothing when its certificate has ended", async () => {
    const { key, certificate } = await makeServerCertificate(authority, ["localhost"], new Date(0));
    const old = await startHostileEdge({ key, cert: certificate });
    const signer = await startTestSigner({
      edge: `https://localhost:${old.port}`,
      authorities: [authority.certificate],
    });
    expect(JSON.parse((await signer.get("/api/health")).text).code).toBe("edge_certificate");
    expect(old.told).toEqual([]);
    await signer.stop();
    await old.stop();
  });

  it("is found out at the start, when the terminal is still in sight", async () => {
    const address = parseEdgeAddress(`https://localhost:${edge.port}`, undefined);
    const probe = (authorities: readonly string[]) => probeEdge({ edge: address, authorities }, []);
    expect(await probe([authority.certificate])).toEqual({ state: "ok" });
    expect(await probe([])).toEqual({ state: "problem", code: "edge_certificate" });
    edge.answers(() => reply([], "{}", "503 Unavailable"));
    expect(await probe([authority.certificate])).toEqual({ state: "unreachable" });
    edge.answers((_told, socket) => void socket.destroy());
    expect(await probe([authority.certificate])).toEqual({ state: "unreachable" });
  });
});

describe("authorities", () => {
  it("are the system's, Node's and the extra ones without a file", () => {
    const found = readAuthorities(undefined);
    for (const pem of getCACertificates("default").slice(0, 3)) expect(found).toContain(pem);
    expect(new Set(found).size).toBe(found.length);
  });

  it("are also those of NODE_EXTRA_CA_CERTS", () => {
    const path = join(place.path, "extra.pem");
    writeFileSync(path, authority.certificate);
    const module = new URL("../../../agent/signer/authorities.ts", import.meta.url).href;
    const script = `import { readAuthorities } from "${module}"; console.log(readAuthorities(undefined).join("\\n"));`;
    const { stdout } = spawnSync(process.execPath, ["--no-warnings", "--input-type=module", "-e", script], {
      encoding: "utf8",
      env: { ...process.env, NODE_EXTRA_CA_CERTS: path },
    });
    expect(stdout).toContain(authority.certificate.trim());
  });

  it("are those of a file, and no other", () => {
    const path = join(place.path, "ca.pem");
    writeFileSync(path, `Some words\n${authority.certificate}\n${authority.certificate}`);
    expect(readAuthorities(path).map((pem) => pem.trim())).toEqual(
      Array.from({ length: 2 }, () => authority.certificate.trim()),
    );
  });

  it.each([
    ["nothing", ""],
    ["no certificate", "-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----\n"],
    ["a damaged one", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
  ])("are not taken from a file with %s", (_what, text) => {
    const path = join(place.path, "bad.pem");
    writeFileSync(path, text);
    expect(codeOf(() => readAuthorities(path))).toBe("authority_unusable");
  });

  it("are not taken from nowhere", () => {
    expect(codeOf(() => readAuthorities(join(place.path, "absent")))).toBe("authority_unusable");
  });
});

describe("the file of a service token", () => {
  const write = (text: string, mode = 0o600): string => {
    const path = join(place.path, `token-${mode.toString(8)}`);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  };
  const GOOD = JSON.stringify({ clientId: ID, clientSecret: SECRET });

  it("is read when its owner alone can", () => {
    expect(readAccessToken(write(GOOD), uid).headers()).toEqual([
      "CF-Access-Client-Id",
      ID,
      "CF-Access-Client-Secret",
      SECRET,
    ]);
    expect(readAccessToken(write(GOOD, 0o400), uid)).toBeInstanceOf(AccessToken);
  });

  it.each([0o640, 0o604, 0o644, 0o620, 0o602, 0o601])("is refused with mode %o", (mode) => {
    expect(codeOf(() => readAccessToken(write(GOOD, mode), uid))).toBe("token_exposed");
  });

  it("is refused when it is somebody else's, or leads elsewhere", () => {
    expect(codeOf(() => readAccessToken(write(GOOD), uid + 1))).toBe("token_exposed");
    const link = join(place.path, "link");
    symlinkSync(write(GOOD), link);
    expect(codeOf(() => readAccessToken(link, uid))).toBe("token_exposed");
  });

  it.each([
    ["nothing", ""],
    ["a list", "[]"],
    ["only half", JSON.stringify({ clientId: ID })],
    ["more", JSON.stringify({ clientId: ID, clientSecret: SECRET, x: 1 })],
    ["a line break, which would be a header of its own", JSON.stringify({ clientId: ID, clientSecret: "a\r\nb: c" })],
    ["half of a line", `{"clientId": "${ID}", "clientSecret": "${SECRET}`],
  ])("that holds %s is refused, in words without the secret", (_what, text) => {
    const path = write(text);
    expect(codeOf(() => readAccessToken(path, uid))).toBe("token_unusable");
    try {
      readAccessToken(path, uid);
    } catch (error) {
      expect(inspect(error, { depth: 9 })).not.toContain(SECRET);
    }
  });

  it("that is not there, or no file, is refused", () => {
    expect(codeOf(() => readAccessToken(join(place.path, "absent"), uid))).toBe("token_unusable");
    expect(codeOf(() => readAccessToken(place.path, uid))).toMatch(/^token_/);
  });

  it("is printed by nobody", () => {
    const token = new AccessToken({ clientId: ID, clientSecret: SECRET });
    expect(inspect(token, { depth: 9, showHidden: true })).not.toContain(SECRET);
    expect(JSON.stringify(token)).not.toContain(SECRET);
  });
});

/**
 * FAKE of Cloudflare Access, after its public documentation: without a valid service token a redirect to the team's login
 * page, with a wrong one a page that says no.
 */
function fakeAccess(wrong: "redirect" | "page"): (told: Told) => string {
  return ({ headers }) => {
    const passes =
      headers.get("cf-access-client-id")?.[0] === ID && headers.get("cf-access-client-secret")?.[0] === SECRET;
    if (passes) return reply();
    const login = "https://team.cloudflareaccess.com/cdn-cgi/access/login/edge.example?kid=x";
    if (wrong === "redirect")
      return reply([`location: ${login}`, "set-cookie: CF_AppSession=x; Path=/"], "", "302 Found");
    return reply(["content-type: text/html; charset=utf-8"], "<h1>Forbidden</h1>", "403 Forbidden");
  };
}

describe("Cloudflare Access (a fake of it)", () => {
  it.each(["redirect", "page"] as const)("that refuses with a %s is one sentence with the next step", async (how) => {
    edge.answers(fakeAccess(how));
    expect(await asked({})).toEqual([502, "access_refused"]);
    const wrong = new AccessToken({ clientId: ID, clientSecret: "wrong" });
    expect(await asked({ access: wrong })).toEqual([502, "access_refused"]);
  });

  it.each(["redirect", "page"] as const)("that would refuse with a %s lets the token's holder pass", async (how) => {
    edge.answers(fakeAccess(how));
    expect(await asked({ access: new AccessToken({ clientId: ID, clientSecret: SECRET }) })).toBe(200);
    expect(edge.told[0]?.headers.get("cf-access-client-id")).toEqual([ID]);
  });

  it("is shown the token on sockets too, and nobody is told it back", async () => {
    const access = new AccessToken({ clientId: ID, clientSecret: SECRET });
    const signer = await startTestSigner({
      edge: `https://localhost:${edge.port}`,
      authorities: [authority.certificate],
      access,
    });
    edge.answers(() => reply([], "{}", "403 No"));
    const refused = await signer.get("/api/hosts/h/live", {
      headers: {
        connection: "Upgrade",
        upgrade: "websocket",
        origin: signer.origin,
        "sec-websocket-key": "x",
        "cf-access-client-secret": "from the page",
      },
    });
    expect(edge.told[0]?.headers.get("cf-access-client-secret")).toEqual([SECRET]);
    expect(JSON.stringify(refused)).not.toContain(SECRET);
    expect(JSON.stringify(signer.events)).not.toContain(SECRET);
    await signer.stop();
  });

  it("is not shown the token by a page of somebody else", async () => {
    const access = new AccessToken({ clientId: ID, clientSecret: SECRET });
    const signer = await startTestSigner({
      edge: `https://localhost:${edge.port}`,
      authorities: [authority.certificate],
      access,
    });
    await signer.get("/api/health", { headers: { "sec-fetch-site": "cross-site" } });
    expect(edge.told).toEqual([]);
    await signer.stop();
  });
});
