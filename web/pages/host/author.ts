/** Who wrote a version: the host keeps an id, and the names are the trust log's. */
import { useApp } from "../../state/app.ts";

export function useAuthor(): (author: string) => string {
  const { backend } = useApp();
  const people = backend.trust.value?.state.people;
  return (author) => {
    if (author === "outside") return "somebody outside of Clawhold";
    return people?.get(author)?.name ?? "somebody who is not here any more";
  };
}
