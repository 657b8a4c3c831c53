/** The configuration that the end-to-end tests run `turnout serve` with: two LoRAs behind keywords, an answer of our own, a domain signal. */
export const routingConfig = `
version: v0.3
providers:
  defaults:
    default_model: base-model
    reasoning_families:
      qwen3: { type: chat_template_kwargs, parameter: enable_thinking }
  models:
    - name: base-model
      reasoning_family: qwen3
      backend_refs: [{ name: simulated, endpoint: "127.0.0.1:8000" }]
routing:
  modelCards:
    - name: base-model
      loras: [{ name: math-expert, description: numbers }, { name: garden-expert, description: plants }]
  signals:
    keywords:
      - { name: mechanics, operator: OR, keywords: [pendulum, lever] }
      - { name: plants, operator: AND, keywords: [tulip, soil] }
      - { name: secrets, operator: OR, method: regex, keywords: ['pass(word|phrase) of \\w+'] }
    domains:
      - { name: cooking, description: "Recipes, ovens, pans and meals" }
      - { name: other, description: "Everything else" }
  decisions:
    - name: blocked
      priority: 30
      rules: { operator: OR, conditions: [{ type: keyword, name: secrets }] }
      modelRefs: [{ model: base-model }]
      plugins: [{ type: fast_response, configuration: { message: "That stays private." } }]
    - name: mechanics
      priority: 20
      rules: { operator: OR, conditions: [{ type: keyword, name: mechanics }] }
      modelRefs: [{ model: base-model, lora_name: math-expert, use_reasoning: true }]
      plugins: [{ type: system_prompt, configuration: { enabled: true, system_prompt: "Show every step.", mode: replace } }]
    - name: garden
      priority: 20
      rules: { operator: OR, conditions: [{ type: keyword, name: plants }] }
      modelRefs: [{ model: base-model, lora_name: garden-expert, use_reasoning: false }]
      plugins: [{ type: header_mutation, configuration: { add: [{ name: x-garden, value: "yes" }] } }]
turnout:
  deadline_ms: 5000
  classifier: { backend: deterministic, workers: 1 }
`;
