/**
 * Joins this host to a workspace: keys if it has none, a client certificate for a single-use token, and the pin of the
 * workspace from the join file, which did not pass through the edge. Afterwards the host is in quarantine until a
 * person admits it.
 */
import { createPublicKey, randomBytes, X509Certificate } from "node:crypto";
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { joinFileCodec, type JoinFile } from "../../protocol/join-file.ts";
import { NONCE_BYTES } from "../../protocol/limits.ts";
import { joinCodec, joinRequestCodec } from "../../protocol/tunnel.ts";
import { hostWords } from "../../protocol/words.ts";
import { HostError } from "./host-error.ts";
import { findEdgeAuthority, hexFingerprint } from "./link/edge-authority.ts";
import { parseEndpoint, type Endpoint } from "./link/endpoint.ts";
import { postJoin } from "./link/post-join.ts";
import { environmentOf, type Environment } from "./link/proxy.ts";
import { refuseUnfinishedReset, standingReset, type GatewayReference, type HostState } from "./state.ts";
import { openHostKeys, type HostKeys } from "./warden/keys.ts";

export interface JoinDeps {
  readonly state: HostState;
  readonly label: string;
  /** True when the edge runs on this machine. */
  readonly colocated: boolean;
  readonly gateway: GatewayReference;
  /** Names the HTTP proxy, if there is one. */
  readonly environment: Environment;
  /**
   * The workspace id as a person typed it on this machine. Needed after a reset, whose reason may be that the way by which
   * join files come is not to be trusted.
   */
  readonly typedWorkspace?: string;
  /** PEM of the edge's authority, where this very process runs the edge; still held against the join file. */
  readonly edgeAuthority?: string;
}

export interface Joined {
  readonly host: string;
  readonly workspace: string;
  readonly words: readonly string[];
}

export async function joinHost(joinFile: Uint8Array, deps: JoinDeps): Promise<Joined> {
  const file = readJoinFile(joinFile);
  const { state } = deps;
  refuseUnfinishedReset(state);
  refuseOtherWorkspace(state, file);
  refuseUntyped(state, file, deps.typedWorkspace);
  const keys = openHostKeys(state.files.keys);
  const endpoint = parseEndpoint(file.edge);
  const authority = await authorityOf(file, endpoint, deps);
  const { makeCertificateRequest } = await import("./link/certificate-request.ts");
  const { key, csr } = await makeCertificateRequest(keys.host);
  const body = await signedRequest(file, { keys, csr }, deps);
  const answer = await postJoin({ endpoint, authority, environment: environmentOf(deps, deps.environment), body });
  const certificate = new X509Certificate(fromBase64url(answer.certificate));
  if (answer.host !== keys.host || !isForKey(certificate, key)) {
    throw new HostError(
      "join_refused",
      "The edge issued a certificate for another host than this one, so it was not kept. Join again with a fresh join file.",
    );
  }
  state.saveTls({
    v: 1,
    key,
    certificate: certificate.toString(),
    ...(authority === undefined ? {} : { edgeCa: authority }),
  });
  state.saveNextTls(undefined); // of an earlier joining, if there is one: the edge takes it no more
  state.saveHost({
    v: 1,
    edge: file.edge,
    workspace: file.workspace,
    host: keys.host,
    label: deps.label,
    colocated: deps.colocated,
    gateway: deps.gateway,
  });
  state.saveReset(undefined);
  return { host: keys.host, workspace: file.workspace, words: wordsOf(keys, file.workspace) };
}

async function authorityOf(
  file: JoinFile,
  endpoint: Endpoint,
  { edgeAuthority: known, colocated, environment }: JoinDeps,
): Promise<string | undefined> {
  if (file.edgeCa === undefined) return undefined;
  if (known !== undefined && hexFingerprint(new X509Certificate(known)) === file.edgeCa) return known;
  return findEdgeAuthority(endpoint, file.edgeCa, environmentOf({ colocated }, environment));
}

export function wordsOf(keys: HostKeys, workspace: string): readonly string[] {
  return hostWords({ hostKey: keys.hostKey.publicKey, workspace });
}

function readJoinFile(bytes: Uint8Array): JoinFile {
  try {
    return joinFileCodec.decode(bytes);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new HostError(
      "join_file",
      "That is not a join file. It is one line of JSON that the machine with the edge prints; give all of it, unchanged, with --file or on standard input.",
    );
  }
}

/** A host obeys one workspace for ever; another one needs another state directory. */
function refuseOtherWorkspace(state: HostState, file: JoinFile): void {
  const existing = state.host();
  if (existing === undefined || existing.workspace === file.workspace) return;
  throw new HostError(
    "joined_elsewhere",
    `This host already belongs to another workspace (state in ${state.path}). To join a second one beside it, choose another directory with --data; to leave the first for good, type clawhold trust reset.`,
  );
}

function refuseUntyped(state: HostState, { workspace }: JoinFile, typed: string | undefined): void {
  if (typed === workspace) return;
  if (typed !== undefined)
    throw new HostError(
      "workspace_typed",
      `The join file is for another workspace than the one you typed, so nothing was sent. clawhold status shows the id on any other host of your workspace; if the file is wrong, do not use it.`,
    );
  if (standingReset(state) === undefined) return;
  throw new HostError(
    "workspace_typed",
    "This host was reset, so it joins only a workspace whose id a person types here. Type this in a terminal, or give the id with --workspace.",
  );
}

interface Requester {
  readonly keys: HostKeys;
  readonly csr: Uint8Array;
}

async function signedRequest(file: JoinFile, { keys, csr }: Requester, deps: JoinDeps): Promise<Uint8Array> {
  const join = joinCodec.encode({
    v: 1,
    workspace: file.workspace,
    hostKey: keys.hostKey.publicKey,
    cosignKey: keys.cosignKey.publicKey,
    label: deps.label,
    colocated: deps.colocated,
    csr: toBase64url(csr),
    nonce: toBase64url(randomBytes(NONCE_BYTES)),
  });
  const signature = await keys.hostKey.sign("join", join);
  return joinRequestCodec.encode({ token: file.token, join: toBase64url(join), signature });
}

function isForKey(certificate: X509Certificate, key: string): boolean {
  const own = createPublicKey(key).export({ type: "spki", format: "der" });
  return certificate.publicKey.export({ type: "spki", format: "der" }).equals(own);
}
