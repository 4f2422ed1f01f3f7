/** What must hold of a gateway's settings, judged alike over the file and over what the gateway says it made of it. Pure. */
import type { GatewaySettings } from "../../collectors/gateway/settings.ts";
import type { FactReader } from "../../facts.ts";
import { clause, type Clause, type Shortfalls } from "../../judge.ts";
import { of } from "./rows.ts";

export type Rule = (settings: GatewaySettings) => Shortfalls;

/** What is written must be right, and what runs: a file that was mended and not taken up is not enough, nor the other way round. */
export function settingsHold(rule: Rule): readonly [Clause, Clause] {
  return [written(rule), applied(rule)];
}

export function written(rule: Rule): Clause {
  return clause("gateway.settings", (rows, reader) =>
    rows.flatMap(({ gateway, settings }) => rule(settings).map((sentence) => of(gateway, reader, sentence))),
  );
}

function applied(rule: Rule): Clause {
  return clause("gateway.applied", (rows, reader) =>
    rows.flatMap(({ gateway, applied: { settings, isCurrent } }) => [
      ...rule(settings)
        .filter((sentence) => !isSaidOfFile(gateway, sentence, { rule, reader }))
        .map((sentence) => of(gateway, reader, `${sentence} (as the gateway runs)`)),
      ...(isCurrent ? [] : [of(gateway, reader, "the gateway has not taken up its configuration file, or refuses it")]),
    ]),
  );
}

/** Once is enough. */
function isSaidOfFile(
  gateway: string,
  sentence: string,
  { rule, reader }: { readonly rule: Rule; readonly reader: FactReader },
): boolean {
  const file = reader.get("gateway.settings");
  const row = file.kind === "known" ? file.value.find((one) => one.gateway === gateway) : undefined;
  return row !== undefined && rule(row.settings).includes(sentence);
}

export const originsHold: Rule = ({ origins, bind }) => {
  if (!origins.isEnabled) return [];
  return [
    ...(origins.hasWildcard ? ["gateway.controlUi.allowedOrigins holds a *"] : []),
    ...(origins.trustsHostHeader ? ["gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback is on"] : []),
    ...(origins.skipsDevices ? ["gateway.controlUi lets browsers in without a device of their own"] : []),
    ...(origins.count === 0 && bind !== "loopback"
      ? [`gateway.bind is ${bind} and gateway.controlUi.allowedOrigins names no page`]
      : []),
  ];
};

export const pairingHolds: Rule = ({ autoPairing, proxyAuth }) => [
  ...autoPairing.map((path) => `${path} lets devices in without a person's yes`),
  ...(proxyAuth?.approvesDevices === true
    ? ["gateway.auth.trustedProxy.deviceAutoApprove lets devices in without a person's yes"]
    : []),
];

export const channelsHold: Rule = ({ openChannels, elevatedForAll }) => [
  ...openChannels.map((path) => `${path} lets everybody write to the agents`),
  ...elevatedForAll.map((path) => `${path} lets everybody use elevated tools`),
];

export const execHolds: Rule = ({ looseExec }) =>
  looseExec.map((path) => `${path} neither limits commands nor asks before them`);

export const proxyAuthHolds: Rule = ({ authMode, proxyAuth }) => {
  if (authMode === "none") return ["gateway.auth.mode is none"];
  if (proxyAuth === undefined) return [];
  return [
    ...(proxyAuth.proxies === 0 ? ["gateway.trustedProxies is empty, so anybody may claim to be the proxy"] : []),
    ...(proxyAuth.hasUserHeader ? [] : ["gateway.auth.trustedProxy.userHeader is not set"]),
    ...(proxyAuth.hasUsers ? [] : ["gateway.auth.trustedProxy.allowUsers is empty"]),
    ...(proxyAuth.allowsLoopback
      ? ["gateway.auth.trustedProxy.allowLoopback lets any program of this machine claim to be anybody"]
      : []),
  ];
};

/** More guesses in a minute than a person makes in a day. */
const MAX_ATTEMPTS = 30;
const MIN_LOCKOUT_SECONDS = 60;

export const rateHolds: Rule = ({ rateLimit: { maxAttempts, lockoutSeconds, windowSeconds } }) => [
  ...(maxAttempts === 0 || maxAttempts > MAX_ATTEMPTS
    ? [`gateway.auth.rateLimit.maxAttempts is ${String(maxAttempts)}`]
    : []),
  ...(lockoutSeconds < MIN_LOCKOUT_SECONDS
    ? [`gateway.auth.rateLimit.lockoutMs is ${String(lockoutSeconds * 1_000)}`]
    : []),
  ...(windowSeconds === 0 ? ["gateway.auth.rateLimit.windowMs is 0"] : []),
];

export const tailscaleHolds: Rule = ({ tailscale }) =>
  tailscale === "funnel" ? ["gateway.tailscale.mode is funnel"] : [];

export const mdnsHolds: Rule = ({ mdns }) => (mdns === "off" ? [] : [`discovery.mdns.mode is ${mdns}`]);

export const bindHolds: Rule = ({ bind }) => (bind === "loopback" ? [] : [`gateway.bind is ${bind}`]);

/** As the gateway's own audit asks. */
const MIN_HOOK_CHARACTERS = 24;

export const hooksHold: Rule = ({ hooks }) => {
  if (!hooks.isEnabled) return [];
  return [
    ...(hooks.tokenCharacters < MIN_HOOK_CHARACTERS
      ? [`hooks.token has ${String(hooks.tokenCharacters)} characters, and 24 are the least`]
      : []),
    ...(hooks.isGatewayToken ? ["hooks.token is the gateway's own secret"] : []),
    ...(hooks.path === "/" ? ["hooks.path is /"] : []),
    ...(hooks.choosesSessions ? ["hooks.allowRequestSessionKey lets callers write into any conversation"] : []),
  ];
};
