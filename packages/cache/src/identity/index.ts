/** What makes two requests the same, who may share an answer, and the names that follow from both. Pure and synchronous throughout. */
export { canonicalRequest, type CanonicalRequest, type Protocol } from "./canonical-request.ts";
export { defaultEligibility, exactEligibility, semanticEligibility, type EligibilitySettings } from "./eligibility.ts";
export { earlyKey, entryId, indexPartition, partition, type AnswerConditions } from "./keys.ts";
export { requestControls, type ControlWarning, type RequestControls } from "./request-controls.ts";
export { defaultIdentityHeaders, scopeHash, type IdentityHeaders, type ScopeSettings } from "./scope.ts";
