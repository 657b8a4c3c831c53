/**
 * The keyword signal: literal words or regular expressions in the user's text. Literals become one native expression without
 * any repetition; patterns that an operator writes run on RE2, so that neither can take more than linear time.
 */
import { defineSignal, type SignalMatch } from "@turnout/shared";
import { RE2JS } from "re2js";
import { z } from "zod";
import { literalExpression } from "./literal-expression.ts";

const METHODS_TO_COME: ReadonlySet<string> = new Set(["bm25", "ngram", "fuzzy"]);

const compilePattern = (pattern: string, caseSensitive: boolean) => RE2JS.compile(pattern, caseSensitive ? 0 : RE2JS.CASE_INSENSITIVE);

type Test = (text: string) => boolean;

function anyLiteral(keywords: readonly string[], caseSensitive: boolean): Test {
  const expression = literalExpression(keywords, caseSensitive);
  return (text) => expression.test(text);
}

function pattern(source: string, caseSensitive: boolean): Test {
  const expression = compilePattern(source, caseSensitive);
  return (text) => expression.test(text);
}

const rule = z
  .strictObject({
    name: z.string().min(1).describe("What conditions refer to."),
    description: z.string().optional().describe("For people; not read."),
    operator: z.enum(["AND", "OR", "NOR"]).describe("AND: all keywords occur; OR: one does; NOR: none does."),
    keywords: z.array(z.string().min(1)).min(1).describe("Words or phrases; a word matches whole words only."),
    case_sensitive: z.boolean().default(false).describe("Whether upper and lower case differ."),
    method: z.string().optional().describe("Omitted: literal words. regex: each keyword is an RE2 pattern."),
    fuzzy_match: z.boolean().default(false).describe("Only false: fuzzy matching is not implemented yet."),
  })
  .superRefine((rule, issues) => {
    const refuse = (path: (string | number)[], message: string, unsupported?: string) =>
      issues.addIssue({ code: "custom", path, message, ...(unsupported === undefined ? {} : { params: { unsupported } }) });
    if (rule.fuzzy_match)
      refuse(["fuzzy_match"], "fuzzy_match is not implemented yet; use literal keywords or method: regex", "fuzzy_match");
    if (rule.method === undefined) {
      try {
        compileRule(rule);
      } catch {
        refuse(["keywords"], "these keywords are too long, or too many, for one expression");
      }
    } else if (METHODS_TO_COME.has(rule.method)) {
      refuse(["method"], `keyword method "${rule.method}" is not implemented yet; supported: regex, or leave it out`, rule.method);
    } else if (rule.method !== "regex") {
      refuse(["method"], `unknown keyword method "${rule.method}"; supported: regex, or leave it out`);
    } else {
      rule.keywords.forEach((keyword, index) => {
        try {
          compilePattern(keyword, rule.case_sensitive);
        } catch (error) {
          refuse(["keywords", index], `not an RE2 pattern: ${error instanceof Error ? error.message : String(error)}`);
        }
      });
    }
  });

function compileRule({ operator, keywords, method, case_sensitive: caseSensitive }: z.output<typeof rule>): Test {
  if (operator === "AND") {
    const all = keywords.map((keyword) => (method === "regex" ? pattern(keyword, caseSensitive) : anyLiteral([keyword], caseSensitive)));
    return (text) => all.every((test) => test(text));
  }
  const any =
    method === "regex"
      ? keywords.map((keyword) => pattern(keyword, caseSensitive)) // not joined: a flag group such as (?s) must not leak into its neighbour
      : [anyLiteral(keywords, caseSensitive)];
  return operator === "OR" ? (text) => any.some((test) => test(text)) : (text) => !any.some((test) => test(text));
}

export const keyword = defineSignal({
  type: "keyword",
  configKey: "keywords",
  header: "keywords",
  needs: "nothing",
  summary: "Matches literal words or RE2 patterns in the user's text.",
  rule,
  create(rules) {
    const compiled = rules.map((rule) => ({ match: { rule: rule.name, confidence: 1 } satisfies SignalMatch, test: compileRule(rule) }));
    return { evaluate: ({ userText }) => ({ matches: compiled.filter(({ test }) => test(userText)).map(({ match }) => match) }) };
  },
});
