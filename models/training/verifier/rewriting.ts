/**
 * Writes a question otherwise without changing what it asks. Authors of pairs rewrite the equal ones and leave the others as they are; a
 * verifier that learns from that thinks whatever is worded otherwise is the same. So a part of all pairs, equal or not, is learnt a second
 * time with one side written otherwise. Seeded.
 */
const before = [
  "Hi, ",
  "hey there, ",
  "Quick question: ",
  "Could you please tell me: ",
  "I was wondering, ",
  "so, ",
  "For a friend: ",
  "I need some help with this. ",
  "Sorry to bother you. ",
  "My boss asked me this and I don't know. ",
  "I've been thinking about it all day: ",
  "ok here goes, ",
];
const after = [" Thanks!", " please", " thx", " Any help is appreciated.", " Cheers", "", " I'm curious.", ""];

/** rules replace how a question begins. "$1" is the rest, without what ends the sentence. */
const rules: readonly (readonly [RegExp, readonly string[]])[] = [
  [
    /^(?:how (?:do|can|should|would) (?:i|you|we)) ([^.?!]+)[.?!]*$/i,
    [
      "What's the best way to $1?",
      "how to $1",
      "Is there a way to $1?",
      "Can you explain how to $1?",
      "I'd like to $1, how does that work?",
      "I want to $1. What steps do I follow?",
      "Show me how to $1",
      "Tell me how one can $1",
    ],
  ],
  [/^how to ([^.?!]+)[.?!]*$/i, ["How do I $1?", "What's a good way to $1?", "I need to $1, how?"]],
  [
    /^(?:what is|what's|whats) ([^.?!]+)[.?!]*$/i,
    ["Can you tell me what $1 is?", "$1?", "Explain $1", "I'd like to know what $1 is", "Tell me about this: what exactly is $1?"],
  ],
  [/^(?:what are) ([^.?!]+)[.?!]*$/i, ["List $1", "Tell me $1", "Can you name $1?", "I'd like to know $1", "$1?"]],
  [/^why (?:do|does|did) ([^.?!]+)[.?!]*$/i, ["What's the reason that $1?", "How come $1?", "Can you explain why $1?", "I wonder why $1"]],
  [/^why (?:is|are) ([^.?!]+)[.?!]*$/i, ["Explain why it is that $1", "How come: $1?", "What makes $1?"]],
  [
    /^(?:write|draft|create|make|compose) ([^.?!]+)[.?!]*$/i,
    ["I need $1", "Please write $1 for me", "Can you come up with $1?", "Compose $1, please", "Would you draft $1?"],
  ],
  [
    /^(?:give me|list|suggest|recommend|name|show me|find) ([^.?!]+)[.?!]*$/i,
    ["I'm looking for $1", "Can you give me $1?", "What would be $1?", "I'd love $1", "Please suggest $1"],
  ],
  [
    /^(?:explain|describe|summari[sz]e) ([^.?!]+)[.?!]*$/i,
    ["Can you explain $1?", "Help me understand $1", "I don't get $1, please explain", "Give me an explanation of $1"],
  ],
  [
    /^is it (safe|legal|ok|okay|possible|normal|worth it|bad|dangerous|true) ([^.?!]+)[.?!]*$/i,
    ["I'd like to know if it's $1 $2", "Would you say it is $1 $2?", "Tell me whether it is $1 $2"],
  ],
  [
    /^(?:can|may) i ([^.?!]+)[.?!]*$/i,
    ["Am I allowed to $1?", "Is it okay to $1?", "Is it possible for me to $1?", "I'd like to $1, can I?"],
  ],
  [/^(?:which|what) ([^.?!]+)[.?!]*$/i, ["Tell me which $1", "Do you know what $1?", "I need to know which $1"]],
  [/^(who|when|where) ([^.?!]+)[.?!]*$/i, ["Do you know $1 $2?", "Tell me $1 $2", "Can you say $1 $2?"]],
  [/^([^.?!]+)[.?!] ((?:how|what|why|when|where|who|which|can|is|do) [^.?!]+)[.?!]*$/i, ["$2? $1.", "$2? Because $1."]],
];

/** rewritten is the text written otherwise, with its own words of content; maybe with slips of the fingers. */
export function rewritten(text: string, random: () => number): string {
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item;
  let result = text;
  const rule = rules.find(([pattern]) => pattern.test(text));
  if (rule !== undefined && random() < 0.75) result = text.replace(rule[0], pick(rule[1]));
  else result = `${pick(before)}${result[0]?.toLowerCase() ?? ""}${result.slice(1)}`;
  if (random() < 0.3) result += pick(after);
  if (random() < 0.3) result = result.toLowerCase();
  if (random() < 0.25) result = slipped(result, random);
  return result;
}

/** slipped changes one long word as fingers do: two letters change places, or one is left out or doubled. */
function slipped(text: string, random: () => number): string {
  const words = [...text.matchAll(/(?<![\w`"'])[a-z]{5,}(?![\w`"'])/g)];
  const word = words[Math.floor(random() * words.length)];
  if (word === undefined) return text;
  const at = word.index + 1 + Math.floor(random() * (word[0].length - 2));
  const kind = random();
  if (kind < 0.4) return `${text.slice(0, at)}${text[at + 1]}${text[at]}${text.slice(at + 2)}`;
  return kind < 0.7 ? text.slice(0, at) + text.slice(at + 1) : text.slice(0, at) + (text[at] ?? "") + text.slice(at);
}
