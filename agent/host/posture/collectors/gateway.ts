/**
 * Facts of this area: what is known about the gateways of this machine. Each fact is a list with one row for each gateway; one that
 * could not be looked at is the fact's gap, so that it holds back a pass and hides no failure of the others.
 */
import type { Affecting, KnownAdvisories } from "../advisories/known.ts";
import type { Collector } from "../collector.ts";
import { doorsCollector } from "./gateway/doors-collector.ts";
import type { Carrier, TailscaleDoors } from "./gateway/carriers.ts";
import type { Door } from "./gateway/doors.ts";
import { fastCollector } from "./gateway/fast.ts";
import type { NativeAudit } from "./gateway/native.ts";
import { slowCollector } from "./gateway/slow.ts";
import type { Applied } from "./gateway/ask.ts";
import type { ConfigurationState } from "./gateway/find.ts";
import type { Guessing, Refusals, Verdict } from "./gateway/refusals.ts";
import type { SecretSource } from "./gateway/secret.ts";
import type { GatewaySettings } from "./gateway/settings.ts";

interface OfGateway {
  /** Its name for people. */
  readonly gateway: string;
}

export interface GatewayRow extends OfGateway {
  readonly user: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly directory: string;
  readonly configurationPath: string;
  readonly configuration: ConfigurationState;
  readonly port: number;
  /** Undefined: it does not run, or hides. */
  readonly pid?: number;
  readonly isListening: boolean;
}

export interface ListenerRow extends OfGateway {
  readonly address: string;
  readonly port: number;
  readonly loopback: boolean;
}

export interface SettingsRow extends OfGateway {
  readonly path: string;
  /** Of the file, for telling whether it changed. */
  readonly digest: string;
  readonly settings: GatewaySettings;
  readonly secret: { readonly source: SecretSource; readonly characters: number; readonly bits: number };
}

export interface AppliedRow extends OfGateway {
  readonly digest: string;
  readonly pid: number;
  readonly applied: Applied;
}

export interface ReachRow extends OfGateway {
  readonly address: string;
  readonly port: number;
  readonly outcome: "open" | "closed" | "filtered" | "unreachable" | "failed";
}

export interface VersionRow extends OfGateway {
  readonly version: string;
  readonly path: string;
  readonly affecting: readonly Affecting[];
}

export interface GatewayFacts {
  "gateway.found": readonly GatewayRow[];
  "gateway.listeners": readonly ListenerRow[];
  "gateway.settings": readonly SettingsRow[];
  "gateway.applied": readonly AppliedRow[];
  "gateway.version": readonly VersionRow[];
  "gateway.reached": readonly ReachRow[];
  "gateway.mdns": readonly (OfGateway & { readonly sockets: number })[];
  "gateway.carriers": readonly Carrier[];
  "gateway.tailscale": TailscaleDoors;
  /** What others can reach: `inodes` tell whether anything moved since. */
  "gateway.doors": { readonly doors: readonly Door[]; readonly inodes: readonly string[] };
  "gateway.refusals": readonly (OfGateway & Refusals)[];
  "gateway.guessing": readonly (OfGateway & Guessing)[];
  "gateway.hooks": readonly (OfGateway & { readonly verdict: Verdict })[];
  "gateway.native": readonly (OfGateway & NativeAudit)[];
  "gateway.writable": readonly (OfGateway & { readonly path: string; readonly how: readonly string[] })[];
  "gateway.versions": readonly (OfGateway & { readonly state: "written" | "outside" | "changed" | "none" })[];
  "advisories.known": KnownAdvisories;
}

export const gatewayCollectors: readonly Collector[] = [fastCollector(), doorsCollector(), slowCollector()];
