/**
 * Environment variables in configuration values: `${NAME}`, `${NAME:-default}` (also when NAME is empty, as in a shell), and
 * `$${` for a literal `${`. It works on one finished string, so a variable can never add keys or items to the document.
 */
const reference = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/** Environment is where variables come from; process.env fits. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Substituted is a string after substitution; `missing` names variables that have neither value nor default. */
export interface Substituted {
  readonly text: string;
  readonly changed: boolean;
  readonly missing: readonly string[];
}

/** substitute replaces the references of one string. */
export function substitute(text: string, env: Environment): Substituted {
  if (!text.includes("${")) return { text, changed: false, missing: [] };
  const missing: string[] = [];
  let changed = false;
  const result = text.replace(reference, (whole: string, name: string | undefined, fallback: string | undefined) => {
    changed = true;
    if (name === undefined) return "${";
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (fallback !== undefined) return value === undefined || value === "" ? fallback : value;
    if (value === undefined) missing.push(name);
    return value ?? whole;
  });
  return { text: result, changed, missing };
}
