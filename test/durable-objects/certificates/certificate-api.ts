/**
 * A stand-in for three paths of Cloudflare's API (client certificates of a zone: create, revoke), made from its published
 * description and its documentation of the quota (error 1445; a revoked certificate frees its place at once). It is not
 * Cloudflare: it shows what we send and that we take nothing but what is agreed.
 */
import { toHex } from "../../../protocol/bytes.ts";
import { CLIENT_CERTIFICATE_SECONDS } from "../../../protocol/limits.ts";
import * as x509 from "@peculiar/x509";
import { localAuthority, type AuthorityPair } from "../../../durable-objects/certificates/local.ts";
import { readKeyRequest } from "../../../durable-objects/certificates/key-request.ts";

interface Kept {
  readonly zone: string;
  status: "active" | "pending_revocation";
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | null;
  readonly body: unknown;
}

export class CertificateApi {
  readonly asked: Asked[] = [];
  readonly kept = new Map<string, Kept>();
  /** Certificates that a zone may have; any zone that is not named has none of its own account. */
  readonly quotas: Record<string, number>;
  /** What is said instead, once each; `real` says what would have been. */
  readonly instead: ((real: () => Promise<Response>) => Response | Promise<Response>)[] = [];
  readonly #authority: AuthorityPair;

  constructor(authority: AuthorityPair, quotas: Record<string, number>) {
    this.#authority = authority;
    this.quotas = quotas;
  }

  readonly send = async (request: Request): Promise<Response> => {
    const { pathname: path } = new URL(request.url);
    const text = await request.text();
    const body: unknown = text === "" ? undefined : JSON.parse(text);
    this.asked.push({ method: request.method, path, authorization: request.headers.get("authorization"), body });
    const honest = (): Promise<Response> => this.#answer(request.method, path, body);
    return (this.instead.shift() ?? ((real) => real()))(honest);
  };

  async #answer(method: string, path: string, body: unknown): Promise<Response> {
    const [, zone = "", id] =
      /^\/client\/v4\/zones\/([0-9a-f]{32})\/client_certificates(?:\/([0-9a-f]+))?$/.exec(path) ?? [];
    if (this.quotas[zone] === undefined) return failure(404, 7_003);
    if (method === "POST" && id === undefined) return this.#create(zone, body);
    if (method === "DELETE" && id !== undefined) return this.#revoke(zone, id);
    return failure(405, 10_405);
  }

  async #create(zone: string, body: unknown): Promise<Response> {
    const { csr, validity_days: days, ...rest } = body as Record<string, unknown>;
    const isClosed = Object.keys(rest).length === 0 && typeof csr === "string";
    if (!isClosed || days !== CLIENT_CERTIFICATE_SECONDS / 86_400) return failure(400, 1_400);
    const active = [...this.kept.values()].filter((kept) => kept.zone === zone && kept.status === "active");
    if (active.length >= (this.quotas[zone] ?? 0)) return failure(403, 1_445);
    const [der] = x509.PemConverter.decode(csr);
    const request = der === undefined ? undefined : await readKeyRequest(new Uint8Array(der));
    if (request === undefined) return failure(400, 1_401);
    const now = Math.floor(Date.now() / 1_000);
    const signed = await localAuthority(this.#authority).sign({ request, host: "theirs", now });
    if (typeof signed === "string") return failure(500, 1_000);
    const id = toHex(crypto.getRandomValues(new Uint8Array(16)));
    this.kept.set(id, { zone, status: "active" });
    return good({ id, status: "active", certificate: pemOf(signed.der), csr, validity_days: days });
  }

  #revoke(zone: string, id: string): Response {
    const kept = this.kept.get(id);
    if (kept === undefined || kept.zone !== zone) return failure(404, 1_404);
    kept.status = "pending_revocation";
    return good({ id, status: kept.status });
  }
}

export function pemOf(der: Uint8Array<ArrayBuffer>): string {
  return x509.PemConverter.encode(der, "CERTIFICATE");
}

/** An honest answer with other fields in its result. */
export async function bent(answer: Response, change: Readonly<Record<string, unknown>>): Promise<Response> {
  const { result } = await answer.json<{ readonly result: object }>();
  return good({ ...result, ...change });
}

export function good(result: unknown): Response {
  return Response.json({ success: true, errors: [], messages: [], result });
}

export function failure(status: number, code: number): Response {
  return Response.json(
    { success: false, errors: [{ code, message: "its prose" }], messages: [], result: null },
    { status },
  );
}
