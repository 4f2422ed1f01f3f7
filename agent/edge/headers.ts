/**
 * The security headers of every answer the front gives, its own and those it forwards, in one table. A forwarded
 * answer's own values for these names are dropped: the Worker is not trusted to decide what a page may do here.
 */

/** Nothing is allowed that the dashboard does not need; it has no inline script or style and makes no HTML from strings. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  // default-src does not cover framing; a framed approval button is a stolen touch.
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/** Features a page could ask for; all are off except the two the passkeys need. */
const SWITCHED_OFF = [
  "accelerometer",
  "autoplay",
  "camera",
  "clipboard-read",
  "display-capture",
  "fullscreen",
  "geolocation",
  "gyroscope",
  "hid",
  "idle-detection",
  "magnetometer",
  "microphone",
  "midi",
  "payment",
  "picture-in-picture",
  "screen-wake-lock",
  "serial",
  "storage-access",
  "usb",
  "xr-spatial-tracking",
] as const;

export const PERMISSIONS_POLICY = [
  "publickey-credentials-get=(self)",
  "publickey-credentials-create=(self)",
  ...SWITCHED_OFF.map((feature) => `${feature}=()`),
].join(", ");

/** Lower-case names. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": PERMISSIONS_POLICY,
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** Answers of the API may hold metadata of a workspace; no cache keeps them. */
export const API_CACHE_CONTROL = "no-store";

/** Everything an answer that must not be cached carries. */
export const PRIVATE_HEADERS: Readonly<Record<string, string>> = {
  ...SECURITY_HEADERS,
  "cache-control": API_CACHE_CONTROL,
};
