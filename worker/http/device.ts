/** Browser and system in a few words, from what a request says of itself: a claim, shown so that people recognise theirs. */

const BROWSERS: readonly (readonly [RegExp, string])[] = [
  // What a signer calls itself in the place of everybody's browser.
  [/^clawhold-ui\b/, "clawhold ui"],
  // Each names those before it in its own text too, so the order decides.
  [/\bEdgA?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\bFirefox\/|\bFxiOS\//, "Firefox"],
  [/\b(?:Headless)?Chrome\/|\bCriOS\//, "Chrome"],
  [/\bSafari\//, "Safari"],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b|\bMacintosh\b/, "Mac"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];

/** Fixed words only: nothing that a request wrote is repeated. */
export function deviceOf(userAgent: string | undefined): string {
  const text = (userAgent ?? "").slice(0, 512);
  const wordOf = (table: typeof BROWSERS): string | undefined => table.find(([pattern]) => pattern.test(text))?.[1];
  const browser = wordOf(BROWSERS);
  const system = wordOf(SYSTEMS);
  if (browser === undefined && system === undefined) return "Unknown device";
  if (system === undefined) return browser ?? "Unknown device";
  return browser === undefined ? system : `${browser} on ${system}`;
}
