import type { SourceText } from "./config-error.ts";
import { warningAt, type ConfigWarning } from "./config-warning.ts";
import { at, isEmpty, type LocatedMap, type Path } from "./located.ts";
import { catalogedEncoder } from "./model-catalog.ts";
import { classifierModelRefs } from "./references.ts";
import type { ConfigDocument } from "./schema.ts";
import { poolKeys } from "./turnout-schema.ts";

/**
 * Settings that are right by themselves and do nothing beside what else is set: a pool's where the pool is a service of its own, the
 * connection's where it is not, layers of a graph that runs as it is. Only what the file or a variable really says is a warning, never a
 * default. Called by the loader, on valid documents.
 */

/** What `turnout.classifier` says of the connection to a service; without an endpoint there is none. */
const CONNECTION_KEYS: ReadonlySet<string> = new Set(["balancing", "tls"]);

const CLASSIFIER: Path = ["turnout", "classifier"];
const EMBEDDING_CONFIG: Path = "global.model_catalog.embeddings.semantic.embedding_config".split(".");

/** warnInert gives one warning for each of them. */
export function warnInert(
  root: LocatedMap,
  { global, turnout: { classifier } }: ConfigDocument,
  source: SourceText,
): readonly ConfigWarning[] {
  const warnings: ConfigWarning[] = [];
  const warn = (path: Path, message: string) => {
    const node = at(root, ...path);
    // `tls: {}` asks for TLS; of everything else, {} asks for nothing.
    if (node !== undefined && (!isEmpty(node) || path.at(-1) === "tls")) warnings.push(warningAt(source, node, message));
  };
  const written = at(root, ...CLASSIFIER);
  const keys = written?.kind === "map" ? [...written.entries.keys()] : [];
  const cataloged = catalogedEncoder(global.model_catalog, classifier.model);

  if (classifier.endpoint === undefined) {
    const message = "without effect: it is about the connection to turnout.classifier.endpoint, which is not set";
    for (const key of keys) if (CONNECTION_KEYS.has(key)) warn([...CLASSIFIER, key], message);
    if (classifier.variant === "as-is" && cataloged.layers !== null)
      warn([...EMBEDDING_CONFIG, "target_layer"], "without effect: turnout.classifier.variant is as-is, and such a graph runs whole");
    return warnings;
  }

  const message = "without effect in this process: the classifier service at turnout.classifier.endpoint is told by its own configuration";
  for (const key of keys) if (poolKeys.has(key)) warn([...CLASSIFIER, key], message);
  if (cataloged.dimension !== null) warn([...EMBEDDING_CONFIG, "target_dimension"], message);
  if (cataloged.layers !== null) warn([...EMBEDDING_CONFIG, "target_layer"], message);
  const { refs, known } = classifierModelRefs(root);
  for (const { node, text } of refs) {
    if (known.includes(text)) continue;
    warn(node.path, `not checked: the classifier service at turnout.classifier.endpoint must have a further model "${text}"`);
  }
  return warnings;
}
