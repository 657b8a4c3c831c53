import { describe, expect, it } from "vitest";
import { isVolatile, volatileStems, volatileWords } from "./volatile-words.ts";

describe("isVolatile", () => {
  it.each([
    "What's on television tonight?",
    "Which phone is the LATEST from that maker",
    "who is the current minister of finance",
    "Give me the news, please",
    "what happened this\n week",
    "price of copper",
    "¿Qué hora es en Lima?",
    "¿Va a llover mañana?",
    "Quel temps fait-il aujourd’hui ?",
    "Wer führt aktuell die Tabelle an?",
    "Quanto custa um litro de leite?",
    "Che tempo fa oggi",
    "Jaka jest pogoda w Gdyni",
    "İstanbul'da hava durumu",
    "Какая погода в Омске",
    "北京今天下雨吗",
    "東京の天気は",
    "서울 날씨 알려줘",
    "สภาพอากาศที่เชียงใหม่",
    "ما هو الطقس في عمّان",
    "आज कौन सा त्योहार है",
    "Thời tiết Đà Nẵng thế nào?",
  ])("catches %s", (text) => {
    expect(isVolatile(text.normalize("NFC"))).toBe(true);
  });

  it.each([
    "Why does alternating current need three phases?",
    "Who knows the snow line of the Alps?",
    "Write a newsletter about knowledge",
    "¿Cuáles son las partes de una célula?",
    "Combien de côtés a un hexagone ?",
    "Wie funktioniert ein Kurbelwellensensor?",
    "विकल्प का अर्थ क्या है?",
    "猫は何をしていますか",
    "우주가 얼마나 큰가요?",
    "كم سعرات في التفاحة؟",
  ])("lets %s pass", (text) => {
    expect(isVolatile(text.normalize("NFC"))).toBe(false);
  });

  it("catches every word of its lists, once listed, alone and in a sentence", () => {
    const words = [...Object.values(volatileWords), ...Object.values(volatileStems)].map((list) => list.split(/,\s*/));
    for (const list of words) expect(new Set(list).size).toBe(list.length);
    for (const word of words.flat().map((word) => word.normalize("NFC"))) {
      expect(word).toMatch(/^[\p{L}\p{M}][\p{L}\p{M}'’ -]*$/u);
      expect([word, isVolatile(word), isVolatile(`¿x ${word}?`)]).toEqual([word, true, true]);
    }
  });
});
