/**
 * The headers of every answer on a forwarded path. Stricter than those of our own pages: should a browser ever show such
 * an answer, it shows it in an origin of its own (`sandbox`), where there is nothing to steal.
 */
import { PRIVATE_HEADERS } from "../edge/headers.ts";

export const FORWARDED_HEADERS: Readonly<Record<string, string>> = {
  ...PRIVATE_HEADERS,
  "content-security-policy":
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'; sandbox",
};
