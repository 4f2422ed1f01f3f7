import { describe, expect, it } from "vitest";
import type { Accounts } from "../../../../../agent/host/posture/collectors/accounts.ts";
import { parseAccounts, parseGroups } from "../../../../../agent/host/posture/collectors/accounts.ts";
import { isIn, parseRange, samplesOf } from "../../../../../agent/host/posture/collectors/ssh/addresses.ts";
import {
  readSshdFiles,
  wordsOf,
  type SshdFiles,
} from "../../../../../agent/host/posture/collectors/ssh/config-file.ts";
import { questionsOf, type Question } from "../../../../../agent/host/posture/collectors/ssh/connections.ts";
import { recordedMachine } from "../recorded-machine.ts";

const passwd =
  "root:x:0:0::/root:/bin/bash\nowner:x:1000:1000::/home/owner:/bin/bash\nbob:x:1001:1001::/home/bob:/bin/sh\n";
const accounts: Accounts = {
  accounts: parseAccounts(passwd),
  groups: parseGroups("root:x:0:\nowner:x:1000:\nsudo:x:27:owner\nbob:x:1001:\n"),
  raw: "",
};

async function filesOf(files: Readonly<Record<string, string>>): Promise<SshdFiles> {
  return readSshdFiles(recordedMachine({ files }));
}

async function asked(text: string): Promise<{ list: readonly Question[]; unasked: readonly string[] }> {
  const { matches } = await filesOf({ "/etc/ssh/sshd_config": text });
  return questionsOf(matches, { accounts, laddr: "203.0.113.10", lport: 22 });
}

describe("sshd's files", () => {
  it("are read in sshd's order: drop-ins by name, where they are included", async () => {
    const { directives } = await filesOf({
      "/etc/ssh/sshd_config": "# first\nInclude /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication no\n",
      "/etc/ssh/sshd_config.d/50-cloud-init.conf": "PasswordAuthentication yes\n",
      "/etc/ssh/sshd_config.d/00-ours.conf": "MaxAuthTries 3\n",
      "/etc/ssh/sshd_config.d/.hidden.conf": "PermitRootLogin yes\n",
      "/etc/ssh/sshd_config.d/old.bak": "PermitRootLogin yes\n",
    });
    expect(directives.map(({ keyword, file, line }) => `${keyword} ${file}:${String(line)}`)).toEqual([
      "maxauthtries /etc/ssh/sshd_config.d/00-ours.conf:1",
      "passwordauthentication /etc/ssh/sshd_config.d/50-cloud-init.conf:1",
      "passwordauthentication /etc/ssh/sshd_config:3",
    ]);
  });

  it("a Match ends with its file, and an included one holds only inside the outer", async () => {
    const { directives, matches } = await filesOf({
      "/etc/ssh/sshd_config": "Match User bob\nInclude inner\nX11Forwarding yes\nMatch all\nPermitTTY no\n",
      "/etc/ssh/inner": "PermitRootLogin yes\nMatch Address 10.0.0.0/8\nPasswordAuthentication yes\n",
    });
    const under = (keyword: string): readonly string[] =>
      directives.find((one) => one.keyword === keyword)?.within.map(({ text }) => text) ?? [];
    expect(under("permitrootlogin")).toEqual(["User bob"]);
    expect(under("passwordauthentication")).toEqual(["User bob", "Address 10.0.0.0/8"]);
    expect(under("x11forwarding")).toEqual(["User bob"]);
    expect(under("permittty")).toEqual(["all"]);
    const inner = matches.find(({ text }) => text.startsWith("Address"));
    expect(inner?.criteria.map(({ kind }) => kind)).toEqual(["user", "address"]);
  });

  it("that include themselves come to an end", async () => {
    const { unread } = await filesOf({ "/etc/ssh/sshd_config": "Include /etc/ssh/sshd_config\n" });
    expect(unread).toContain("/etc/ssh/sshd_config");
  });

  it.each([
    ["PasswordAuthentication=no", ["passwordauthentication", "no"]],
    ['  AllowUsers "a b" c # who', ["allowusers", "a b", "c"]],
    ["# PasswordAuthentication yes", []],
    ["", []],
  ])("%s", (line, words) => {
    expect(wordsOf(line)).toEqual(words);
  });
});

describe("whom sshd is asked about", () => {
  it("an address inside of each range that a Match names", async () => {
    const { list } = await asked("Match Address 203.0.113.0/24\nPasswordAuthentication yes\n");
    const range = parseRange("203.0.113.0/24");
    expect(list.length).toBeGreaterThan(0);
    for (const { label, connection } of list) {
      expect(label).toBe("Match Address 203.0.113.0/24");
      expect(range !== undefined && isIn(connection.addr, range)).toBe(true);
    }
  });

  it("one that no narrower range takes away, so that the wider one is seen", async () => {
    const { list } = await asked(
      "Match Address 10.0.0.0/9\nX11Forwarding no\nMatch Address 10.0.0.0/8\nX11Forwarding yes\n",
    );
    const narrow = parseRange("10.0.0.0/9");
    const wide = list.filter(({ label }) => label.endsWith("/8"));
    expect(wide.some(({ connection }) => narrow !== undefined && !isIn(connection.addr, narrow))).toBe(true);
  });

  it("one that a negation leaves over", async () => {
    const { list } = await asked(
      "Match Address 203.0.113.0/25,!203.0.113.63,!203.0.113.1\nPasswordAuthentication yes\n",
    );
    expect(list.length).toBeGreaterThan(0);
    expect(list.map(({ connection }) => connection.addr)).not.toContain("203.0.113.63");
  });

  it("IPv6 ranges and wildcards too", async () => {
    const { list } = await asked("Match Address 2001:db8::/32,192.168.*\nPasswordAuthentication yes\n");
    expect(list.some(({ connection }) => connection.addr.startsWith("2001:db8:"))).toBe(true);
    expect(list.some(({ connection }) => connection.addr.startsWith("192.168."))).toBe(true);
  });

  it("people of a group, and only those who fit every criterion", async () => {
    const users = async (text: string): Promise<readonly string[]> =>
      (await asked(text)).list.map(({ connection }) => connection.user);
    expect(await users("Match Group sudo\nPermitRootLogin yes\n")).toEqual(["owner"]);
    expect(await users("Match User bob Group sudo\nPermitRootLogin yes\n")).toEqual([]);
    expect(await users("Match User b*,!bob\nPermitRootLogin yes\n")).toEqual(["bx"]);
    expect(await users("Match User root\nPermitRootLogin yes\n")).toEqual(["root"]);
  });

  it("the port and name that a Match asks for", async () => {
    const { list } = await asked('Match LocalPort 2222 Host "*.example.org"\nX11Forwarding yes\n');
    expect(list[0]?.connection).toMatchObject({ lport: 2_222, host: "x.example.org" });
  });

  it("says so where it does not know how", async () => {
    expect((await asked("Match Moon full\nPasswordAuthentication yes\n")).unasked).toEqual([
      "Match Moon full, /etc/ssh/sshd_config:1",
    ]);
  });

  it("asks a bounded number, and says that there were more", async () => {
    const lines = Array.from({ length: 60 }, (_, index) => `Match User person${String(index)}\nPermitRootLogin yes`);
    const { list, unasked } = await asked(lines.join("\n"));
    expect(list).toHaveLength(24);
    expect(unasked).toEqual(["more Match lines than are asked about"]);
  });
});

describe("addresses", () => {
  it("of a single one", () => {
    const range = parseRange("192.0.2.7");
    expect(range === undefined ? [] : samplesOf(range, [])).toEqual(["192.0.2.7"]);
  });
  it.each(["192.0.2.0/33", "300.1.1.1", "2001:db8::1::2", "1:2:3", "10.0.0.0/x", ""])("refuses %s", (text) => {
    expect(parseRange(text)).toBeUndefined();
  });
  it("takes mapped IPv4", () => {
    expect(parseRange("::ffff:192.0.2.1")?.first).toBe(0xff_ff_c0_00_02_01n);
  });
});
