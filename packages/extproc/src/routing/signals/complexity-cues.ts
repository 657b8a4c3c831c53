/**
 * What the embedded tier reads to judge complexity: the text, and after it cues of how much thinking it asks for, one word for each
 * kind of task that the text names, in their order. Kinds of task carry over to subjects that training never met, which words do not;
 * how much each counts is trained like any other word's weight, and lies in the model. Length is no cue: a long text may want its
 * commas mended. Training uses this file too.
 */

const words = (list: string): readonly string[] => list.trim().split(/\s+/);

/**
 * Kinds of task, by the cue that stands for each: beginnings of words (with a hyphen at the end) or whole words, in lower case and
 * without accents. Languages that are written without spaces have their own list below.
 */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  /** To be proved or derived. */
  pq: words(`prove proves proving proof proofs disprove refute refut- deriv- rigor- rigour theorem theorems lemma lemmas counterexample-
    axiom- corollary induction contradiction impossib- undecidab- np-hard np-complete irrational formally
    beweis- leite herleit- widerleg- satz demontr- prouv- deduis- theoreme demuestr- demostr- deduc- teorema prov- dimostr- bewijs-
    докаж- доказ- вывед- теорем-`),
  /** To be designed, with parts that depend on each other. */
  dn: words(`design designs architect architecture architect- devise invent engineer migrate migration refactor implement implementation
    protocol distributed concurren- lock-free scalab- scale fault-toleran- multi-tenant end-to-end framework pipeline compiler
    scheduler consensus replication sharding rollout roadmap strategy
    entwirf entwerf- konzipier- architektur disen- arquitectura arquitetura concev- concois architecture projet- elabor- progett- ontwerp-
    спроектир- разработа- архитектур-`),
  /** To be optimised, or decided under limits. */
  op: words(`optimi- minimi- maximi- constraint constraints constrain- trade-off trade-offs tradeoff tradeoffs subject feasib- bound
    bounds allocat- worst-case budget budgets tolerance latency throughput invariant invariants monoton- equilibri- stochastic
    nebenbedingung- zielkonflikt- abwag- restriccion- contraint- arbitrage restric- compromis- ogranichen- ограничен- оптимиз-`),
  /** To be weighed against something. */
  an: words(`analy- evaluat- assess- critiqu- critically reconcil- weigh examin- argue argument arguments interpret- reconstruct- synthes-
    implication- assumption- identification causal- confound- bias- evidence hypothes- consisten- contradict- justif- defend
    objection- steelman dilemma paradox rank ranked sensitivity uncertain- robust- estimat- model modelling modeling simulat- predict-
    untangle disentangle settle classify
    analys- beurteil- bewert- widerspruch- erorter- evalu- discut- evalue- avali- valut- beoordeel- critic- критич- проанализ- оцен-`),
  /** To be found out: what goes wrong, and why. */
  db: words(`debug- diagnos- differential root-cause rootcause intermittent- deadlock- race leak leaks crash- flaky fails failing
    regression bottleneck hang hangs trace stack corrupt- discrepan- reproduc- troubleshoot- fehlersuche depur- plante отлад-`),
  /** Conditions on the answer. */
  cd: words(`given such without must never exactly least most unless whether under while yet except despite although cannot can't
    only every each all both neither consisten- against between requir- assum- suppose
    ohne muss mindestens hochstens sans doit sin debe sem deve senza unter gegeben zonder без`),
  /** More than one thing. */
  mu: words(`then also finally second third two three four five six seven several steps step stage stages phases including plus
    dann danach zwei drei puis deux trois luego dos tres depois dois due tre затем три`),
  /** To be explained in a paragraph. */
  ex: words(`explain explains explanation describe outline compare comparison difference differences differ pros cons advantages
    disadvantages overview why how works work example examples introduc- summary summari- beginner- tips ways advice advise
    recommend suggest ideas guide tutorial
    erklar- beschreib- vergleich- unterschied warum funktioniert explique- expliqu- decri- compar- difference fonctionne explica- describ-
    diferencia diferenca pourquoi porque spieg- descriv- confronta differenza leg verschil obyasni объясни- опиши- сравни- почему`),
  /** To be written or made, in one go. */
  wr: words(`write draft compose create make generate prepare plan outline letter email e-mail essay story poem sonnet haiku limerick recipe
    speech toast post caption article paragraph blog cv resume cover script function regex query sql python javascript class test
    unit dockerfile yaml html css table quiz lesson itinerary schedule menu review
    schreib- verfass- erstell- brief gedicht rezept escrib- redact- crea carta redig- ecri- lettre recette escrev- fac- poema email
    scriv- schrijf напиш- составь письмо`),
  /** To be looked up. */
  lk: words(`what what's whats who who's when where where's which is are does do did name called capital many much old tall far long
    year date day time color colour mean means meaning stand stands definition define abbreviation currency symbol opposite plural
    population number
    was wer wann wo welche welcher welches wie heisst heißt hauptstadt viel viele quel quelle quels qui quand ou combien capitale que quien
    cuando donde cual cuanto cuantos capital qual quem quando onde quanto quantos che chi dove quanti wat wie wanneer waar hoeveel
    сколько кто когда где какой какая столица что`),
  /** To be put otherwise, or done in one step. */
  rw: words(`fix typo typos correct spell spelling capitali- lowercase uppercase alphabetical order sort reverse convert round count remove
    replace extract copy translate translation translat- say synonym antonym rhyme rhymes rewrite rephrase shorten bullet bullets format
    punctuation comma sentence word words repeat complete fill pick choose list tell give change turn put add odd even
    ubersetz- korrigier- wort sag traduis traduire corrige mot comment-dit-on traduce corrige di palabra traduz- palavra traduci parola
    vertaal переведи исправь слово`),
  /** Talk. */
  gr: words(`hi hello hey thanks thank thx ok okay yes no bye goodbye morning night evening lol cool please joke
    hallo danke guten tschuss bonjour merci salut hola gracias buenos ola obrigado obrigada ciao grazie привет спасибо`),
};

/** The same for writing without spaces and for scripts whose words the list above cannot hold: what a text contains. */
const CONTAINED: readonly (readonly [cue: string, found: RegExp])[] = [
  ["pq", /证明|證明|推导|推導|反例|証明|導出|導け|सिद्ध|प्रमाण|أثبت|برهن|اشتق/u],
  ["dn", /设计|設計|架构|アーキテクチャ|डिज़ाइन|रूपरेखा|صمم|هندسة/u],
  ["op", /优化|約束|约束|权衡|最適化|制約|トレードオフ|अनुकूल|قيود|أمثل/u],
  ["an", /分析|评估|評価|论证|論じ|考察|विश्लेषण|मूल्यांकन|حلل|ناقش|قيّم/u],
  ["ex", /解释|解釋|介绍|比较|区别|為什麼|为什么|説明|違い|なぜ|समझा|अंतर|क्यों|اشرح|الفرق|لماذا/u],
  ["wr", /写|寫|書いて|作って|लिखो|लिखें|लिखिए|اكتب/u],
  ["lk", /什么|什麼|多少|几|哪|谁|是啥|何|どこ|いつ|誰|いくつ|क्या|कौन|कब|कितन|कहाँ|ما هو|ما هي|كم|متى|أين|من هو/u],
  ["rw", /翻译|改成|翻訳|直して|अनुवाद|ترجم|صحح/u],
  ["gr", /你好|谢谢|こんにちは|ありがとう|नमस्ते|धन्यवाद|مرحبا|شكرا/u],
];

const whole = new Map<string, string>();
/** Beginnings by their length, longest first; the shortest has three letters. */
const beginnings = new Map<string, string>();
for (const [cue, list] of Object.entries(KINDS)) {
  for (const word of list) {
    if (word.endsWith("-")) beginnings.set(word.slice(0, -1), cue);
    else if (!whole.has(word)) whole.set(word, cue);
  }
}
const LONGEST = Math.max(...[...beginnings.keys()].map((word) => word.length));

const WORD = /[\p{L}\p{M}]+(?:['’-][\p{L}\p{M}]+)*/gu;
/** What a text looks like: a sum, formulas, code. */
const SHAPES: readonly (readonly [cue: string, found: RegExp])[] = [
  ["su", /\d\s*(?:[-+*/×÷^]|plus|minus|times|mal)\s*\d/],
  ["ma", /[∀∃∈∑Σ∫∂√≤≥≠→⊂∞ℝℕλμσπ]|\w\^|_\{|\\[a-z]{3,}|[a-z]\([a-z]\)/u],
  ["co", /```|[{};]\s*\n|=>|\(\)|[a-z]\.[a-z]+\(/],
];
/** What is quoted is what the task is done to: it names no task. */
const QUOTED = /"[^"]{12,}(?:"|$)|“[^”]{12,}(?:”|$)|«[^»]{12,}(?:»|$)|```[^`]*(?:```|$)/g;
/** Words that count as the beginning. */
const FIRST = 2;
/** What is read of a long text, characters at either end: what is asked stands at its beginning or at its end. */
const READ = 1_500;
/** Before each cue, so that it is no word of any language. */
const MARK = " zq";

/** withCues gives a text, or both ends of a long one, and its cues. */
export function withCues(text: string): string {
  const part = text.length <= 2 * READ ? text : `${text.slice(0, READ)}\n${text.slice(-READ)}`;
  return cuesOf(part).reduce((written, cue) => written + MARK + cue, part);
}

/** cuesOf a text, in its order. */
function cuesOf(text: string): readonly string[] {
  const read = text.normalize("NFKC").toLowerCase();
  const found = withoutAccents(read.replaceAll(QUOTED, " ")).match(WORD) ?? [];
  const cues: string[] = [];
  found.forEach((word, place) => {
    const cue = whole.get(word) ?? beginningOf(word);
    // What a request begins with says most.
    if (cue !== undefined) cues.push(place < FIRST ? `${cue}0` : cue);
  });
  for (const [cue, pattern] of [...CONTAINED, ...SHAPES]) if (pattern.test(read)) cues.push(cue);
  return cues.length === 0 ? ["no"] : cues;
}

/** withoutAccents takes the accents off Latin letters; in other scripts marks make other letters. */
const withoutAccents = (text: string) =>
  text
    .normalize("NFD")
    .replaceAll(/(?<=[a-z])\p{M}+/gu, "")
    .normalize("NFC");

function beginningOf(word: string): string | undefined {
  for (let length = Math.min(word.length, LONGEST); length >= 3; length -= 1) {
    const cue = beginnings.get(word.slice(0, length));
    if (cue !== undefined) return cue;
  }
  return undefined;
}
