/**
 * Words of questions whose answer changes by itself, in the languages that most people ask in. Such a question may be repeated word for
 * word within an entry's lifetime, but must not be answered by what another one was told. It is a net, not a proof. A wrong catch costs
 * a semantic hit, so words stay out that mostly mean something else, in their own language ("current" is in every circuit) or in a
 * neighbour's (Turkish "son" is in half of all Spanish questions).
 */

/** volatileWords by language, separated by commas. A space stands for any white space; case does not matter. */
export const volatileWords = {
  en: `today, today's, tonight, tonight's, tomorrow, tomorrow's, yesterday, yesterday's, now, nowadays, currently, at the moment,
    at present, these days, so far, as of, up to date, up-to-date, recent, recently, upcoming, the current, current price,
    current status, current version, current events, latest, newest, news, headlines, weather, forecast, this week, this month,
    this year, this weekend, this morning, this afternoon, this evening, this season, this quarter, last week, last month, last year,
    last night, last weekend, last season, last quarter, next week, next month, next year, next weekend, next season, next quarter,
    stock price, stock prices, share price, share prices, price of, prices of, exchange rate, exchange rates, what time is it,
    what day is it, what is the time, what's the time, what is the date, what's the date, live score, in stock, days until, how long until`,
  es: `hoy, mañana, ayer, anoche, ahora, actualmente, actualidad, el actual, la actual, precio actual, presidente actual, versión actual,
    último, última, últimos, últimas, reciente, recientes, recientemente, esta semana, este mes, este año, esta noche, esta tarde,
    semana pasada, mes pasado, año pasado, próxima semana, próximo mes, próximo año, tiempo hace, clima, pronóstico, noticias,
    precio de, precio del, cuánto cuesta, cuánto vale, tipo de cambio, cotización, qué hora`,
  fr: `aujourd'hui, aujourd’hui, demain, hier, ce soir, maintenant, actuellement, actuel, actuelle, actuels, actuelles, en ce moment,
    dernier, dernière, derniers, dernières, récent, récente, récents, récentes, récemment, cette semaine, ce mois, cette année,
    ce matin, semaine prochaine, mois prochain, année prochaine, météo, prévisions, actualités, prix de, prix du, combien coûte,
    combien vaut, taux de change, cours de l'action, cours de bourse, quelle heure`,
  de: `heute, heutige, heutigen, heutiger, morgen, gestern, jetzt, derzeit, momentan, zurzeit, zur zeit, aktuell, aktuelle, aktuellen,
    aktueller, aktuelles, neueste, neuesten, neuester, neuestes, letzte, letzten, letzter, letztes, kürzlich, neulich, diese woche,
    dieser woche, diesen monat, diesem monat, dieses jahr, diesem jahr, nächste woche, nächsten monat, nächstes jahr, wetter,
    wettervorhersage, nachrichten, preis von, wie viel kostet, was kostet, wechselkurs, aktienkurs, wie spät, wie viel uhr`,
  pt: `hoje, amanhã, ontem, agora, atualmente, atual, atuais, neste momento, último, última, últimos, últimas, recente, recentes,
    recentemente, esta semana, essa semana, nesta semana, este mês, neste mês, este ano, neste ano, esta noite, semana passada,
    mês passado, ano passado, próxima semana, próximo mês, próximo ano, clima, previsão do tempo, notícias, preço de, preço do,
    preço da, quanto custa, quanto está, cotação, taxa de câmbio, que horas`,
  it: `oggi, domani, ieri, stasera, adesso, ora, attualmente, attuale, attuali, ultimo, ultima, ultimi, ultime, recente, recenti,
    recentemente, questa settimana, questo mese, quest'anno, settimana scorsa, settimana prossima, meteo, previsioni, notizie,
    prezzo di, prezzo del, quanto costa, tasso di cambio, che ore`,
  nl: `vandaag, morgen, gisteren, vanavond, nu, momenteel, huidige, actueel, actuele, laatste, nieuwste, recente, deze week, deze maand,
    dit jaar, vorige week, volgende week, weer, weerbericht, nieuws, prijs van, hoeveel kost, wisselkoers, hoe laat`,
  pl: `dziś, dzisiaj, jutro, wczoraj, teraz, obecnie, obecny, obecna, aktualny, aktualna, aktualne, najnowszy, najnowsza, najnowsze,
    ostatnio, ostatni, ostatnia, w tym tygodniu, w tym roku, pogoda, prognoza, wiadomości, ile kosztuje, kurs walut, kurs euro,
    kurs dolara, która godzina`,
  tr: `bugün, bugünkü, yarın, dün, şimdi, şu an, şu anda, şu anki, güncel, en son, en yeni, bu hafta, bu ay, bu yıl, geçen hafta,
    gelecek hafta, hava durumu, haberler, fiyatı, döviz kuru, saat kaç`,
  ru: `сегодня, сегодняшний, завтра, вчера, сейчас, теперь, в настоящее время, на данный момент, текущий, текущая, текущее, текущие,
    нынешний, актуальный, актуальные, последний, последняя, последние, новейший, недавно, на этой неделе, в этом месяце, в этом году,
    на прошлой неделе, на следующей неделе, погода, погоду, прогноз, новости, новостей, цена, цену, сколько стоит, курс валют,
    курс доллара, курс евро, курс рубля, который час`,
  id: `hari ini, besok, kemarin, sekarang, saat ini, terbaru, terkini, minggu ini, bulan ini, tahun ini, cuaca, berita, harga, jam berapa`,
  vi: `hôm nay, ngày mai, hôm qua, bây giờ, hiện tại, hiện nay, mới nhất, tuần này, năm nay, thời tiết, tin tức, giá`,
  hi: `आज, कल, अभी, अब, इस समय, वर्तमान, नवीनतम, ताज़ा, ताजा, हाल ही, इस हफ्ते, इस सप्ताह, इस साल, मौसम, समाचार, खबर, कीमत, कितने बजे`,
} as const;

/** volatileStems are found inside words too: these languages write without spaces, or put prefixes and endings on. */
export const volatileStems = {
  zh: `今天, 今日, 今晚, 明天, 昨天, 现在, 現在, 目前, 当前, 當前, 如今, 最新, 最近, 近期, 本周, 本週, 这周, 這週, 这个星期, 本月, 这个月, 今年, 去年, 明年, 上周,
    下周, 天气, 天氣, 新闻, 新聞, 股价, 股價, 汇率, 匯率, 价格是多少, 多少钱, 多少錢, 几点, 幾點, 星期几`,
  ja: `今日, 本日, 今夜, 明日, 昨日, 今週, 今月, 今年, 先週, 来週, 去年, 来年, 現在, 今の, 最新, 最近, 天気, ニュース, 株価, 為替, いくら, 何時, 何曜日`,
  ko: `오늘, 내일, 어제, 지금, 현재, 최신, 최근, 이번 주, 이번주, 이번 달, 올해, 지난주, 다음 주, 날씨, 뉴스, 주식 시세, 주가지수, 환율, 얼마예요, 얼마인가, 몇 시`,
  th: `วันนี้, พรุ่งนี้, เมื่อวาน, ตอนนี้, ปัจจุบัน, ล่าสุด, สัปดาห์นี้, เดือนนี้, ปีนี้, อากาศ, ข่าว, ราคา, กี่โมง`,
  ar: `اليوم, غدًا, أمس, الآن, الان, حاليا, حاليًا, الحالي, أحدث, احدث, آخر, مؤخرا, مؤخرًا, هذا الأسبوع, هذا الشهر, هذا العام, هذه السنة, الطقس,
    طقس, أخبار, سعر الصرف, سعر الدولار, سعر الذهب, كم الساعة`,
  fa: `امروز, دیروز, اکنون, الان, فعلی, جدیدترین, آخرین, این هفته, امسال, آب و هوا, اخبار, قیمت, ساعت چند`,
  he: `היום, מחר, אתמול, עכשיו, כרגע, כיום, הנוכחי, האחרון, האחרונות, השבוע, השנה, מזג האוויר, חדשות, מחיר, מה השעה`,
} as const;

const VOLATILE = new RegExp(
  `(?<![\\p{L}\\p{M}\\p{N}])(?:${alternatives(volatileWords)})(?![\\p{L}\\p{M}\\p{N}])|${alternatives(volatileStems)}`,
  "iu",
);

/** isVolatile tells whether a text asks for what changes by itself. */
export function isVolatile(text: string): boolean {
  return VOLATILE.test(text);
}

function alternatives(words: Readonly<Record<string, string>>): string {
  return Object.values(words)
    .flatMap((list) => list.normalize("NFC").split(/,\s*/))
    .map((word) => word.replaceAll(" ", "\\s+"))
    .join("|");
}
