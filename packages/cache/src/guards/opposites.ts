/**
 * Words of which one turns a question into another when it stands for the other: "enable" for "disable", "before" for "after". Each line
 * is a scale with two ends, words of one end to the left of the slash. Written for this list, from nobody's data.
 */
import type { Guard, Marks } from "./guard.ts";
import type { Reading } from "./read.ts";
import { stem } from "./stem.ts";

const scales = `enable activate / disable deactivate
increase raise boost grow rise gain / decrease reduce lower cut shrink drop fall lose decline
add insert append / remove delete subtract drop
open / close shut
opened / closed
start begin launch / stop end finish quit
keep continue / stop quit
leading / trailing following
baby puppy kitten / adult
until / once after
softer soften / harden
bound / unbound
frozen / fresh thawed
fasten / loosen
tighten / loosen
combine / separate
borrower / lender
attacker / victim
first / last final
before / after
earlier / later
early / late
buy purchase / sell
buyer / seller
import / export
importing / exporting
upload / download
encrypt / decrypt
encode / decode
compress zip / decompress extract unzip
serialize / deserialize
install / uninstall
mount / unmount
block / unblock
lock / unlock
pin / unpin
mute / unmute
follow / unfollow
subscribe / unsubscribe
freeze / thaw defrost unfreeze melt
hide / show unhide
merge join combine / split separate divide
push / pull
send / receive
give / take receive
lend / borrow
landlord / tenant
employer / employee
teacher / student pupil
doctor / patient
parent / child
accept / reject decline refuse
allow permit / forbid ban prohibit prevent
approve / reject deny
agree / disagree
appear / disappear
arrive / depart leave
arrival / departure
enter / leave exit
entrance / exit
hire employ / fire dismiss sack
win / lose
winner / loser
pass / fail
succeed / fail
success / failure
success / failing
attach / detach
connect / disconnect
include / exclude
including / excluding except
expand / collapse
ascending / descending
ascend / descend
up / down
upper / lower
upstairs / downstairs
left / right
in / out
inside indoors indoor / outside outdoors outdoor
inner / outer
internal / external
over above / under below beneath
top / bottom
front / back rear
forward forwards / backward backwards
horizontal / vertical
horizontally / vertically
clockwise / counterclockwise anticlockwise
north northern / south southern
east eastern / west western
high / low
higher / lower
highest / lowest
tall taller tallest / short shorter shortest
long / short
longer / shorter
longest / shortest
big bigger biggest large larger largest / small smaller smallest little tiny
wide / narrow
thick / thin
thicken / thin
deep / shallow
deepest / shallowest
heavy / light
heavier / lighter
heaviest / lightest
hot warm / cold cool
hotter warmer / colder cooler
hottest warmest / coldest coolest
heat / cool chill
heating / cooling
wet / dry
hard / soft
harder / softer easier
strong / weak
stronger / weaker
strengthen / weaken
fast quick faster quicker fastest quickest / slow slower slowest
speed / slow
accelerate / decelerate brake
cheap cheaper cheapest inexpensive affordable / expensive pricey costly dearest
cheaper / dearer
cheapest / dearest
rich wealthy / poor
old elderly older elder oldest / young younger newer youngest newest
old / new
ancient / modern
new / used secondhand
good / bad
better / worse
best / worst
advantage benefit pro strength / disadvantage drawback con weakness
positive / negative
plus / minus
true / false
legal lawful / illegal unlawful
moral / immoral amoral
safe / dangerous unsafe
harmless / harmful
healthy / unhealthy
possible / impossible
likely / unlikely
certain / uncertain
known / unknown
common / rare uncommon
usual normal / unusual abnormal
typical / atypical
regular / irregular
symmetric symmetrical / asymmetric asymmetrical
reversible / irreversible
renewable / nonrenewable
toxic poisonous / nontoxic
visible / invisible
tangible / intangible
saturated / unsaturated
stable / unstable
balanced / unbalanced
signed / unsigned
sorted / unsorted
ordered / unordered
supervised / unsupervised
structured / unstructured
hydrated / dehydrated
overvalued / undervalued
overweight / underweight
overfitting / underfitting
overload / underload
paid / unpaid
married / single unmarried divorced
alive living / dead
birth born / death died
life / death
married / divorced
marry / divorce
wedding / divorce funeral
male / female
man / woman
men / women
boy / girl
boys / girls
husband / wife
father dad / mother mom
son / daughter
brother / sister
uncle / aunt
king / queen
grandfather grandpa / grandmother grandma
boyfriend / girlfriend
actor / actress
adult / child kid
adults / children kids
day / night
daytime / nighttime
morning / evening
am / pm
morning / afternoon
sunrise / sunset
summer / winter
spring / fall
yesterday / tomorrow
past / future
ago / ahead
previous / next
beginner novice / expert advanced
basic / advanced
simple easy / difficult hard complicated complex
easier simpler / harder
public / private
local / global remote
national / international
domestic / foreign
native / foreign
urban / rural
city / countryside
major / minor
majority / minority
maximum max most / minimum min least
maximize / minimize
more / less fewer
many / few
always / never
everything / nothing
everyone everybody / nobody
all every / none some any
both / either neither
and / or
with / without
together / separately alone
full / empty
fill / empty
filled / empty
present / absent
presence / absence
attend / skip miss
remember / forget
love like / hate dislike
friend / enemy
happy / sad unhappy
happier / sadder
calm / anxious nervous
quiet silent / loud noisy
bright / dark dim
black / white
clean / dirty
clear / cloudy
sharp / blunt dull
smooth / rough
sweet / sour bitter savory
raw / cooked
fresh / stale rotten
ripe / unripe
acidic acid / alkaline
acute / chronic
benign / malignant
systolic / diastolic
prescription / overcounter
symptom / treatment
cause / effect consequence
question / answer
ask / answer
problem / solution
attack / defend
attacker / defender
attack / defense
offensive / defensive
war / peace
guilty / innocent
plaintiff / defendant
prosecution / defense
victim / perpetrator
supply / demand
debit / credit
debtor / creditor
asset / liability
income revenue / expense expenditure
profit / loss
surplus / deficit
gross / net
bull bullish / bear bearish
inflation / deflation
inflate / deflate
deposit / withdraw
deposit / withdrawal
save / spend
saving / spending
earn / spend
fixed / variable
wholesale / retail
customer / supplier
client / server
input / output
read / write
reader / writer
frontend / backend
sender / recipient receiver
source / destination target
parse / format
compile / decompile
static / dynamic
mutable / immutable
synchronous sync / asynchronous async
online / offline
wired / wireless
analog / digital
manual manually / automatic automatically
optional / mandatory required compulsory
formal / informal casual
serious / funny humorous
polite / rude
brief briefly short concise / detailed long
singular / plural
active / passive
active / inactive
consonant / vowel
prefix / suffix
synonym / antonym
uppercase / lowercase
capitalize / lowercase
verb / noun
fiction / nonfiction
protagonist / antagonist
hero / villain
odd / even
numerator / denominator
multiply / divide
multiplication / division
addition / subtraction
add / subtract
sum / difference
integrate / differentiate
integral / derivative
convex / concave
parallel / perpendicular series
exothermic / endothermic
anode / cathode
proton / electron
solid / liquid
boil / freeze
evaporate / condense
expand / contract
absorb / emit reflect
predator / prey
carnivore / herbivore
deciduous / evergreen
annual / perennial
freshwater / saltwater
land / sea
plant / harvest
sow / reap harvest
inhale / exhale
push / pull
throw / catch
sit / stand
asleep / awake
sleep / wake
gain / lose
bulk / cut
vegan vegetarian / carnivore
arrivals / departures
oneway / roundtrip
outbound / inbound return
sunny / rainy
zoom / shrink
turn / return
emigrate / immigrate
emigration / immigration
optimist optimistic / pessimist pessimistic
introvert introverted / extrovert extroverted
inductive / deductive
qualitative / quantitative
subjective / objective
theory theoretical / practice practical
explicit / implicit
direct / indirect
literal / figurative
literally / figuratively
concrete / abstract
temporary / permanent
temporarily / permanently
partial / complete full
partially / completely
approximately / exactly
rough / exact precise
simple / compound
finite / infinite
rational / irrational
dependent / independent
relevant / irrelevant
responsible / irresponsible
patient / impatient
perfect / imperfect
mature / immature
secure / insecure
sane / insane
adequate / inadequate
complete / incomplete
correct / incorrect wrong
accurate / inaccurate
sensitive / insensitive
visible / hidden
efficient / inefficient
effective / ineffective
convenient / inconvenient
formal / colloquial
honest / dishonest
obey / disobey
trust / distrust mistrust
like / unlike
able / unable
fair / unfair
familiar / unfamiliar
fortunate lucky / unfortunate unlucky
pleasant / unpleasant
popular / unpopular
successful / unsuccessful
available / unavailable
comfortable / uncomfortable
conscious / unconscious
employed / unemployed
equal / unequal
finished / unfinished
friendly / unfriendly hostile
limited / unlimited
reliable / unreliable
stable / volatile
tie / untie
dress / undress
pack / unpack
load / unload
plug / unplug
wrap / unwrap
do / undo
undo / redo
cover / uncover
fold / unfold
roll / unroll
select / deselect
check / uncheck
register / unregister deregister
archive / unarchive restore
ban / unban
friend / unfriend
tag / untag
assemble / disassemble dismantle
qualify / disqualify
obey / violate
respect / disrespect
prove / disprove
encourage / discourage
increase / freeze
upgrade / downgrade
uphill / downhill
uptime / downtime
upload / stream
overestimate / underestimate
over / under
superior / inferior
senior / junior
master / slave
leader / follower
host / guest
speaker / listener
author / reader
producer / consumer
manufacturer / consumer
predecessor / successor
ancestor / descendant
winner / runnerup
ceiling / floor
roof / floor
north / east
south / west`;

interface Pole {
  readonly scale: number;
  readonly end: number;
}

const poles: ReadonlyMap<string, readonly Pole[]> = readScales();

function readScales(): ReadonlyMap<string, readonly Pole[]> {
  const found = new Map<string, Pole[]>();
  for (const [scale, line] of scales.split("\n").entries()) {
    for (const [end, words] of line.split(" / ").entries()) {
      for (const word of words.trim().split(" ")) {
        const known = found.get(stem(word)) ?? [];
        known.push({ scale, end });
        found.set(stem(word), known);
      }
    }
  }
  return found;
}

/** A mark is twice the scale's number, plus 1 for its other end. */
export const opposites: Guard = {
  name: "antonym",
  note: (reading) => polesOf(reading).toSorted((a, b) => a - b),
  agree: (now, stored) => !onlyOpposed(now, stored) && !onlyOpposed(stored, now),
};

function polesOf({ tokens }: Reading): number[] {
  const marks = new Set<number>();
  for (const { kind, text } of tokens) {
    if (kind !== "word") continue;
    for (const { scale, end } of poles.get(stem(text)) ?? []) marks.add(2 * scale + end);
  }
  return [...marks];
}

/** onlyOpposed finds an end that only one has, whose other end only the other has. */
function onlyOpposed(one: Marks, other: Marks): boolean {
  for (const mark of one) if (!other.includes(mark) && other.includes(mark ^ 1) && !one.includes(mark ^ 1)) return true;
  return false;
}

/** areOpposed tells whether two words are the two ends of a scale. */
export function areOpposed(one: string, other: string): boolean {
  const ends = poles.get(stem(other));
  return poles.get(stem(one))?.some(({ scale, end }) => ends?.some((pole) => pole.scale === scale && pole.end !== end)) ?? false;
}
