import { chmodSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  makeAuthority,
  makeBrowserCertificate,
  makeServerCertificate,
  type KeyPair,
} from "../../../agent/edge/certificates.ts";
import { readClientCertificate } from "../../../agent/signer/client-certificate.ts";
import { parseEdgeAddress } from "../../../agent/signer/edge-address.ts";
import { probeEdge } from "../../../agent/signer/probe.ts";
import { makeDirectory } from "../edge/fixtures/harness.ts";

const UID = process.getuid?.() ?? 0;

let directory: ReturnType<typeof makeDirectory>;
let authority: KeyPair;
let pair: KeyPair;
let server: Server;
let file: string;

beforeAll(async () => {
  const now = new Date();
  directory = makeDirectory();
  file = join(directory.path, "client.pem");
  authority = await makeAuthority("edge", now);
  const browsers = await makeAuthority("browsers", now);
  pair = await makeBrowserCertificate(browsers, "Ada", now);
  const own = await makeServerCertificate(authority, ["127.0.0.1"], now);
  server = createServer(
    { key: own.key, cert: own.certificate, ca: browsers.certificate, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const isKnown = (request.socket as TLSSocket).authorized;
      response.writeHead(isKnown ? 200 : 403, { "content-type": "application/json" }).end("{}");
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
});
afterAll(() => {
  server.close();
  directory.remove();
});
beforeEach(() => writeFileSync(file, `${pair.certificate}${pair.key}`, { mode: 0o600 }));

const probe = (path?: string) =>
  probeEdge(
    {
      edge: parseEdgeAddress(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, undefined),
      authorities: [authority.certificate],
      ...(path === undefined ? {} : { certificate: readClientCertificate(path, UID) }),
    },
    [],
  );

describe("a signer's client certificate", () => {
  it("is shown to the edge, which does not let the signer in without", async () => {
    expect(await probe(file)).toEqual({ state: "ok" });
    expect((await probe()).state).not.toBe("ok");
  });

  it("is not seen when it is printed by mistake", () => {
    expect(inspect(readClientCertificate(file, UID), { depth: 9 })).not.toContain("BEGIN");
  });

  const refusal = (path = file) => {
    try {
      readClientCertificate(path, UID);
      return undefined;
    } catch (error) {
      return error;
    }
  };

  it("comes from a file of its owner's that holds a pair", async () => {
    chmodSync(file, 0o640);
    expect(refusal()).toMatchObject({ code: "certificate_exposed" });
    chmodSync(file, 0o600);
    expect(refusal(join(directory.path, "none"))).toMatchObject({ code: "certificate_unusable" });
    for (const text of ["", pair.certificate, pair.key]) {
      writeFileSync(file, text);
      expect(refusal()).toMatchObject({ code: "certificate_unusable" });
    }
    const { key } = await makeAuthority("x", new Date());
    writeFileSync(file, `${pair.certificate}${key}`);
    expect(refusal()).toMatchObject({ message: expect.stringContaining("belongs to another certificate") as string });
  });
});
