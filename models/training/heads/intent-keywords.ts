/**
 * What a careful operator would write as keyword rules for the same questions: the floor that trained heads must beat, measured beside
 * them by intent-figures.ts. Written before any development set was read, and never tuned on one. Not part of the product.
 */

/** KeywordRule gives a label to a text, or null where none of its words occur. */
export type KeywordRule = (text: string) => string | null;

/** firstOf takes the first label whose words occur. */
function firstOf(rules: Readonly<Record<string, readonly RegExp[]>>, otherwise: string | null): KeywordRule {
  const entries = Object.entries(rules);
  return (text) => entries.find(([, patterns]) => patterns.some((pattern) => pattern.test(text)))?.[0] ?? otherwise;
}

/** keywordRules by task. */
export const keywordRules: Readonly<Record<string, KeywordRule>> = {
  fact_check: firstOf(
    {
      no_fact_check_needed: [
        /\b(write|draft|compose|rewrite|rephrase|translate|summari[sz]e|proofread|shorten|polish)\b/i,
        /\b(poem|haiku|limerick|story|song|lyrics|joke|slogan|caption|role ?play|imagine|pretend)\b/i,
        /\b(code|function|script|regex|python|javascript|sql|css)\b/i,
        /\b(brainstorm|ideas?|suggest|recommend|advice|should i|help me|do you (like|think|prefer|want|ever|feel))\b/i,
        /^(hi|hello|hey|thanks|thank you|good (morning|evening|night))\b/i,
        /\b(my (favou?rite|mum|mom|dad|boss|girlfriend|boyfriend|wife|husband|friend))\b/i,
        /^[\d\s+*/().=x-]+\??$|\b(calculate|solve|compute)\b/i,
      ],
      needs_fact_check: [
        /^(who|whose|whom|when|where|which)\b/i,
        /^(what|what's|whats)\b/i,
        /\bhow (many|much|old|tall|long|far|high|deep|fast|big|heavy|often)\b/i,
        /\b(is it true|true or false|fact|facts|verify|confirm|correct that|really|myth|debunk|evidence|sources?)\b/i,
        /\b(i (read|heard)|someone (said|told)|they say|claims?)\b/i,
        /\b(invented|discovered|founded|born|died|killed|elected|won|built|signed)\b/i,
        /\b(population|capital|president|king|queen|law|legal|illegal|treaty|war|century|year|history)\b/i,
        /\b(side effects?|dose|dosage|symptoms?|vaccine|vitamin|disease)\b/i,
        /\b(largest|biggest|highest|oldest|longest|first|fastest|smallest)\b/i,
        /^(is|are|was|were|did|does|do|has|have|had|can)\b.*\?/i,
        /\b(explain|define|definition of|meaning of|cause of|causes of|difference between)\b/i,
      ],
    },
    "no_fact_check_needed",
  ),
  user_feedback: firstOf(
    {
      wrong_answer: [
        /\b(wrong|incorrect|inaccurate|untrue|false|mistaken?|mistakes?|errors?)\b/i,
        /\bnot (right|true|correct|what (it|the))\b|\b(isn'?t|aren'?t|wasn'?t) (right|true|correct)\b/i,
        /\b(does ?n'?t|did ?n'?t|won'?t|not) (work|working|compile|run|exist)\b/i,
        /\bstill (fail|fails|failing|broken|get|getting|the same|not)\b/i,
        /\b(you('re| are) (confus|mix|making|wrong)|made (that|this|it) up|hallucinat\w*|nonsense)\b/i,
        /\bfalsch|incorrecto|equivocado|faux|errado|stimmt nicht|no funciona|ne marche pas|funktioniert nicht\b|不对|错|違|गलत|خطأ/i,
      ],
      need_clarification: [
        /\b(what do you mean|what does (that|this|it) mean|meaning\?)/i,
        /\b(do ?n'?t|did ?n'?t|can'?t|not) (understand|get it|follow|see)\b/i,
        /\b(confus(ed|ing)|unclear|not clear|lost me|i'?m lost|clarify|clarification|elaborate)\b/i,
        /\bexplain (it|this|that|again|more|further|step|like)\b|\bexplain .*\b(simpler|again|differently)\b/i,
        /\b(simpler|plain english|simple (terms|words)|eli5|layman|dumb it down|huh|which one do you mean)\b/i,
        /\bno entiendo|je (ne )?comprends pas|verstehe (ich )?nicht|não entendi|was meinst du\b|不懂|不明白|分から|わから|समझ नहीं|لم أفهم/i,
      ],
      want_different: [
        /\b(another|different|something else|other (options?|ideas?|ones?|suggestions?)|alternatives?|else)\b/i,
        /\b(instead|rather|try again|once more|redo|regenerate|rewrite|rephrase|reword)\b/i,
        /\b(shorter|longer|simpl(er|ify)|briefer|more (formal|casual|detail\w*|concise|friendly|fun\w*)|less (formal|technical))\b/i,
        /\bmake (it|this|that|them)\b|\b(turn|put|change|convert) (it|this|that|them)\b/i,
        /\b(bullet points?|as a (table|list)|in (spanish|french|german|english))\b/i,
        /\botra|otro|autre|plutôt|andere|lieber|outra|outro\b|换|別の|दूसरा|آخر/i,
      ],
      satisfied: [
        /\b(thanks|thank you|thx|ty|cheers|appreciate(d)?|grateful)\b/i,
        /\b(perfect|great|awesome|excellent|brilliant|amazing|fantastic|wonderful|lovely|superb)\b/i,
        /\b(it|that|this|now) (works|worked|helped|helps)\b|\bworks (now|fine|great|perfectly)\b/i,
        /\b(exactly what|just what|very helpful|so helpful|spot on|nailed it|love it|good job|well done|problem solved)\b/i,
        /\bgracias|merci|danke|obrigad[oa]|perfecto|parfait|super\b|谢谢|ありがとう|धन्यवाद|شكرا/i,
      ],
    },
    "none",
  ),
  modality: firstOf(
    {
      BOTH: [
        /\b(and|with|plus|including|along with|add|also)\b[^.?!]{0,40}\b(image|picture|pic|photo|illustrations?|drawing|diagram|sketch|artwork|visual|cover art|portrait)s?\b/i,
        /\b(illustrated|illustrate) (story|guide|recipe|article|book|poem|explanation)\b/i,
        /\b(draw|paint|sketch|image|picture|illustration)\b[^.?!]*\b(and|then)\b[^.?!]*\b(explain|describe|write|tell)\b/i,
      ],
      DIFFUSION: [
        /^(please )?(can you |could you )?(draw|paint|sketch|illustrate|render)\b/i,
        /\b(generate|create|make|design|produce|show me|give me|need|want)\b[^.?!]{0,40}\b(image|picture|pic|photo|illustration|logo|poster|wallpaper|icon|avatar|portrait|drawing|painting|sticker|banner|artwork|mockup)s?\b/i,
        /\b(photorealistic|hyperrealistic|watercolou?r|oil painting|digital art|concept art|pixel art|line art|vector art|low poly|cinematic|bokeh)\b/i,
        /\b(4k|8k|hd|octane|unreal engine|highly detailed|golden hour|wide shot|close-?up)\b|--ar\b/i,
        /\b(anime|ghibli|pixar|disney|cartoon|minimalist) style\b|\bin the style of\b/i,
        /^(an? )?(image|picture|photo|illustration|drawing|painting|portrait|logo|poster) (of|for|with)\b/i,
        /\b(dibuja|dessine|zeichne|male|desenhe|нарисуй)\b|画|描いて|绘|चित्र बना|ارسم/i,
      ],
    },
    "AR",
  ),
  complexity: firstOf(
    {
      hard: [
        /\b(prove|proof|derive|derivation|theorem|lemma|disprove|rigorous(ly)?)\b/i,
        /\b(design|architect(ure)?|optimi[sz]e|minimi[sz]e|maximi[sz]e|trade-?offs?|constraints?)\b/i,
        /\b(analy[sz]e|evaluate|assess|critique|root[- ]cause|debug|diagnos\w+|reconcile|justify|argue)\b/i,
        /\b(step[- ]by[- ]step|in depth|comprehensive|from scratch|from first principles|distributed|concurren\w+|algorithm)\b/i,
        /\b(contract|liability|jurisdiction|differential diagnosis|comorbid\w*)\b/i,
      ],
      medium: [
        /\b(explain|describe|compare|difference|outline|summari[sz]e|pros and cons|advantages)\b/i,
        /\b(write|draft|compose|create|generate|make|prepare|plan)\b/i,
        /\b(why|how (do|does|can|should|would|to|did|is|are))\b/i,
        /\b(function|script|regex|code|query|essay|e-?mail|letter|recipe|lesson|tips|ideas|advice)\b/i,
        /\b(solve|calculate|compute|show)\b/i,
      ],
    },
    "easy",
  ),
  preference: firstOf(
    {
      terse: [
        /\b(brief(ly)?|short(ly)?|concise(ly)?|tl;?dr|nutshell|bottom line|yes or no|gist|few words|quick (answer|one)|keep it (short|brief))\b/i,
        /\b(in (a|one|two|a single) (sentence|word|line)s?|one (sentence|line|word))\b/i,
      ],
      detailed: [
        /\b(details?|detailed|in[- ]depth|thorough(ly)?|comprehensive(ly)?|elaborate|exhaustive(ly)?|extensive(ly)?)\b/i,
        /\b(everything (about|there)|full (explanation|answer|picture)|long (answer|version)|background)\b/i,
      ],
      step_by_step: [
        /\b(step[- ]by[- ]step|steps?|stepwise|numbered|walk me through|walkthrough|guide me|one at a time|in order|procedure|checklist)\b/i,
      ],
      code_first: [/\b(code|snippets?|script|implementation|source|one-liner|function|program)\b/i],
      formal: [/\b(formal(ly)?|professional(ly)?|polite(ly)?|official|respectful|courteous|business[- ]?like|academic)\b/i],
      simple_language: [
        /\b(simple|simply|simpler|plain|like i'?m (five|5)|eli5|beginners?|layman'?s?|easy|jargon|kids?|child(ren)?|dumb)\b/i,
      ],
      with_examples: [/\b(examples?|for instance|illustrat\w+|samples?|analog(y|ies)|case)\b/i],
      table: [/\b(table|tabular|tabulate|columns?|rows?|spreadsheet|grid|side[- ]by[- ]side|chart|matrix)\b/i],
    },
    "none",
  ),
};
