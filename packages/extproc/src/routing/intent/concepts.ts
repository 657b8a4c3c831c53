/**
 * The concepts whose presence, place and neighbours are the cues of what a message wants (cues.ts), each a set of words under a code of
 * two letters. Apostrophes and accents are left out, as the reader leaves them out. Words of scripts without spaces are found anywhere.
 * A word may belong to several concepts. Training uses this file: a change here needs the heads trained anew.
 */
const words = (text: string): readonly string[] => text.trim().split(/\s+/);

export const CONCEPTS: Readonly<Record<string, readonly string[]>> = {
  /** Question words, by what they ask for. */
  qw: words(
    "what which whats que cual quel quelle quels was welche welcher o qual wat что какой какая 什么 什麼 哪 何 どの क्या कौन ما أي 무엇 무슨",
  ),
  qh: words("who whom whose whos quien qui wer quem wie кто 谁 誰 だれ किसने कौन من 누구"),
  qn: words(
    "when where cuando donde quand ou wann wo quando onde wanneer waar когда где 几时 什么时候 哪里 哪裡 いつ どこ कब कहाँ متى أين 언제 어디",
  ),
  qy: words("why pourquoi warum wieso porque perche waarom почему зачем 为什么 為什麼 なぜ どうして क्यों لماذا 왜"),
  qo: words("how como comment wie hoe как 怎么 怎麼 如何 どう どうやって कैसे كيف 어떻게"),
  qm: words(
    "many much old tall far high deep fast heavy often combien cuantos cuanto quantos quanto viele viel сколько 多少 几 いくつ कितने कितना كم 몇",
  ),
  ax: words("is are was were do does did has have had isnt arent wasnt werent doesnt didnt hasnt est sont es son ist sind ist hat e sao"),
  md: words("can could will would should may might must shall cant couldnt wouldnt shouldnt peux puede konnen kann pode"),
  /** Who and what is spoken of. */
  yo: words(
    "you your yours youre youve u ur du dein tu ton votre vous usted tus ihr sie voce seu ты вы твой ваш 你 您 あなた आप तुम أنت 너 당신",
  ),
  me: words(
    "i my me mine im ive id ill we our us ich mein mir mich je mon ma mes yo mi mis eu meu minha ik mijn я мой мне мы 我 私 僕 मैं मेरा मुझे أنا لي 나 저",
  ),
  it: words(
    "it this that these those them thats its ça cela ca esto eso das dies isto isso dat это этот 这 那 これ それ यह वह इसे هذا هذه ذلك 그것 이거",
  ),
  ys: words(
    "said told gave wrote answer answered answers response reply suggested listed mentioned claimed say says output explanation antwort reponse respuesta resposta antwoord ответ 回答 答案 答え जवाब उत्तर إجابة الإجابة 대답 답변",
  ),
  hs: words(
    "he she they his her hers their them boss manager teacher professor mum mom mother dad father grandma grandpa sister brother friend friends wife husband son daughter colleague customer client patient student neighbour neighbor kid kids judge user someone somebody people jefe chef profesor profesora maestra lehrer lehrerin mutter vater mere pere mama papa amigo amiga freund freundin 他 她 妈妈 老师 老板 彼女 先生 友達 वे मां दोस्त هو هي أمي صديقي",
  ),
  la: words("last previous above earlier before first second third one step part point line bit paragraph sentence"),
  /** Feedback. */
  th: words(
    "thanks thank thx ty tysm thankyou cheers appreciate appreciated grateful gracias merci danke obrigado obrigada bedankt grazie tack спасибо благодарю 谢谢 謝謝 感谢 多谢 ありがとう 助かり धन्यवाद शुक्रिया शुक्रिया شكرا شكراً 감사 고마워",
  ),
  gd: words(
    "great perfect perfectly awesome nice good lovely brilliant excellent amazing helpful useful love loved fantastic wonderful superb cool sweet exactly spot beautiful genius bravo super parfait genial perfecto perfecta excelente prima toll klasse perfekt wunderbar otimo perfeito mooi geweldig отлично супер 完美 太好了 太棒 很好 正是 完璧 最高 すごい बढ़िया शानदार बहुत ممتاز رائع 완벽 좋아",
  ),
  wk: words(
    "works worked working work fixed solved sorted helped helps nailed saved did done passed got gets works funktioniert geklappt klappt marche fonctionne funciona funciono funcionou werkt работает заработало 成功 搞定 解决了 うまくいき 解決し काम يعمل نجح",
  ),
  ng: words(
    "not no dont doesnt didnt isnt wasnt arent werent never nope nothing none cannot cant wont neither nor nah non pas nein nicht kein keine nao nunca niet geen нет не 不 没 沒 ない ません नहीं لا ليس لم 아니 안",
  ),
  wr: words(
    "wrong incorrect false mistake mistaken mistakes error errors inaccurate outdated untrue bug broken fails fail failed failing nonsense invented nonexistent contradict contradicts contradicting hallucinated hallucinating crash crashes misread faux falso incorrecto incorrecta equivocado error errado errada falsch stimmt fehler quatsch fout verkeerd klopt неправильно неверно ошибка 错 錯 不对 不對 有误 違い 違う 間違 गलत خطأ خاطئة غلط 틀렸 틀린",
  ),
  ac: words("actually really sure correct right check recheck source sources book page according docs manual wikipedia teacher doctor"),
  un: words(
    "understand understood confused confusing unclear lost mean means meaning huh clarify sense follow clear stuck puzzled comprends compris entiendo entendi verstehe verstanden entiende begrijp понял понимаю понятно 明白 懂 理解 わから 分から わかり समझ فهمت أفهم 이해",
  ),
  xp: words(
    "explain explained explaining elaborate expand clarify spell define rephrase walk eli5 example examples simpler plain easier layman dumb slower explica explicar explique expliquer erklare erklaren explicame leg uitleggen объясни 解释 解釋 说明 説明 समझाओ समझाइए اشرح وضح 설명",
  ),
  ag: words(
    "again still another more once retry redo encore nochmal noch otra vez outra vez de novo nog opnieuw снова еще ещё 再 又 还 もう一度 まだ फिर दोबारा مرة أخرى 다시",
  ),
  df: words(
    "different differently other others another else instead rather alternative alternatives alternatively version versions option options variation variations change swap replace regenerate autre autres plutot otro otra distinto diferente anders andere lieber stattdessen outro outra diferente anders другой другую вместо 换 換 别的 另 其他 別の 他の दूसरा दूसरी अलग بديل مختلف أخرى 다른",
  ),
  sz: words(
    "shorter longer short long brief briefer concise detailed detail less fewer smaller bigger half words tighten trim cut expand kurzer langer court plus corto mas largo curto menor korter короче длиннее 短 长 简短 短く 長く छोटा छोटी أقصر قصير 짧게",
  ),
  sy: words(
    "formal informal casual funny funnier tone style friendlier friendly bullet bullets table format list points professional serious warmer softer humorous simple version english spanish german french rhyme rhyming",
  ),
  bt: words("but however except yet though although pero mais aber mas maar но 但 但是 でも लेकिन لكن 하지만"),
  ok: words(
    "ok okay alright fine yes yeah yep yup right ah oh hmm um well so wow haha lol ha si oui ja sim да 好 好的 嗯 はい うん हाँ ठीक نعم 네",
  ),
  /** Wishes for text. */
  wt: words(
    "write draft compose rewrite reword summarize summarise translate proofread edit paraphrase polish shorten improve correct escribe redacta ecris redige schreib schreibe escreva escreve schrijf напиши переведи 写 寫 翻译 翻譯 书い 書いて 翻訳 लिखो लिखिए अनुवाद اكتب ترجم 써줘 번역",
  ),
  tx: words(
    "poem haiku limerick story tale essay article blog post email letter recipe caption script paragraph speech report description review summary lyrics song novel chapter dialogue toast cover tweet newsletter guide instructions tutorial lesson quiz answer poema cuento historia poeme histoire gedicht geschichte brief poema conto gedicht verhaal стих рассказ письмо 诗 故事 文章 邮件 信 物語 詩 メール कविता कहानी पत्र قصيدة قصة رسالة",
  ),
  rp: words(
    "article report biography bio timeline history overview introduction intro briefing factsheet sheet entry encyclopedia wikipedia background profile presentation talk essay paper leaflet lecture key figures dates",
  ),
  tn: words(
    "text prompt prompts alt caption captions prose written wording conclusion conclusions up attention breath lesson parallel parallels inference comparison words sentence sentences paragraph phrase verbal hashtags spoken",
  ),
  fi: words(
    "imagine pretend suppose fictional character role play roleplay act joke pun riddle fantasy villain hero once upon dragon wizard",
  ),
  cd: words(
    "code function python javascript typescript java rust sql regex html css svg script api docker class method loop bash git query json array kubernetes react tikz mermaid latex matplotlib opencv ascii",
  ),
  ma: words(
    "calculate compute solve equation integral derivative sum multiply divided percent plus minus times sqrt average probability prove",
  ),
  op: words(
    "think opinion favorite favourite prefer best better recommend feel believe advice suggest idea ideas brainstorm names name tips plan help choose should motivate encourage",
  ),
  gr: words("hello hi hey morning evening goodnight bye goodbye sup yo bored lonely sad tired happy today miss"),
  /** Wishes for pictures. */
  dr: words(
    "draw drawing paint sketch illustrate illustrating render depict visualize visualise doodle dibuja pinta ilustra dessine dessiner peins male zeichne zeichnen desenhe pinte teken schilder нарисуй изобрази 画 畫 绘 描いて 描く बनाओ चित्रित ارسم 그려",
  ),
  mk: words(
    "make create generate produce design build give show need want get turn edit remove genera crea haz fais genere cree erstelle mach erzeuge gere crie faca maak создай сделай сгенерируй 生成 做 创建 设计 作って 生成して デザイン बनाइए बना أنشئ صمم 만들어",
  ),
  im: words(
    "image images picture pictures pic pics photo photos photograph illustration illustrations drawing painting portrait logo icon icons poster wallpaper avatar sticker stickers banner artwork art mockup cartoon mural thumbnail sketch graphic graphics infographic diagram visual visuals emoji tattoo clipart background render selfie headshot flyer imagen imagenes foto dibujo ilustracion cartel dessin affiche photo bild bilder zeichnung plakat imagem desenho ilustracao cartaz afbeelding plaatje tekening картинка картинку изображение рисунок 图 图片 图像 图画 圖 插画 插图 海报 头像 壁纸 照片 画像 絵 イラスト 写真 ポスター चित्र तस्वीर फोटो पोस्टर صورة رسم شعار ملصق 그림 이미지 사진",
  ),
  ar: words(
    "watercolor watercolour photorealistic hyperrealistic realistic cinematic 4k 8k hd neon pastel pastels minimalist minimalistic vector anime manga pixel oil acrylic lighting bokeh isometric vintage retro ukiyo noir gouache charcoal pencil ink lowpoly 3d surreal impressionist cubist steampunk cyberpunk vaporwave detailed closeup macro panoramic aesthetic vibes moody dreamy ghibli pixar disney aquarell aquarelle acuarela aquarela акварель 水彩 水墨 油画 动漫 赛博朋克 アニメ風 जलरंग بألوان",
  ),
  cl: words(
    "red blue green golden gold white black pink purple orange teal silver light soft sunset sunrise night foggy misty snowy glowing sky background foreground wearing holding",
  ),
  lk: words(
    "photography camera museum gallery frame film movie museum artist artists painter painters canvas wall copyright processing resolution file upload scan pixels",
  ),
  an: words("and with plus along also together including include mit und avec et con y com e met en и с 和 并 配 同时 と 付き और साथ مع و"),
  /** Facts of the world. */
  tr: words(
    "true truth fact facts factual verify confirm accurate claim claims claimed myth debunk heard rumor rumour proof evidence statistic statistics supposedly allegedly apparently real hoax vrai cierto verdad wahr verdade waar правда 真的 真的吗 是真的 本当 सच صحيح 정말",
  ),
  fa: words(
    "year date population capital country president king queen minister war battle invented inventor discovered founded born died death located law legal illegal rate highest largest longest oldest first century treaty empire temperature distance speed height weight symptoms side effects dose vitamin vaccine disease treatment cause causes species element atomic planet currency language religion amendment act court company ceo founder price cost released version latest current record won winner cup olympic author wrote published history origin",
  ),
  co: words("compare difference between versus vs contains consist made come from part belongs stand stands called"),
  nu: words("half double twice couple pair dozen two three four five six seven eight nine ten hundred thousand million"),
  sa: words(
    "say says word words phrase translate spell spelling grammar english german french spanish latin italian korean japanese finnish adverb adjective verb noun sentence song lyrics film novel book called titled",
  ),
  ad: words("too so very much bit little slightly rather quite bitte por favor sil vous plait please pls kindly"),
  st: words(
    "bigger darker brighter happier sadder scarier cheaper cheap vegetarian vegan kids children beginners beginner modern traditional creative original serious romantic poetic stronger stricter bolder calmer neutral polite rude direct",
  ),
  ne: words("new next now also another question topic moving separate unrelated btw quick"),
};
