/** Drives of the checks of area identity. */
import type { Area } from "./drive.ts";

export const identityDrives: Area = {
  drives: [
    {
      check: "usr.uid0",
      mend: ({ machine }) => machine.run(["/usr/sbin/userdel", "-f", "second-root"]),
      fail: ({ machine }) => machine.must(["/usr/sbin/useradd", "-M", "-o", "-u", "0", "second-root"]),
      says: /second-root/,
    },
    {
      check: "usr.empty-pw",
      mend: ({ machine }) => machine.run(["/usr/sbin/userdel", "-f", "no-password"]),
      async fail({ machine }) {
        await machine.must(["/usr/sbin/useradd", "-M", "no-password"]);
        await machine.must(["/usr/bin/passwd", "-d", "no-password"]);
      },
      says: /no-password/,
    },
  ],
  undriven: {},
};
