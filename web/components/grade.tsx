/** The letter of a host's posture in its tile. The letter carries the meaning; its colour repeats it. */
import type { Grade } from "../../protocol/posture/words.ts";

const tones = { A: "ok", B: "ok", C: "warn", D: "bad", F: "bad" } as const satisfies Record<Grade, string>;

interface GradeProps {
  /** Undefined: nobody looked. */
  readonly grade: Grade | undefined;
  readonly isLarge?: boolean;
}

export function GradeMark({ grade, isLarge = false }: GradeProps) {
  const tone = grade === undefined ? "unknown" : tones[grade];
  return (
    <span class={`grade ${tone}${isLarge ? " xl" : ""}`}>
      <svg viewBox="0 0 24 26" aria-hidden="true">
        <path d="M1.500 1.500h4.500v3h3.500v-3h5v3h3.500v-3h4.500v20a3 3 0 0 1-3 3h-15a3 3 0 0 1-3-3z" />
      </svg>
      <span>
        <span class="sr">Posture </span>
        {grade ?? <span aria-hidden="true">?</span>}
        {grade === undefined && <span class="sr">not known</span>}
      </span>
    </span>
  );
}
