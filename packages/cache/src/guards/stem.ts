/** stem takes English endings off a word in lower case, so that "swims", "swimming" and "swim" meet. Rough on purpose; never shorter than three letters. */
export function stem(word: string): string {
  if (word.length < 4 || /[^a-z]/.test(word)) return word;
  const irregular = forms.get(word);
  if (irregular !== undefined) return irregular;
  if (word.endsWith("ies") && word.length > 4) return `${word.slice(0, -3)}y`;
  if (word.endsWith("ied") && word.length > 4) return `${word.slice(0, -3)}y`;
  if (/(?:ss|x|z|ch|sh)es$/.test(word)) return word.slice(0, -2);
  if (word.endsWith("s") && !/(?:ss|us|is|ous)$/.test(word)) return ending(word.slice(0, -1));
  return ending(word);
}

/** ending takes -ing and -ed off: "stopping" and "stopped" are "stop", "baking" and "baked" are "bak" as "bake" is. */
function ending(word: string): string {
  const rest =
    word.endsWith("ing") && word.length > 5
      ? word.slice(0, -3)
      : word.endsWith("ed") && word.length > 4 && !word.endsWith("eed")
        ? word.slice(0, -2)
        : word;
  if (rest !== word && !/[aeiouy]/.test(rest)) return word;
  if (rest !== word && /([bdgklmnprt])\1$/.test(rest) && !/(?:ll|ss)$/.test(rest)) return rest.slice(0, -1);
  return rest.endsWith("e") && rest.length > 3 ? rest.slice(0, -1) : rest;
}

const forms: ReadonlyMap<string, string> = new Map(
  `went:go gone:go goes:go did:do done:do does:do made:mak had:have has:have wrote:writ written:writ ate:eat eaten:eat bought:buy sold:sell
  lent:lend borrowed:borrow paid:pay said:say told:tell gave:giv given:giv took:tak taken:tak came:com got:get gotten:get ran:run saw:see seen:see
  knew:know known:know grew:grow grown:grow drove:driv driven:driv broke:break broken:break chose:choos chosen:choos spoke:speak
  spoken:speak stole:steal stolen:steal froze:freez frozen:freez wore:wear worn:wear began:begin begun:begin drank:drink drunk:drink
  sang:sing sung:sing swam:swim swum:swim rang:ring rung:ring sank:sink sunk:sink flew:fly flown:fly fell:fall fallen:fall felt:feel left:left
  lost:los kept:keep slept:sleep meant:mean met:meet sent:send spent:spend built:build found:find held:hold heard:hear led:lead
  read:read won:win shot:shoot sat:sit stood:stand understood:understand thought:think taught:teach caught:catch brought:bring fought:fight
  bit:bit bitten:bit hid:hid hidden:hid rode:rid ridden:rid rose:ris risen:ris shook:shak shaken:shak threw:throw thrown:throw tore:tear torn:tear
  woke:wak woken:wak children:child men:man women:woman people:person feet:foot teeth:tooth mice:mous geese:goos wives:wif lives:lif
  knives:knif leaves:leaf halves:half better:better best:best bought:buy died:di dying:di lying:li using:us used:us uses:us`
    .split(/\s+/)
    .map((pair): [string, string] => [pair.slice(0, pair.indexOf(":")), pair.slice(pair.indexOf(":") + 1)]),
);
