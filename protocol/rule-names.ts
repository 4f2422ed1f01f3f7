/**
 * Under which names a rule finds an operation: a policy for several people, or a host's deny list. Whoever bound one way of doing a
 * thing bound the other way too, also one that came with a later release. Pure; grants are never widened by this.
 */
const alsoKnownAs: Readonly<Record<string, string>> = {
  // The same change of the same program, on many hosts instead of one.
  "agent.update-rest@1": "agent.update@1",
};

export function ruleNames(operation: string): readonly string[] {
  const other = Object.hasOwn(alsoKnownAs, operation) ? alsoKnownAs[operation] : undefined;
  return other === undefined ? [operation] : [operation, other];
}
