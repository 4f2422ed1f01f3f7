/**
 * What the edge's or the network's refusals mean for the person at this host: one sentence each, with the next step.
 * Only codes are read from the other side; its prose is never shown.
 */

/** Codes that the edge sends with a refused tunnel. */
const EDGE_SENTENCES: Readonly<Record<string, string>> = {
  certificate_missing:
    "The edge saw no client certificate from this host. Get a fresh join file and join again: clawhold join --file <join file>",
  certificate_untrusted:
    "The edge did not issue this host's certificate. Get a fresh join file from it and join again: clawhold join --file <join file>",
  certificate_expired:
    "This host's certificate is not valid at this time. Check the clock of this host; if it is right, get a fresh join file and join again: clawhold join --file <join file>",
  certificate_revoked:
    "The edge has revoked this host's certificate. If that was a mistake, get a fresh join file and join again: clawhold join --file <join file>",
  certificate_early:
    "This host's certificate is not valid yet by the edge's clock. Compare the clocks of this host and of the edge; it is tried again.",
  certificate_replaced:
    "The edge has issued this host a newer certificate, perhaps to a copy of it. Find out whether there is one; then get a fresh join file and join again: clawhold join --file <join file>",
  certificate_unavailable:
    "The edge's address takes no client certificates (names under workers.dev never do), so it lets no host in. Give the edge a hostname of a zone, then join again with a fresh join file: clawhold join --file <join file>",
  certificate_unknown:
    "The edge does not know this host's certificate. If its database was set back, or another edge answers there now, get a fresh join file and join again: clawhold join --file <join file>",
  edge_restarting: "The edge is starting or does not run well. It is tried again; if it stays so, look at its log.",
  network_refused:
    "The edge lets no hosts in from this host's network. If that is a mistake, an administrator takes it off the list in the dashboard: People, Networks, No hosts from.",
  access_misconfigured:
    "The edge is deployed with half a configuration and answers nobody. Whoever deployed it corrects that; it is tried again.",
  rates_misconfigured:
    "The edge is deployed with a configuration that is not right and answers nobody. Whoever deployed it corrects that; it is tried again.",
  host_removed:
    "An administrator removed this host from the workspace for good. It obeys nobody any more. To use the machine again as a new host, type clawhold trust reset, then join it anew.",
};

/** Codes of connections that did not come about: Node's, OpenSSL's, and ours for the proxy. */
const NETWORK_SENTENCES: Readonly<Record<string, string>> = {
  proxy_invalid:
    "The proxy in HTTPS_PROXY is not an address that this host can use. Give it as http://name:port, or take the variable out of the agent's environment.",
  proxy_unreachable:
    "The proxy that HTTPS_PROXY names does not answer. Start it or correct the variable; if this host reaches the edge without it, name the edge in NO_PROXY.",
  proxy_credentials:
    "The proxy that HTTPS_PROXY names wants other credentials. Correct them in the variable (http://user:password@name:port).",
  proxy_refused:
    "The proxy that HTTPS_PROXY names does not let this host through to the edge. Ask whoever runs it to allow CONNECT to the edge's address and port.",
  ECONNREFUSED:
    "Nothing answers at the edge's address. Start the edge; if it moved, join again with a fresh join file.",
  ECONNRESET: "The edge closed the connection while it was being opened. It is tried again.",
  ENOTFOUND:
    "The edge's name does not resolve. Check the name servers of this host; if the edge moved, join again with a fresh join file.",
  EAI_AGAIN: "The name servers of this host do not answer. Check its network.",
  ETIMEDOUT: "The edge's address does not answer. Check the network and firewalls between.",
  EHOSTUNREACH: "There is no route to the edge's address. Check the network of this host.",
  ENETUNREACH: "There is no route to the edge's address. Check the network of this host.",
  CERT_HAS_EXPIRED:
    "The edge's certificate has ended by this host's clock. Check the clock of this host first, then the edge.",
  CERT_NOT_YET_VALID:
    "The edge's certificate begins in the future by this host's clock. Set the clock of this host; it seems to be behind.",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    "The server at the edge's address is not the edge this host joined. Nothing was sent to it. If the edge was set up anew, join again with a fresh join file; if not, find out who answers there.",
  SELF_SIGNED_CERT_IN_CHAIN:
    "The server at the edge's address is not the edge this host joined. Nothing was sent to it. If the edge was set up anew, join again with a fresh join file; if not, find out who answers there.",
  DEPTH_ZERO_SELF_SIGNED_CERT:
    "The server at the edge's address is not the edge this host joined. Nothing was sent to it. If the edge was set up anew, join again with a fresh join file; if not, find out who answers there.",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "The server at the edge's address is not the edge this host joined. Nothing was sent to it. If the edge was set up anew, join again with a fresh join file; if not, find out who answers there.",
  EPROTO:
    "What answers at the edge's address does not speak TLS 1.3. Check the address and the port; if a proxy stands between, it must let TLS pass untouched.",
  ERR_SSL_WRONG_VERSION_NUMBER:
    "What answers at the edge's address does not speak TLS. Check the address and the port; if a proxy stands between, it must let TLS pass untouched.",
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION:
    "What answers at the edge's address speaks no TLS 1.3, which every edge does. Check the address and the port, and what stands between.",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "The edge's certificate is for another name than the address this host dials. If the edge moved, join again with a fresh join file; if not, find out who answers there.",
};

/** Close codes of the edge's own (4000 to 4999, RFC 6455 section 7.4.2). */
const CLOSE_SENTENCES: Readonly<Record<number, string>> = {
  1001: "The edge went away, for a restart perhaps. It is tried again in a moment.",
  1008: "The edge closed the tunnel because something that this host sent did not fit. Check that both run the same version.",
  1012: "The edge is restarting. It is tried again in a moment.",
  4001: "The edge closed this tunnel because it did not answer in time, and took another connection with this host's key.",
  4002: "Another connection with this host's key is open. If this machine was copied, one of the two must join anew; otherwise the other one ends soon.",
  4006: "The certificate of this host belongs to another host: files of two machines were mixed. Get a fresh join file and join again: clawhold join --file <join file>",
  4007: "The edge holds no key of the name that the trust log gives, so it cannot prove itself. Its administrator gives it that key back, or changes the log to one that it holds: Keys of the edge, in the dashboard.",
  4003: "The edge closed the tunnel: this host was removed, or its certificate was revoked. A removed machine comes back as a new host only: clawhold trust reset, then join it anew. With a revoked certificate a fresh join file is enough.",
  4005: "The edge closed the tunnel because this host sent more than an honest one does. Check that both run the same version; if they do, the agent's log says what it sent.",
};

export function explainClose(code: number): string {
  return CLOSE_SENTENCES[code] ?? "The edge closed the tunnel. It is opened again.";
}

export function explainEdgeRefusal(code: string, status: number): string {
  return EDGE_SENTENCES[code] ?? `The edge refused the tunnel (${String(status)} ${code}). It is tried again.`;
}

export function explainNetwork(code: string): string {
  return NETWORK_SENTENCES[code] ?? `The edge could not be reached (${code}). It is tried again.`;
}
