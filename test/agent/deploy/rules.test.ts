/** What the zone's rules let through is at least what agents, signers and pages send. */
import { describe, it, expect } from "vitest";
import { customRules, limitRules } from "../../../agent/deploy/steps/rules.ts";
import { readConfig } from "../../../agent/deploy/config.ts";
import { endpoints } from "../../../protocol/contracts.ts";
import { AGENTS, DASHBOARD, Rig } from "./rig.ts";

const rig = new Rig();
const wanted = readConfig(rig.configPath);
rig.remove();
const on = (plan: string): Parameters<typeof customRules>[0] => ({ wanted, found: { plan } as never });
const expressionOf = (plan: string, name: string): string =>
  customRules(on(plan)).find(({ ref }) => ref.endsWith(name))?.expression ?? "";

describe("the zone's rules", () => {
  it("are about the two names and no other, each of them", () => {
    for (const plan of ["free", "pro"])
      for (const { expression } of customRules(on(plan))) expect(expression).toMatch(/^\(http\.host (eq|in) /);
    for (const { expression } of limitRules(on("pro"))) expect(expression).toContain(DASHBOARD);
  });

  it("take TLS 1.3 only", () => {
    expect(expressionOf("free", "tls")).toBe(
      `(http.host in {"${DASHBOARD}" "${AGENTS}"} and (not ssl or cf.tls_version ne "TLSv1.3"))`,
    );
  });

  it("let the agents' three addresses through", () => {
    for (const path of ["/join", "/tunnel", "/health"]) expect(expressionOf("free", "agents")).toContain(`"${path}"`);
  });

  it("let every method of the dashboard through", () => {
    for (const { method } of Object.values(endpoints)) expect(expressionOf("free", "methods")).toContain(`"${method}"`);
  });

  it("let programs pass the rules for bots where a plan has such rules, and fit the free plan", () => {
    expect(customRules(on("free"))).toHaveLength(4);
    expect(customRules(on("free")).map(({ action }) => action)).toEqual(Array(4).fill("block"));
    const [skip] = customRules(on("pro")).filter(({ action }) => action === "skip");
    expect(skip).toMatchObject({ action_parameters: { phases: ["http_request_sbfm"] } });
  });

  it("slow floods down at the doors without a session", () => {
    const [limit] = limitRules(on("free"));
    for (const path of ["/api/sign-in", "/api/sign-in/nonce", "/join"])
      expect(limit?.expression).toContain(`"${path}"`);
    expect(limit?.expression).not.toContain("http.host");
    expect(limit?.ratelimit).toMatchObject({ period: 10, mitigation_timeout: 10 });
  });
});
