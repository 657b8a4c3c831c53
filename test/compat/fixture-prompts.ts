/**
 * Unmistakable prompts, a subject each, and where vLLM Semantic Router's values file sends them. They say that the file's decisions
 * are reached, not how accurate the signals are.
 */
export const domainPrompts: readonly (readonly [prompt: string, decision: string, model: string])[] = [
  ["How should a small bakery plan its marketing budget?", "business_decision", "social-expert"],
  ["What must be proven for a breach of contract claim in court?", "law_decision", "law-expert"],
  ["Why do habits form, and how does conditioning explain it?", "psychology_decision", "humanities-expert"],
  ["Why do plant cells have a cell wall while animal cells do not?", "biology_decision", "science-expert"],
  ["Why does ice float on liquid water in terms of molecular bonds?", "chemistry_decision", "science-expert"],
  ["What caused the fall of the Byzantine empire?", "history_decision", "humanities-expert"],
  ["Which vaccines does a toddler need before daycare?", "health_decision", "science-expert"],
  ["How does a central bank fight inflation with interest rates?", "economics_decision", "social-expert"],
  ["How many diagonals does a convex polygon with twelve sides have?", "math_decision", "math-expert"],
  ["How does a gyroscope resist being tilted?", "physics_decision", "science-expert"],
  ["What is the difference between a stack and a queue in programming?", "computer_science_decision", "science-expert"],
  ["Did Kant hold that lying is always wrong?", "philosophy_decision", "humanities-expert"],
  ["How does an engineer choose the gear ratio of a winch?", "engineering_decision", "science-expert"],
  ["Any ideas for a birthday present for my uncle?", "general_decision", "general-expert"],
];

/** Each has one of the file's keywords, some with a subject beside it: the keyword's decision has the higher priority. */
export const keywordPrompts: readonly string[] = [
  "This is URGENT: the printer in the office is jammed again",
  "Write three careful sentences about a lighthouse",
  "Need this by noon, ASAP: a short note for the caterer",
  "Please think about which of these two savings plans suits a young family",
];
