/**
 * Takes off what people put around a question: greetings, courtesies, "quick question:", thanks, quotation marks around the whole,
 * smileys. Conservative: what could matter stays, and so does a text of which nothing would be left. Pure; read.ts calls it.
 */

/** Words that ask an assistant, never people in general: "can you explain" is a request, "can you eat kiwi skin" is a question. */
const requested =
  `tell|give|explain|write|show|list|name|translate|convert|summari[sz]e|draft|suggest|recommend|describe|define|rewrite|rephrase|
  provide|generate|remind|proofread|outline|paraphrase|help|walk me through|let me know|teach me`
    .replaceAll(/\s+/g, " ")
    .replaceAll("| ", "|");
/** What an indirect question goes on with. */
const indirect = "(?=(?:how|what|what's|whats|why|when|where|who|whom|whose|which|if|whether|about)\\b)";
const gap = "[\\s,.!?:;…–—-]*\\s+";
const stop = "\\s*[,.!?:;…–—-]+\\s*";

/** openings are tried from the first to the last, again and again, until none fits. */
const openings: readonly RegExp[] = [
  // en
  `(?:hi|hello|hey|hiya|howdy|greetings|good (?:morning|afternoon|evening|day))(?: (?:there|again|all|everyone|assistant|friend|bot|chatbot|chatgpt|ai))?(?:${stop}|\\s+)`,
  `dear (?:assistant|ai|bot|chatbot|friend)(?:${stop}|\\s+)`,
  `(?:sorry|apologies) (?:to bother you|for bothering you|to ask|for the (?:silly|stupid|dumb|basic) question)(?: (?:again|with this))?(?:${stop}|\\s+)(?:but )?`,
  `(?:excuse me|pardon me|sorry|ok|okay|alright|right|so|well|um|uh|hmm|anyway|btw|by the way|out of curiosity|just curious|just wondering|thanks)${stop}(?:but )?`,
  `(?:ok so|okay so|so um|just wondering)\\s+(?=(?:how|what|why|when|where|who|which|is|are|can|do|does)\\b)`,
  `(?:(?:a |one )?(?:quick|random|short|simple|silly|stupid|dumb|basic|general|another|serious|genuine) (?:question|q|one)|question|q)(?: for you)?${stop}`,
  `\\[?(?:user(?: question| query)?|instruction|prompt|task|query)(?:\\]|:)\\s*`,
  `if (?:it's|it is|that's|that is) not too much trouble${gap}`,
  `(?:please|pls|plz|plse|kindly)${gap}`,
  `(?:can|could|would|will) (?:you|u|ya) (?:please|pls|plz|kindly) (?:help me )?(?=\\p{L})`,
  `(?:please|pls) (?:can|could|would|will) (?:you|u) `,
  `(?:can|could|would|will) (?:you|u) (?:possibly |maybe |perhaps |just )?(?=(?:${requested})\\b)`,
  `(?:would you|could you|do you) mind (?:telling me|explaining to me|letting me know|sharing)\\s+${indirect}`,
  `(?:would|could) you be so kind as to (?:please )?(?:tell me ${indirect})?`,
  `be so (?:good|kind) as to `,
  `(?:i would|i'd) (?:be grateful|appreciate it|love it|be glad|be happy|be thankful) if you (?:could|would|can) (?:please )?`,
  `(?:would it be|is it) possible for you to `,
  `(?:please )?could i trouble you to `,
  `(?:do|would|might) (?:you|u)(?: guys)? (?:happen to )?know ${indirect}`,
  `(?:may|can|could|might) i (?:please )?ask(?: you)? ${indirect}`,
  `(?:please |just )?(?:tell me|let me know|remind me) ${indirect}`,
  `(?:i was|i am|i'm|im) (?:just )?(?:wondering|curious) ${indirect}`,
  `(?:i wonder|i wanna know|i want to know|i need to know|i would like to know|i'd like to know|i'd love to know|i have to know|need to know|wanna know) ${indirect}`,
  `(?:i need|i want|i would like|i'd like|i'd love|i'd like) you to `,
  `any (?:idea|clue|chance you know) ${indirect}`,
  // de
  `(?:hallo|hi|hey|moin|servus|guten (?:tag|morgen|abend))(?:${stop}|\\s+)`,
  `(?:kurze frage|eine frage|frage|entschuldigung|sorry)${stop}`,
  `(?:kannst|könntest|würdest) du (?:mir )?(?:bitte )?(?:mal )?(?:sagen|erklären|verraten)${gap}(?=(?:wie|was|warum|wann|wo|wer|welche[rsn]?|ob)\\b)`,
  `(?:können|könnten|würden) sie (?:mir )?(?:bitte )?(?:sagen|erklären|verraten)${gap}(?=(?:wie|was|warum|wann|wo|wer|welche[rsn]?|ob)\\b)`,
  `bitte${gap}`,
  // es
  `¿?(?:hola|buenas|buenos días|buenas (?:tardes|noches)|oye)(?:${stop}|\\s+)`,
  `(?:una pregunta(?: rápida)?|pregunta(?: rápida)?|perdona|perdón|disculpa|disculpe)${stop}`,
  `¿?(?:me )?(?:puedes|podrías|puede|podría) (?:por favor )?(?:decirme|explicarme|indicarme) (?=(?:cómo|como|qué|que|por qué|cuándo|cuando|dónde|donde|quién|quien|cuál|cual|cuánt\\p{L}+|si)(?!\\p{L}))`,
  `por favor${gap}`,
  // fr
  `(?:bonjour|bonsoir|salut|coucou)(?:${stop}|\\s+)`,
  `(?:petite question|question(?: rapide)?|excusez-moi|excuse-moi|pardon)${stop}`,
  `(?:peux-tu|pourrais-tu|pouvez-vous|pourriez-vous) (?:s'il (?:te|vous) plaît )?(?:me dire|m'expliquer|m'indiquer) (?=(?:comment|quoi|pourquoi|quand|où|qui|quel\\p{L}*|combien|si|ce)(?!\\p{L}))`,
  `s'il (?:te|vous) pla[îi]t${gap}`,
  // pt
  `(?:olá|ola|oi|bom dia|boa (?:tarde|noite))(?:${stop}|\\s+)`,
  `(?:uma pergunta(?: rápida)?|pergunta(?: rápida)?|desculpe|desculpa)${stop}`,
  `(?:você )?(?:pode|poderia|podia) (?:por favor )?me (?:dizer|explicar) (?=(?:como|o que|por que|quando|onde|quem|qual|quant\\p{L}+|se)(?!\\p{L}))`,
  // zh, ja
  `(?:你好|您好|嗨|请问一下|請問一下|请问|請問|麻烦问一下|想问一下|麻烦你|麻烦|请)[,，。!！:：\\s]*`,
  `(?:こんにちは|こんばんは|すみません|すみませんが|ちょっと質問です|質問です)[、,。!！\\s]+`,
].map((pattern) => new RegExp(`^(?:${pattern})`, "iu"));

const closings: readonly RegExp[] = [
  `(?:many |much )?(?:thanks|thank you|thank u|thankyou|thx|tnx|ty|tysm|cheers|tia)(?: (?:so much|very much|a lot|a million|a bunch|in advance|again|for your help|for the help|kindly|mate))*`,
  `(?:please|pls|plz|kindly)(?: and (?:thanks|thank you))?`,
  `(?:much|greatly) appreciated|much obliged|(?:any )?help (?:is|would be) (?:much |greatly )?appreciated|(?:i'd|i would) (?:really )?appreciate (?:it|that)`,
  `if (?:you don't mind|that's ok(?:ay)?|that is ok(?:ay)?|you can|you could|possible|i may ask|it's not too much trouble)`,
  `(?:kind|best|warm) regards(?:,? \\p{Lu}\\p{L}+)?`,
  // de, es, fr, pt, zh, ja
  `(?:vielen |besten |schon mal )?dank(?:e)?(?: (?:im voraus|schön|dir|ihnen))*|bitte`,
  `(?:muchas |mil )?gracias(?: (?:de antemano|por adelantado))?|por favor|porfa`,
  `merci(?: (?:beaucoup|d'avance|bien))*|s'il (?:te|vous) pla[îi]t|stp|svp`,
  `(?:muito )?obrigad[oa](?: (?:desde já))?`,
].map((pattern) => new RegExp(`(?:^|[\\s,.!?;:…–—-]+)(?:${pattern})[\\s,.!?;:…–—-]*$`, "iu"));

const unspacedClosing =
  /(?:[,，。.!！?？\s]*(?:谢谢(?:你|您|啦|了)?|謝謝(?:你|您)?|多谢|ありがとうございます|ありがとう|お願いします|お願いいたします))[。.!！~～\s]*$/u;
/** A picture after the last sentence; elsewhere it may be what is asked about. */
const decoration = /(?<=[.!?…]\s*)(?:\s|\p{Extended_Pictographic}|[\u{1F3FB}-\u{1F3FF}]|\u200d|\ufe0f)+$/gu;
const smiley = /(?:^|\s)(?:[:;]-?[)(DPp]|\^\^|xD|<3)\s*$/u;
/** A name under a message, after its last sentence. */
const signature = /(?<=[.!?]\s*)(?:yours|best|cheers|greetings),?\s+\p{L}+[\s.!]*$/iu;
/** Only after a request to somebody: "convert this for me", not "is yoga right for me". */
const forMe = /\s+for me[\s,.!?]*$/iu;
const ending = /[\s.!?…。！？]+$/u;
const quotedWhole = /^(["'“”„«‹「『])([^"“”„«»‹›「」『』]+)(["'“”»›」』])[\s.!?]*$/u;

/** stripWrapping gives what is asked, without what is put around it. A text without letters after stripping is given back whole. */
export function stripWrapping(text: string): string {
  let rest = text.trim().replaceAll(decoration, "");
  let asked = false;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const before = rest;
    for (const opening of openings) rest = shorter(rest, opening);
    asked ||= rest !== before;
    for (const closing of closings) rest = shorter(rest, closing);
    rest = shorter(shorter(shorter(rest, smiley), unspacedClosing), signature).replaceAll(decoration, "");
    const quoted = quotedWhole.exec(rest);
    if (quoted !== null && (quoted[1] !== "'" || !(quoted[2] as string).includes("'"))) rest = (quoted[2] as string).trim();
    if (asked) rest = shorter(rest, forMe);
    if (rest === before) break;
  }
  return shorter(rest, ending);
}

/** Wrappings within wrappings that are taken off. */
const MAX_ROUNDS = 6;
const something = /[\p{L}\p{N}]/u;

/** shorter is the text without what the pattern finds, unless nothing would be left. */
function shorter(text: string, pattern: RegExp): string {
  const rest = text.replace(pattern, "");
  return rest !== text && something.test(rest) ? rest : text;
}
