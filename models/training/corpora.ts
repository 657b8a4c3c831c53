/**
 * The texts that the embedded model learns from and is judged on, each with its label, style and weight. What they are, who wrote them
 * and under which licence is told in data/README.md and data/NOTICE.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const data = fileURLToPath(new URL("./data/", import.meta.url));

/** Row is one labelled text. */
export interface Row {
  readonly text: string;
  readonly label: string;
  /** "exam", "lexicon", a language code, or a kind of English chat message. */
  readonly style: string;
  readonly source: string;
  readonly weight: number;
}

export const domains = [
  "biology",
  "business",
  "chemistry",
  "computer science",
  "economics",
  "engineering",
  "health",
  "history",
  "law",
  "math",
  "other",
  "philosophy",
  "physics",
  "psychology",
] as const;

/** Messages count more than examination questions: there are fewer of them, and they are what people send. */
const CHAT_WEIGHT = 2;
/** There are very many words, and none of them was ever sent. */
const LEXICON_WEIGHT = 0.4;
/** Intents of CLINC150 that no field of knowledge answers: small talk with and settings of an assistant. */
const SMALL_TALK = new Set([
  "greeting",
  "goodbye",
  "thank_you",
  "tell_joke",
  "fun_fact",
  "are_you_a_bot",
  "what_is_your_name",
  "how_old_are_you",
  "what_are_your_hobbies",
  "where_are_you_from",
  "who_made_you",
  "who_do_you_work_for",
  "do_you_have_pets",
  "what_can_i_ask_you",
  "flip_coin",
  "roll_dice",
  "timer",
  "alarm",
  "reminder",
  "play_music",
  "next_song",
  "what_song",
  "change_language",
  "change_accent",
  "change_speed",
  "change_volume",
  "change_user_name",
  "whisper_mode",
  "text",
  "make_call",
  "weather",
  "time",
  "date",
  "timezone",
  "recipe",
  "ingredient_substitution",
  "restaurant_suggestion",
  "restaurant_reservation",
  "travel_suggestion",
  "book_flight",
  "book_hotel",
  "directions",
  "traffic",
  "shopping_list",
  "todo_list",
  "calendar",
  "translate",
  "yes",
  "no",
  "maybe",
  "repeat",
  "cancel",
  "find_phone",
  "smart_home",
  "user_name",
  "sync_device",
  "reset_settings",
  "meal_suggestion",
  "cook_time",
  "lost_luggage",
  "carry_on",
  "flight_status",
  "uber",
  "share_location",
  "current_location",
  "distance",
]);

interface Stored {
  readonly text: string;
  readonly label: string;
  readonly source?: string;
  readonly style?: string;
}

/** readLines reads one JSON object a line. */
export function readLines<Line>(file: string): Line[] {
  return readFileSync(data + file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

function rows(file: string, weight: number, style?: string): Row[] {
  return readLines<Stored>(file).map(({ text, label, source = file, style: own }) => ({
    text,
    label,
    source,
    weight,
    style: style ?? own ?? "chat",
  }));
}

/** authored are the files that authors wrote for Turnout under briefs of their own; "….dev.jsonl" is never trained on. */
const authored = () =>
  readdirSync(`${data}chat`)
    .filter((name) => name.endsWith(".jsonl"))
    .toSorted();

/** lexicon rows are the words of each field, in many languages. */
function lexicon(): Row[] {
  return readdirSync(`${data}lexicon`)
    .filter((name) => name.endsWith(".json"))
    .toSorted()
    .flatMap((name) => {
      const terms = JSON.parse(readFileSync(`${data}lexicon/${name}`, "utf8")) as Record<string, string[]>;
      const language = name.slice(0, 2);
      return Object.entries(terms).flatMap(([label, list]) =>
        list.map((text) => ({
          text,
          label,
          style: language === "en" ? "lexicon" : language,
          source: `turnout-lexicon/${language}`,
          weight: LEXICON_WEIGHT,
        })),
      );
    });
}

/** smallTalk is a quarter of each intent's texts. */
function smallTalk(): Row[] {
  return readLines<Stored>("clinc150.train.jsonl")
    .filter(({ label }, index) => SMALL_TALK.has(label) && index % 4 === 0)
    .map(({ text }) => ({ text, label: "other", style: "smalltalk", source: "clinc150", weight: 1 }));
}

/** domainTraining is what the domain head learns from. */
export function domainTraining(): Row[] {
  return [
    ...rows("domain.train.jsonl", 1, "exam"),
    ...rows("chat_domain.train.jsonl", CHAT_WEIGHT),
    ...authored()
      .filter((name) => !name.includes(".dev."))
      .flatMap((name) => rows(`chat/${name}`, CHAT_WEIGHT)),
    ...smallTalk(),
    ...lexicon(),
  ];
}

/** domainDevelopment are the sets that thresholds are chosen on and figures given for, by name. */
export function domainDevelopment(): Record<string, Row[]> {
  return {
    exam: rows("domain.dev.jsonl", 1, "exam"),
    chat: rows("chat_domain.dev.jsonl", 1),
    ...Object.fromEntries(
      authored()
        .filter((name) => name.includes(".dev."))
        .map((name) => [`chat-${name.split(".")[0]}`, rows(`chat/${name}`, 1)]),
    ),
  };
}

/** languageOf a row, where its style says so. */
export const languageOf = (row: Row) => (/^[a-z]{2}$/.test(row.style) ? row.style : "en");
