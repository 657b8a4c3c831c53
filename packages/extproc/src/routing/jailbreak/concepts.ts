/**
 * What attacks on a model's instructions speak about, as groups of words: the vocabulary of cues.ts. A word alone proves nothing;
 * every one of them is common in harmless messages. Lower case, without accents. Written from what such attacks have to say, never
 * from a test set.
 */
const words = (list: string): readonly string[] => list.trim().split(/\s+/);

/** CONCEPTS by the letter that stands for each in the text of cues. Their number is bounded by a word's bits, 31. */
export const CONCEPTS: Readonly<Record<string, readonly string[]>> = {
  /** Setting aside. */
  a: words(`ignore ignoring ignores ignored disregard disregarding forget forgetting override overriding overrides overrule bypass
    bypassing circumvent discard drop neglect skip cancel erase delete dismiss abandon replace supersede void nullify expired outdated
    stop cease unlearn overlook omit reset undo
    ignoriere ignorier ignorieren ignorierst vergiss vergesse vergessen missachte missachten uberspringe verwirf losche
    ignora ignorar ignore ignores olvida olvide olvidar olvidate omite descarta
    ignorez oublie oubliez oublier
    esquece esqueca desconsidere desconsidera
    dimentica dimenticare trascura ignorare
    игнорируи проигнорируи игнорировать забудь забудьте отмени`),
  /** What came before. */
  b: words(`previous previously prior above earlier before preceding former foregoing initial original existing old past
    vorherigen vorherige vorheriger bisherigen bisherige bisher obigen obige davor oben zuvor vorangegangenen fruheren
    anterior anteriores previas previos previo
    precedentes precedente precedents precedent anterieures
    precedenti
    предыдущие предыдущих прежние`),
  /** Instructions. */
  c: words(`instructions instruction rules rule prompts guidelines guideline directions directives directive orders commands policies
    policy protocols protocol programming training told assignments assignment briefing
    anweisungen anweisung regeln regel vorgaben befehle aufgaben aufgabe richtlinien instruktionen
    instrucciones instruccion reglas ordenes directrices indicaciones
    consignes consigne regles directives ordres
    instrucoes instrucao regras ordens diretrizes
    istruzioni regole
    инструкции инструкцию правила указания`),
  /** Giving out. */
  d: words(`reveal reveals show print output repeat display leak dump expose disclose recite paste provide return echo list spell divulge
    quote reproduce write translate summarize encode unveil hand share
    zeige zeig verrate verrat nenne wiederhole schreibe gib ausgeben
    muestra muestrame revela revelame repite dime imprime escribe
    affiche revele repete montre donne
    mostre repita
    mostra rivela ripeti
    покажи раскрои выведи повтори`),
  /** Hidden. */
  e: words(`system hidden secret secrets initial confidential internal private classified protected concealed preset preprompt backend
    geheime geheimen geheim verborgen versteckten vertraulich vertraulichen internen
    secreto secreta oculto ocultas interno confidenciales sistema
    cache cachees systeme confidentielles
    ocultos secretas
    segreto nascosto
    секретныи скрытые системныи`),
  /** What is hidden. */
  f: words(`password passwords passphrase credentials credential key keys token tokens prompt configuration config secret code pin flag
    message text words context conversation sentence paragraph
    passwort kennwort schlussel text worter konfiguration
    contrasena clave texto palabras
    motdepasse texte
    senha chave
    пароль промпт ключ`),
  /** Playing a part. */
  g: words(`pretend pretending roleplay simulate simulating imagine character persona act acting play playing named called alter ego embody
    impersonate role portray pose
    rolle spiele spielst stell tu
    finge personaje actua papel imagina
    joue fais personnage role
    finja personagem
    fingi personaggio
    притворись представь`),
  /** Lawless. */
  h: words(`unrestricted unfiltered uncensored amoral immoral unethical illegal evil limitless unlimited unhinged unbound jailbroken
    jailbreak dan stan dude illegality unlawful taboo immorality profanity swear curse explicit harmful dangerous malicious offensive
    racist violent uncensor raw rude
    uneingeschrankt unzensiert illegal
    ilimitado ilegal
    illimite illegal`),
  /** No. */
  i: words(`no not never without cannot cant don't dont can't won't wont doesn't isn't nor none
    ohne nicht kein keine keinen niemals
    sin nunca ningun ninguna
    sans jamais aucune
    sem nenhuma
    senza mai
    без никогда`),
  /** Limits. */
  j: words(`restrictions restriction limitations limits limit filters filter censorship boundaries ethics ethical moral morals morality
    legality legal constraints constraint safety safeguards safeguard guardrails consequences principles values moderation
    einschrankungen beschrankungen grenzen filter
    restricciones limites limitaciones filtros
    restrictions limites filtres
    restricoes
    restrizioni limiti
    ограничении ограничения`),
  /** The machine. */
  k: words(`ai chatgpt gpt openai assistant llm bot chatbot model anthropic bard claude gemini summarizer agent copilot language
    ki assistent sprachmodell
    ia asistente
    assistente
    ии ассистент`),
  /** Mode. */
  l: words(`mode modus modo modalita режим режиме`),
  /** Of which kind. */
  m: words(`developer debug god admin root sudo maintenance diagnostic test dev opposite entwickler desarrollador developpeur`),
  /** From now on. */
  n: words(`now henceforth instead onwards onward afterwards thereafter immediately
    jetzt stattdessen nun fortan ab
    ahora adelante
    maintenant desormais
    agora
    adesso ora
    теперь сеичас`),
  /** Having to. */
  o: words(`must always should shall will have need required obliged comply obey follow
    musst sollst immer
    debes siempre
    dois devez toujours
    deve sempre`),
  /** Only. */
  p: words(`only exactly verbatim solely word literally precisely just nothing else
    nur genau wortlich
    solo exactamente solamente
    seulement exactement
    apenas somente
    только`),
  /** Saying. */
  q: words(`say answer respond reply responding replying answering responses response
    antworte antworten sag sage
    responde di diga contesta
    reponds repondez dis
    responda
    rispondi
    ответь скажи отвечаи`),
  /** New. */
  r: words(`new real actual true updated following different another next
    neue neuen neues folgende
    nueva nuevo siguiente
    nouvelle nouveau suivante
    nova novo
    nuovo nuove
    новая новые`),
  /** You. */
  s: words(`you your you're youre yourself
    du dein deine deinen deiner dir sie ihr ihre
    tu tus usted sus
    vous votre vos ton tes
    voce seu suas
    tuo tue
    ты твои тебя`),
  /** Being. */
  t: words(`are become be being bist seist bin eres seas es etre sei am`),
  /** In disguise. */
  u: words(`base64 rot13 hex hexadecimal cipher decode decrypt encoded encrypted reversed backwards morse caesar ascii binary leetspeak
    decodiere entschlussle decodifica concatenate concatenated combine variable`),
  /** Made up. */
  v: words(`fictional hypothetical fiction hypothetically story novel scenario world universe game simulation dream dialogue theoretical`),
  /** Refusing. */
  w: words(`refuse refuses refusing refusal decline declines apologize apologise apologies sorry warn warning warnings disclaimer
    disclaimers unable moralize lecture inappropriate deny`),
  /** Freed. */
  x: words(`free freed liberated unlocked unlock enabled anything everything any break broken escape allowed capable whatever
    alles todo tout tudo`),
  /** Who may. */
  y: words(`administrator engineer owner ceo supervisor authorized authorised creator superuser official employee operator security audit
    auditor compliance permission clearance verified approved override`),
  /** Speaking to the reader of a document. */
  z: words(`begin beginning start end user human attention important note urgent notice reading processing document email page instructed
    achtung wichtig atencion importante important внимание`),
};
