/**
 * From what a person typed after `clawhold up` to what the front takes: targets, names, certificates and the gate for
 * browsers, each refused with its reason before a port is opened. Holds no listener.
 */
import type { EdgeLog } from "../edge-log.ts";
import type { KeyPair } from "../certificates.ts";
import { EdgeError } from "../../shared/edge-error.ts";
import { kindOf, parseTarget, refuseAddress, type BindTarget } from "./address.ts";
import type { BindNews } from "./bound.ts";
import { BrowserGate, browserAuthority } from "./browser-certificates.ts";
import type { BoundFront, BoundFrontOptions } from "./bound-front.ts";
import { hostOf } from "./bound-front.ts";
import { checkName, ownCertificate, readTlsFiles, stampOf, type TlsFiles } from "./dashboard-certificate.ts";
import { readInterfaces, type ReadInterfaces } from "./interfaces.ts";

export interface BindOptions {
  /** An interface or an address, as it was typed. */
  readonly target: string;
  readonly allowPublic?: boolean;
  /** Without it the dashboard is not served there: browsers have passkeys for names only. */
  readonly name?: string | undefined;
  /** Undefined: a certificate of an authority that this edge makes. */
  readonly tlsFiles?: TlsFiles | undefined;
  /** False: any browser may open the dashboard there. */
  readonly browserCertificates?: boolean;
  readonly news?: (news: BindNews) => void;
  /** The kernel's, unless a test says otherwise. */
  readonly interfaces?: ReadInterfaces;
}

export interface BindPlace {
  /** After an address came or went. */
  readonly onAddress: () => void;
  readonly keysDirectory: string;
  readonly now: () => Date;
  readonly log: EdgeLog;
  /** The agents' certificate with these names in it. */
  readonly certify: (names: readonly string[]) => Promise<KeyPair>;
}

export interface Asked {
  readonly target: BindTarget;
  readonly name: string | undefined;
  readonly front: BoundFrontOptions;
  /** The dashboard there, e.g. `https://edge.example.ts.net:4470`. */
  dashboardOrigin(port: number): string | undefined;
  /** PEM file for a person's browser; undefined where a certificate was brought. */
  readonly authorityPath: string | undefined;
  readonly browserCertificates: boolean;
  /** Serves a newer certificate of the dashboard, if there is one. Never rejects: what does not fit is said. */
  renew(bound: BoundFront): Promise<void>;
  /** The same now and then, until it is called off. */
  watch(bound: BoundFront): () => void;
}

/** Certificate tools write the two files one after the other. */
const WATCH_MILLISECONDS = 5_000;

/**
 * As far as the words alone can be judged, without a look at this machine.
 * @throws {EdgeError}
 */
export function checkBind(options: BindOptions): Pick<Asked, "target" | "name"> {
  const target = parseTarget(options.target);
  if (target.kind === "address") {
    const refusal = refuseAddress(target.address, options.allowPublic === true);
    if (refusal !== undefined) throw refusal;
  }
  const name = options.name === undefined ? undefined : checkName(options.name);
  if (name === undefined && options.tlsFiles !== undefined)
    throw new EdgeError(
      "bind_refused",
      "--tls-cert and --tls-key are for the dashboard, which is served under a name. Give that name with --name.",
    );
  return { target, name };
}

/** @throws {EdgeError} */
export async function prepareBind(options: BindOptions, place: BindPlace): Promise<Asked> {
  const { target, name } = checkBind(options);
  const source = name === undefined ? undefined : await openSource(name, options.tlsFiles, place);
  const wantsGate = name !== undefined && options.browserCertificates !== false;
  const gate = wantsGate ? await openGate(place) : undefined;
  const news = options.news ?? (() => undefined);
  return {
    target,
    name,
    front: {
      target,
      allowPublic: options.allowPublic === true,
      interfaces: options.interfaces ?? readInterfaces,
      dashboard: name === undefined || source === undefined ? undefined : { name, pair: source.pair, gate },
      certify: (addresses) => place.certify(name === undefined ? addresses : [name, ...addresses]),
      news: (said) => {
        place.log({ level: "info", code: `bind_${said.state}`, detail: detailOf(said) });
        news(said);
        place.onAddress();
      },
    },
    dashboardOrigin: (port) => (name === undefined ? undefined : `https://${hostOf(name, port)}`),
    authorityPath: source?.authorityPath,
    browserCertificates: wantsGate,
    renew: (bound) => (source === undefined ? Promise.resolve() : renew(bound, source, place.log)),
    watch: (bound) => (source === undefined ? () => undefined : watch(bound, source, place.log)),
  };
}

/** Where agents of other machines find it: the name for ever, an address only for as long as it stays. */
export function advertisedHost({ name, target }: Asked, addresses: readonly string[]): string | undefined {
  if (name !== undefined) return name;
  if (target.kind === "address" && kindOf(target.address) !== "any") return target.address;
  return addresses.find((address) => !address.includes(":")) ?? addresses[0];
}

async function openGate({ keysDirectory, now }: BindPlace): Promise<BrowserGate> {
  const { certificate } = await browserAuthority(keysDirectory, now());
  return new BrowserGate(keysDirectory, certificate, now);
}

interface Source {
  readonly pair: KeyPair;
  readonly authorityPath: string | undefined;
  /** A pair that is newer than the last one; undefined while nothing changed. */
  next(): Promise<KeyPair | undefined>;
}

async function openSource(name: string, files: TlsFiles | undefined, place: BindPlace): Promise<Source> {
  const { keysDirectory, now } = place;
  if (files === undefined) {
    const { pair, authorityPath } = await ownCertificate(keysDirectory, name, now());
    let last = pair.certificate;
    const next = async (): Promise<KeyPair | undefined> => {
      const made = await ownCertificate(keysDirectory, name, now());
      if (made.pair.certificate === last) return undefined;
      last = made.pair.certificate;
      return made.pair;
    };
    return { pair, authorityPath, next };
  }
  const pair = readTlsFiles(files, name, now());
  let seen = stampOf(files);
  const next = (): Promise<KeyPair | undefined> => {
    const stamp = stampOf(files);
    if (stamp === undefined || stamp === seen) return Promise.resolve(undefined);
    seen = stamp;
    return Promise.resolve(readTlsFiles(files, name, now()));
  };
  return { pair, authorityPath: undefined, next };
}

/** What does not fit is said and not served: the old pair stays until it ends. */
function watch(bound: BoundFront, source: Source, log: EdgeLog): () => void {
  const timer = setInterval(() => void renew(bound, source, log), WATCH_MILLISECONDS);
  timer.unref();
  return () => clearInterval(timer);
}

async function renew(bound: BoundFront, source: Source, log: EdgeLog): Promise<void> {
  try {
    const pair = await source.next();
    if (pair === undefined) return;
    bound.renewDashboard(pair);
    log({ level: "info", code: "certificate_renewed", detail: "the dashboard's certificate was read anew" });
  } catch (error) {
    const detail = error instanceof EdgeError ? error.message : "the dashboard's certificate could not be renewed";
    log({ level: "error", code: "certificate_not_renewed", detail });
  }
}

function detailOf(news: BindNews): string {
  switch (news.state) {
    case "listening":
    case "lost":
      return news.address;
    case "waiting":
      return news.target;
    case "refused":
      return `${news.address}: ${news.why}`;
  }
}
