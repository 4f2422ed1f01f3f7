/**
 * The part of a tailnet's policy that Clawhold needs, and nothing else: two tags, who may reach which port of the edge,
 * and tests that fail when somebody opens more than that. Pure.
 */
import type { Json } from "./hujson.ts";

export const EDGE_TAG = "tag:clawhold-edge";
export const HOST_TAG = "tag:clawhold-host";

export interface PolicyWish {
  /** Who may open the dashboard: people or groups. */
  readonly people: readonly string[];
  /** Who may give a machine one of the tags. */
  readonly owners: readonly string[];
  readonly port: number;
  readonly agentPort: number;
}

export const policySections = ["tagOwners", "grants", "tests"] as const;
export type PolicySection = (typeof policySections)[number];

/** One entry of a section. */
export interface Part {
  readonly section: PolicySection;
  /** Of `tagOwners`. */
  readonly key: string | undefined;
  readonly json: Json;
}

/** Somebody of the tailnet, as a policy names them. `*` and autogroups are everybody, which is not "named". */
export const PRINCIPAL = /^(?:group:[A-Za-z0-9._-]{1,64}|[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190})$/;
export const OWNER =
  /^(?:autogroup:(?:admin|owner|network-admin)|group:[A-Za-z0-9._-]{1,64}|[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190})$/;
const SSH_PORT = 22;

export function wantedParts({ people, owners, port, agentPort }: PolicyWish): readonly Part[] {
  const edge = (to: number): string => `${EDGE_TAG}:${to}`;
  const host = (to: number): string => `${HOST_TAG}:${to}`;
  return [
    { section: "tagOwners", key: EDGE_TAG, json: owners },
    { section: "tagOwners", key: HOST_TAG, json: owners },
    grant([HOST_TAG], agentPort),
    grant(people, port),
    // A host that was taken over reaches the agents' port, and neither the dashboard nor another host.
    test(HOST_TAG, [edge(agentPort)], [edge(port), edge(SSH_PORT), host(SSH_PORT)]),
    ...people.map((person) => test(person, [edge(port)], [edge(agentPort)])),
    // The edge dials nobody.
    test(EDGE_TAG, [], [host(SSH_PORT), host(agentPort)]),
  ];
}

function grant(src: readonly string[], port: number): Part {
  return { section: "grants", key: undefined, json: { src, dst: [EDGE_TAG], ip: [`tcp:${port}`] } };
}

function test(src: string, accept: readonly string[], deny: readonly string[]): Part {
  return {
    section: "tests",
    key: undefined,
    json: { src, proto: "tcp", ...(accept.length === 0 ? {} : { accept }), deny },
  };
}

/** As a policy file of its own, for people who merge it by hand. */
export function policyText(parts: readonly Part[]): string {
  const lines = policySections.map((section) => {
    const own = parts.filter((part) => part.section === section);
    const isObject = section === "tagOwners";
    const inner = own.map((part) => `\t\t${textOf(part)},`).join("\n");
    return `\t${JSON.stringify(section)}: ${isObject ? "{" : "["}\n${inner}\n\t${isObject ? "}" : "]"},`;
  });
  return `{\n${lines.join("\n")}\n}`;
}

export function textOf({ key, json }: Part): string {
  return key === undefined ? oneLine(json) : `${JSON.stringify(key)}: ${oneLine(json)}`;
}

function oneLine(json: Json): string {
  if (typeof json !== "object" || json === null) return JSON.stringify(json);
  if (isList(json)) return `[${json.map(oneLine).join(", ")}]`;
  return `{${Object.entries(json)
    .map(([key, value]) => `${JSON.stringify(key)}: ${oneLine(value)}`)
    .join(", ")}}`;
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}
