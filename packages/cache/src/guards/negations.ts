/** "With" and "without", "must" and "must not": the negations of both questions must be equally many, or both even. */
import type { Guard } from "./guard.ts";

const negators: ReadonlySet<string> = new Set(
  `not no never none nobody nothing nowhere neither nor without cannot unable lacking non hardly
  nicht kein keine keinen keiner keinem nie niemals ohne weder nunca jamás sin ningún ninguna nadie nada não sem nenhum nenhuma jamais
  pas sans aucun aucune personne rien`.split(/\s+/),
);

export const negations: Guard = {
  name: "negation",
  note: ({ tokens }) => {
    const count = tokens.filter(({ kind, text }) => kind === "word" && negators.has(text)).length;
    return count % 2 === 0 ? [] : [1];
  },
  agree: (now, stored) => now.length === stored.length,
};
