/**
 * Words that ask the same in most questions, one group a line, and phrases that stand for one word. Written for this list, from nobody's
 * data. A hint for the pair verifier, never a reason to serve by itself: "fix" is not always "repair".
 */
import { stem } from "../guards/stem.ts";

const groups = `make create build produce prepare craft
write draft compose pen author
generate produce create
give provide offer supply
show display list present
list enumerate name
tell explain describe clarify elaborate
suggest recommend propose advise
suggestion recommendation idea tip proposal advice hint
tip trick advice hint pointer suggestion
find locate discover identify
search find look
get obtain acquire receive
remove delete erase eliminate clear purge clean
fix repair mend solve resolve correct
stop quit cease halt end
prevent avoid stop
keep retain maintain preserve
keep store
start begin commence launch
boot start startup
run execute launch
finish end complete conclude
close shut
buy purchase get
cost price charge fee
price rate fee cost
cheap inexpensive affordable budget lowcost
expensive costly pricey dear
big large huge great
small little tiny
fast quick rapid speedy
quickly fast rapidly
quicken speed accelerate
good great nice fine decent
best top ideal optimal
better improved superior
bad harmful unhealthy dangerous unsafe poor
harmful dangerous unsafe damaging hazardous bad
safe harmless secure
safe ok okay
ok okay fine alright acceptable
legal lawful allowed permitted
allowed permitted ok okay
may can
allow permit let enable
forbidden prohibited banned illegal
must should need have
need require
required mandatory necessary needed compulsory obligatory
important essential crucial key significant vital
difficult hard tough challenging tricky
easy simple straightforward
easily simply
basic simple elementary
difference distinction differ distinguish
differ difference different
different distinct
similar alike same
same identical equal
compare contrast comparison
meaning definition mean signify
mean stand signify
define definition mean
sign symptom indication
cause reason trigger
cause lead
reason cause why
effect impact influence consequence
affect impact influence
result outcome consequence
purpose function role point use goal
function role purpose job
use utilize employ apply
use usage
way method approach technique manner
method technique procedure
step instruction stage procedure guide
guide tutorial walkthrough manual howto instruction
process procedure
work function operate
plan schedule itinerary
plan strategy
schedule timetable
goal aim objective target
advantage benefit pro upside plus
disadvantage drawback con downside minus
benefit advantage perk
kind type sort
part component element piece section
job work position role occupation post
job career profession
boss manager supervisor
colleague coworker
employee worker staff
employer company
company firm business
salary pay wage
resign quit leave
lawyer attorney solicitor
doctor physician
teacher instructor
child kid youngster
baby infant newborn
toddler child
teenager teen adolescent
person human people individual
man guy
woman lady
father dad daddy
mother mom mommy
grandmother grandma granny
grandfather grandpa
wife spouse partner
husband spouse partner
girlfriend partner
friend buddy pal
dog puppy
cat kitten
house home
apartment flat home
room bedroom
yard garden
car automobile vehicle auto
bike bicycle cycle
bike cycling
plane airplane aircraft
truck lorry
train railway
street road
shop store
supermarket grocery
restaurant eatery
meal dish food
dish recipe
dinner supper
drink beverage
eat consume
cook prepare
trip journey travel
visit see
vacation trip
hotel accommodation
luggage baggage suitcase
pic picture image photograph
movie film
song track
book novel
story tale
poem verse
essay paper
letter note message
email mail message
message text note
call telephone phone ring
telephone phone smartphone mobile cellphone
computer pc laptop machine
laptop notebook computer
app application program
program application software
code script program snippet
function method
bug error issue problem
error exception failure
problem issue trouble
question query
answer reply response
reply respond answer
ask request inquire
file document
folder directory
picture photo
screen display monitor
terminal shell console commandline
internet web online
website site webpage
password passcode
account profile
setting configuration option preference
setup configure install
update upgrade
change modify alter edit adjust
convert transform turn change translate
replace substitute swap
alternative option substitute replacement
choose select pick
combine merge join
split divide
calculate compute determine work
determine find calculate
number amount quantity count
check verify test
verify check confirm
test check exam
test examination quiz
improve enhance better increase boost
increase raise boost grow
reduce lower decrease cut minimize
reduce lessen
learn study
understand grasp
know tell
know find
memorize remember
remember recall
forget overlook
think believe
like enjoy
love adore
want wish would
help assist aid support
protect secure guard
healthy good
sick ill unwell
illness disease sickness condition
medicine medication drug
pill tablet
pain ache hurt
injury wound
cure treat heal
heal recover cure
recover recovery heal
treat treatment
treatment therapy
exercise workout training
train practice
tired exhausted sleepy fatigue
dizzy lightheaded
scared afraid frightened
angry mad furious
sad unhappy
happy glad
anxious nervous worried
nervousness nerves anxiety
bored boring
funny humorous amusing hilarious
joke pun
amuse entertain
pretty beautiful attractive
ugly unattractive
rich wealthy
poor broke
old aged elderly
young youthful
new recent
last latest recent final
current present
previous prior former last
next following upcoming
famous renowned wellknown popular
popular common
common frequent usual typical normal
normal usual typical regular ordinary
usually normally typically generally
often frequently regularly
rarely seldom
always constantly
currently now
immediately instantly
finally eventually
maybe perhaps possibly
possible doable
probability chance likelihood odds
likely probable
total sum overall
average mean
whole entire complete full
all every each
several some few
many much lots
several multiple
both two
big major
main primary chief key
country nation state
city town
population inhabitant people
inhabitant population resident
resident tenant inhabitant
citizen national
government state
law legislation rule
rule regulation law
right entitlement
entitled right eligible
eligible qualify entitled
tax taxation
money cash fund
loan credit
debt owe
lease contract rent
contract agreement
insurance coverage cover
bill invoice
refund reimbursement
pay payment
discount reduction
gift present
birthday anniversary
party celebration
wedding marriage
celebrate celebration
invite invitation
guest visitor
meeting appointment
meeting conference
agenda plan
summary overview recap
summarize summary condense shorten
summarize recap
short brief concise
long lengthy
detailed thorough comprehensive
outline structure
heading title
title name
headline title
term expression phrase word
expression saying idiom
sentence phrase
paragraph passage
synonym alternative
translate translation
rewrite rephrase reword paraphrase
proofread correct check
polite courteous
politely courteously nicely
kind nice
friendly warm
formal professional
beginner novice newbie newcomer starter
expert professional
student pupil
school college
university college
class course lesson
assignment homework task
grade mark
essay composition
topic subject theme
chapter section
history past
origin begin come
origin source
origin etymology
century era
year annual annually yearly
month monthly
week weekly
day daily
daily everyday
hour hourly
born birth
die death pass
kill murder
war conflict
battle fight
win victory
beat defeat win
lose loss
leader head
king monarch
president leader
invent inventor
invent create
building structure
wall fence
floor ground
kitchen cook
fridge refrigerator
freezer freeze
oven bake
bake roast
pan pot
clean wash
dirty filthy
stain spot mark
smell odor stink
trash garbage waste
throw discard dispose
grow plant cultivate
flower bloom
tree plant
water irrigate
soil ground earth
bug insect
pest insect
animal creature
weather climate
rain rainfall
temperature heat
heat warm
hot warm
cold chilly
dry arid
wet damp
sun sunlight
earth planet
space universe
star sun
distance far
height tall high
deep depth
length long
width wide
weight weigh heavy
age old
size big
speed fast
near close nearby
next beside
inside within
above over
below under
during while
because since
since from
also too
however but
only just
maximum max most
minimum min least
example instance sample
template sample
format style
table chart
chart graph diagram
image illustration
color shade
shape form
line row
column field
list array
dictionary map hashmap
string text
integer int number
variable value
value number
loop iterate
sort order
sorted ordered
reverse invert
parse read
print output
input enter
log record
save store
send transmit
upload send
download get
share send
copy duplicate
paste insert
add append insert
attach add
connect link join
link url
request query
server host
database table
branch fork
commit revision
deploy release publish
version release
container pod
cluster group
group team
member participant
player athlete
game match
sport game
team squad
score point
gear equipment
tool instrument
device gadget machine
battery charge
charge load
broken damaged defective
broken fractured
fracture break
crash fail
stuck jammed
blocked clogged
unclog unblock free
leak drip
leaking dripping
noise sound
loud noisy
quiet silent
lift raise
carry bring take
put place
place location spot
move shift
move relocate
push press
hit strike
touch tap
hold keep
drop fall
collapse fall
rise increase
climb ascend
walk stroll
run jog
jump leap
swim swimming
drive ride
fly flight
park parking
stay remain
leave depart
arrive reach come
reach arrive get
return back
go travel
wait await
look seem appear
see view
watch view
hear listen
say speak tell
talk speak chat
discuss talk
argue dispute
argument dispute
complain complaint
apologize sorry apology
thank gratitude
decline refuse reject
accept agree
decide choose
decision choice
choice option
opinion view
fact information
information detail
data information
news information
secret hidden
hidden invisible
public open
free gratis
free complimentary
handle manage deal
cope deal handle
happen occur
continue keep
try attempt
become turn
contain include have
consist made
comprise include
belong part
own have
lack miss
lost missing
enough sufficient
extra additional
another other
special particular
particular specific
certain sure
true real
right correct
wrong incorrect
false wrong
raw uncooked
fresh new
iron ferrous
deficiency lack low
blood hematologic
pressure hypertension
heart cardiac
pulse heartbeat
stomach belly tummy
throat pharynx
cold flu
fever temperature
vaccine jab shot vaccination
pregnant pregnancy expecting
surgery operation
hospital clinic
dentist dental
tooth teeth dental
skin dermal
hair haircut
sleep asleep
nap sleep
snore snoring
dream nightmare
vegan plantbased
vegetarian meatless
meat beef
beef steak
pork ham
shrimp prawn
eggplant aubergine
zucchini courgette
chickpea garbanzo
cookie biscuit
candy sweet
soda pop
fry chip
couch sofa
rug carpet
curtain drape
faucet tap
sink basin
toilet bathroom restroom
lavatory toilet
closet wardrobe cupboard
cupboard cabinet
drawer cabinet
lamp light
bulb light
blanket cover
pillow cushion
jacket coat
shirt tee
pants jeans
sneaker shoe trainer
shoe boot
hat cap
glasses spectacles
watch clock
ring band
necklace jewelry
purse wallet bag
bag backpack
umbrella parasol
nickname name
surname name
timid shy
clumsy awkward
clever smart intelligent
stupid dumb
lazy idle
brave courageous
scary frightening spooky
weird strange odd
sluggish slow
slowly gradually
suddenly abruptly
exactly precisely
approximately about roughly around
nearly almost
completely entirely fully totally
really truly
properly correctly
vacancy job opening
ad advertisement posting
resume cv
cover application
application apply
interview conversation
candidate applicant
hire recruit employ
fire dismiss sack
promote promotion
retirement retire pension
duty responsibility
skill ability
quality trait characteristic
characteristic trait feature
property characteristic
habit routine
behavior conduct
mood feeling
feeling emotion
feel feeling
hunger hungry
thirst thirsty
regulate control
manage control
operate run
govern rule
border neighbor
capital city
currency money
language tongue
accent pronunciation
pronounce pronunciation say
spell spelling
grammar syntax
comma punctuation
plural pluralize
pollution contamination
recycle reuse
environment nature
nature wild
energy power
electricity power
gasoline fuel
oil petroleum
gold golden
silver silvery
wood wooden timber
metal metallic
glass crystal
plastic polymer
paper sheet
stone rock
sand sandy
mountain peak mount
peak summit
hill mountain
river stream
lake pond
sea ocean
beach coast shore
island isle
forest wood
desert arid
moon lunar
solar sun
planet world
world globe earth
ancient old
medieval middle
modern contemporary
revolution uprising
rebellion uprising
treaty agreement
empire kingdom
ruler monarch
throne crown
opera musical
composer musician
paint painting
painting picture artwork
artist painter
sculpture statue
museum gallery
concert gig show
band group
singer vocalist
sing song
dance dancing
actor performer
director filmmaker
direct director
writer author
poet writer
publish print
newspaper paper
journal magazine
science scientific
scientist researcher
research study investigation
investigate examine
examine inspect
experiment trial
theory hypothesis
law principle
formula equation
prove show proof
graph plot
plot story
area surface
volume capacity
angle corner
circle round
square quadratic
triangle triangular
root zero
fraction ratio
ratio proportion
percent percentage
multiply times
plus add
subtract minus less
integer whole
prime primary
random arbitrary
dice die
coin toss
card deck
bet wager
lottery raffle
luck fortune
marketing advertising
customer client
product item
order purchase
delivery shipping
parcel package
deliver ship
stock inventory
stock share
invest investment
bank lender
interest rate
mortgage loan
budget spending
spending expense
expense cost
income earnings
earn make
profit gain
revenue income turnover
startup business
founder creator
brand label
logo emblem
slogan tagline
campaign drive
sales selling
sell sale
sale discount
deal bargain
negotiate bargain
deadline due
late delayed
delay late
cancel cancellation
postpone delay
reschedule move
remind reminder
inform notify tell
announce announcement
announcement notice
warn warning
warning alert
report statement
feedback comment
comment remark
review evaluation
evaluate assess
rate rank
rank order
rating score
criterion standard
standard norm
policy rule
permission authorization
login signin
logout signout
register signup
subscribe subscription
unsubscribe cancel
password credential
hack compromise
hacked compromised
virus malware
spam junk
backup copy
restore recover
sync synchronize
encrypt encode
lock secure
unlock open
reset restore
restart reboot
freeze hang
lag slow
offline disconnected
online connected
wifi wireless
router modem
cable wire
plug socket
socket outlet
headphone earphone
speaker loudspeaker
microphone mic
camera cam
video clip
stream broadcast
playlist list
game videogame
console gaming
keyboard keys
mouse cursor
click press
scroll move
tab page
page site
window pane
button key
menu list
icon symbol
symbol sign
font typeface
bold strong
italic slanted
highlight mark
underline mark
bullet point
table grid
spreadsheet sheet excel
cell field
formula function
slide presentation
presentation talk slides
talk presentation speech
speech talk address
lecture talk
audience listener
introvert introverted
nursing care
adolescence teenage
sibling brother
cousin relative
relative family
family household
neighborhood area district
region area
zone area
local nearby
abroad overseas
foreign overseas
immigrant migrant
visa permit
permit license
passport document
ticket fare
seat place
airport terminal
airline carrier
compensation refund
layover stopover
itinerary route
route path
map chart
direction way
distance range
camp camping
tent camp
hiking hike trek
trail path
climb climbing
ski skiing
swim pool
fishing fish
hunt hunting
race competition
competition contest
tournament competition
championship title
medal prize
prize award
trophy prize
referee umpire
coach trainer
gymnasium gym
muscle muscular
stretch stretching
flexibility flexible
weight mass
diet nutrition
calorie energy
protein amino
vitamin supplement
fiber roughage
sugar glucose
salt sodium
fat lipid
oil fat
butter margarine
milk dairy
cheese dairy
bread loaf
flour meal
dough batter
yeast leaven
spice seasoning
herb seasoning
sauce dressing
soup broth
broth stock
salad greens
dessert sweet
cake pastry
pie tart
chocolate cocoa
coffee espresso
tea brew
beer ale
wine vino
cocktail drink
juice drink
sober abstinent
drunk intoxicated
hangover crapulence
smoke smoking
cigarette tobacco
addiction dependence
addicted hooked
therapy counseling
therapist counselor psychologist
psychiatrist psychologist
stress tension
depression sadness
anxiety fear
fear phobia
panic anxiety
insomnia sleeplessness
allergy allergic
asthma asthmatic
infection infectious
infectious contagious
bacteria germ
virus viral
cough coughing
sneeze sneezing
rash irritation
itch itchy
swelling swollen
bleed bleeding
bruise contusion
burn scald
sunburn burn
blister sore
wound cut
bandage dressing
emergency urgent
ambulance paramedic
nurse caregiver
patient sufferer
diagnosis diagnose
scan imaging
screening test
checkup examination
appointment visit
prescription prescribed
dose dosage
side adverse
overdose excess
excess surplus
shortage lack
scarce rare
abundant plentiful
lot many
loads many
plenty many
couple two
pair two
twice double
half semi
quarter fourth
third tertiary
once one
single one
alone single
together jointly
separately individually
apart separate
instead rather
otherwise else
else other
besides except
except excluding
excluding without
including with
despite although
although though
while whereas
until till
when once
whenever when
where place
who person
whom who
whose who
which what
how way
attach fasten fix mount secure connect
mention name list state
bite gnaw chew
erase wipe delete clear
gather collect assemble
goodbye farewell
wise smart sensible
strong powerful
perfect ideal
rinse wash
journalist reporter
footwear shoes
baptism christening
chicken hen
football soccer
obese overweight
located situated
kill terminate stop
calm soothe relax settle
enlarge bigger increase
grandchild grandson granddaughter
employer boss
reach contact
construct assemble build
scammer fraudster conman
scam fraud
recover retrieve
oral verbal spoken
admission entry entrance
gather meet
brilliant excellent outstanding great
address raise handle
opening first initial introductory starter
tram streetcar
underground subway metro tube
pram stroller buggy
windscreen windshield
bonnet hood
boot trunk
bill check
queue line
mobile cellphone handset
trainers sneakers
caravan trailer
cooker stove
hob stovetop
tin can
packet pack
sweets candy
crisps chips
chips fries
pudding dessert
tea dinner
term semester
marks grades
headteacher principal headmaster
post mail
postcode zip
barrister attorney
estate realtor
pharmacy chemist drugstore
plaster bandaid
surgery practice
bright clever
rude impolite
honest truthful frank
brief quick
huge enormous massive
tiny minuscule
awful terrible horrible dreadful
delicious tasty yummy
tasty flavorful
broken faulty
cracked split
torn ripped
dangerous risky hazardous
risky unsafe
odd unusual peculiar
usual customary
noise racket
crowd mass
gap space
hole opening
edge border rim
corner nook
middle center
bottom base
top peak
rear back
frequency often
duration long
length duration
maximum upper
ban prohibit forbid
oblige force
must obliged
ought should
warn caution
demand require
insist demand
beg plead
invite ask
welcome greet
greet hello
greeting hello
praise compliment
criticize criticism
insult offend
blame accuse
accuse charge
sue litigate
punish penalize
penalty fine punishment
fine ticket penalty
reward prize
earn gain
spend use
waste squander
borrow loan
repay reimburse
owe due
afford pay
gift donate
donate donation give
volunteer help
rescue save
risk danger
danger peril
threat danger
hurt harm damage
destroy ruin
ruin spoil
spoil rot
rot decay
decay decompose
rust corrode
melt liquefy
freeze solidify
boil simmer
simmer stew
fry saute
grill barbecue
chop cut slice
mince grind
grind mill
stir mix
mix blend combine
whisk beat
knead work
peel skin
soak steep
marinate soak
season flavor
flavor taste
smell scent aroma
scent fragrance perfume
touch feel
feel sense
sense perceive
notice spot
spot see
watch observe
observe monitor
monitor track
track follow
follow pursue
chase pursue
hunt search
seek look
explore discover
examine check
inspect check
measure gauge
estimate guess
predict forecast
forecast prediction
expect anticipate
hope wish
dream wish
plan intend
intend mean
aim intend
practice rehearse
perform do
perform execute
achieve accomplish reach
succeed manage
fail flunk
win triumph
compete contend
participate join
attend visit
visit tour
tour trip
commute travel
drive motor
board enter
enter access
access open
exit leave quit
escape flee
hide conceal
reveal show
show demonstrate
display exhibit
exhibit exhibition
illustrate show
depict show
portray depict
represent stand
symbolize represent
imply mean
indicate show
point indicate
refer mention
quote cite
copy reproduce
imitate copy
simulate imitate
pretend act
act behave
react respond
reaction response
cause provoke
form make
develop create
develop build
develop evolve
extend lengthen
expand grow
shrink reduce
trim cut shorten
crop cut
adjust tweak
tweak modify
tune adjust
customize personalize
upgrade improve
optimize improve
refine improve
polish refine
tidy clean
organize arrange
arrange order
sort arrange
classify categorize
categorize group
label tag
tag mark
mark label
sign mark
post publish
upload post
share post
chat message
forward send
dispatch send
ship send
deliver bring
retrieve get fetch
load open
close end
abort cancel
revert undo rollback
delete drop
truncate empty
empty clear
fill populate
embed insert
exclude omit
omit skip
ignore disregard
allow support
support handle
troubleshoot fix debug
diagnose troubleshoot
investigate debug
crash die
freeze stuck
speed performance
memory ram
storage disk
disk drive
plugin extension addon
library package module
framework library
dependency library
variable parameter
parameter argument
class type
object instance
property attribute
element item
item entry
entry record
record row
dataset data
schema structure
endpoint route
token key
key password
secret password
certificate cert
firewall filter
network net
bandwidth speed
latency delay
timeout delay
thread process
process task
job task
task work
cron scheduler
pipeline workflow
workflow process
issue ticket
review check
approve accept
conflict clash
bug defect
defect fault
patch fix
workaround fix
hack trick
shortcut hotkey
cheatsheet summary
basics fundamentals
beginner basic
overview introduction
introduction intro
intro opening
conclusion ending
abstract summary
thesis dissertation
argument reason
evidence proof
claim assertion
debate discussion
speech toast
greeting salutation
closing ending
signature sign
theme motif
character figure
plot storyline
setting scene
moral lesson
rhyme verse
verse stanza
lyrics words
melody tune
beat rhythm
tempo speed
chord harmony`;

const phrases = `how come:why
what is the reason:why
for what reason:why
what causes:why
what makes:why
what is the way:how
what is the best way:how
what is a good way:how
in what way:how
how can i:how
how could i:how
how should i:how
how do i:how
how do you:how
how does one:how
how to:how
what can i do to:how
what do i do to:how
what should i do to:how
is there a way to:how
is there any way to:how
what steps:how
get rid of:remove
take off:remove
take out:remove
turn on:enable
switch on:enable
turn off:disable
switch off:disable
shut down:shutdown
set up:setup
log in:login
sign in:login
sign up:register
log out:logout
sign out:logout
start up:boot
find out:find
look for:find
look up:find
figure out:find
work out:calculate
carry out:do
deal with:handle
put up with:tolerate
come up with:suggest
think of:suggest
make up:invent
give up:quit
go back:return
get back:return
give back:return
pay back:repay
throw away:discard
fill in:complete
fill out:complete
hand in:submit
turn in:submit
take care of:care
look after:care
care for:care
put off:postpone
call off:cancel
point out:show
go bad:spoil
go off:spoil
break down:fail
blow up:explode
pass away:die
a lot of:many
lots of:many
plenty of:many
a couple of:few
a few:few
the number of:many
how many:many
number of:many
how much:much
as well as:and
in addition to:and
instead of:rather
in place of:rather
because of:due
due to:due
in spite of:despite
in front of:before
prior to:before
next to:beside
close to:near
at the moment:now
right now:now
these days:now
every day:daily
each day:daily
per day:daily
a day:daily
every week:weekly
per week:weekly
a week:weekly
once a week:weekly
every month:monthly
per month:monthly
a month:monthly
every year:yearly
per year:yearly
a year:yearly
command line:terminal
command prompt:terminal
living room:livingroom
sitting room:livingroom
cell phone:telephone
mobile phone:telephone
smart phone:telephone
question and answer:q&a
chief executive officer:ceo
world war two:ww2
world war ii:ww2
world war 2:ww2
second world war:ww2
world war one:ww1
world war 1:ww1
first world war:ww1
artificial intelligence:ai
machine learning:ml
user interface:ui
virtual machine:vm
operating system:os
pull request:pr
merge request:mr
united states of america:united_states
united states:united_states
united kingdom:united_kingdom
european union:european_union
united nations:un
new york:nyc
new york city:nyc
los angeles:la
social media:socialmedia
credit card:creditcard
part time:parttime
full time:fulltime
high school:highschool
ice cream:icecream
star sign:zodiac
zodiac sign:zodiac
pay increase:raise
pay rise:raise
salary increase:raise
post office:postoffice
run away:flee
at home:home
by myself:alone
on my own:alone
by itself:alone
is it safe:safe
is it ok:ok
is it okay:ok
is it fine:ok
is it legal:legal
is it allowed:legal
is it possible:possible
am i allowed:may
are you allowed:may
am i entitled:entitled
do i have to:must
do i need to:must
should i:should
what does:mean
stand for:mean
made of:made
made from:made
consist of:made
consists of:made
differ from:difference
difference between:difference
compared to:versus
compared with:versus
in comparison to:versus
look like:like
such as:like
for example:example
for instance:example
pros and cons:proscons
advantages and disadvantages:proscons
benefits and drawbacks:proscons
ups and downs:proscons
upsides and downsides:proscons`;

const ids: ReadonlyMap<string, readonly number[]> = readGroups();

function readGroups(): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const [group, line] of groups.split("\n").entries()) {
    for (const word of line.split(" ")) {
      const key = stem(word);
      const known = found.get(key);
      if (known === undefined) found.set(key, [group]);
      else known.push(group);
    }
  }
  return found;
}

/** areSynonyms tells whether two stems are in one group. */
export function areSynonyms(one: string, other: string): boolean {
  const groupsOfOther = ids.get(other);
  return groupsOfOther !== undefined && (ids.get(one)?.some((group) => groupsOfOther.includes(group)) ?? false);
}

/** phraseTable by first word: the other words, and what they stand for; longer phrases first. */
export const phraseTable: ReadonlyMap<string, readonly { readonly rest: readonly string[]; readonly word: string }[]> = readPhrases();

function readPhrases() {
  const found = new Map<string, { readonly rest: readonly string[]; readonly word: string }[]>();
  for (const line of phrases.split("\n")) {
    const [phrase, word] = line.split(":") as [string, string];
    const [first, ...rest] = phrase.split(" ") as [string, ...string[]];
    const known = found.get(first);
    if (known === undefined) found.set(first, [{ rest, word }]);
    else known.push({ rest, word });
  }
  for (const list of found.values()) list.sort((a, b) => b.rest.length - a.rest.length);
  return found;
}
