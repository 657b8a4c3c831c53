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
explain describe clarify
suggest recommend propose advise
suggestion recommendation idea tip proposal advice hint
tip trick advice hint pointer suggestion
find locate discover identify
search find look
get obtain acquire receive
remove delete erase eliminate clear purge clean
fix repair mend solve resolve correct
solve resolve
stop quit cease halt end
prevent avoid stop
keep retain maintain preserve
keep store
start begin commence launch
boot start startup
run execute launch
finish end complete conclude
end conclude
close shut
buy purchase get
obtain get
cost price charge fee
cost charge
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
raise increase
resign quit leave
lawyer attorney solicitor
doctor physician
teacher instructor
kid child
child kid youngster
baby infant newborn
toddler child
teenager teen adolescent
person human people individual
people person human
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
food meal
dish recipe
dinner supper
drink beverage
eat consume
cook prepare
trip journey travel
travel journey trip
visit see
vacation trip
hotel accommodation
luggage baggage suitcase
pic picture image photograph
picture image photograph
movie film
song track
book novel
story tale
poem verse
essay paper
letter note message
email mail message
message text note
text message
call telephone phone ring
telephone phone smartphone mobile cellphone
computer pc laptop machine
laptop notebook computer
app application program
program application software
code script program snippet
script program code
function method
bug error issue problem
error exception failure
problem issue trouble
question query
answer reply response
reply respond answer
respond answer
request ask
ask request inquire
file document
folder directory
picture photo
screen display monitor
terminal shell console commandline
console terminal
internet web online
website site webpage
password passcode
account profile
setting configuration option preference
configure setup
install setup
setup configure install
update upgrade
change modify alter edit adjust
convert transform turn change translate
transform convert
replace substitute swap
substitute replacement alternative
alternative option substitute replacement
choose select pick
select choose pick
combine merge join
join combine
split divide
divide split
calculate compute determine work
compute calculate
determine find calculate
count number
number amount quantity count
amount quantity
check verify test
verify check confirm
test check exam
test examination quiz
compare comparison
improve enhance better increase boost
increase raise boost grow
increase improve
decrease reduce lower cut
reduce lower decrease cut minimize
reduce lessen
grow increase
learn study
study learn
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
assist help
support help
protect secure guard
secure protect
healthy good
sick ill unwell
illness disease sickness condition
disease illness condition
medicine medication drug
medication medicine drug
pill tablet
pain ache hurt
hurt ache pain
ache pain
injury wound
cure treat heal
heal recover cure
recover recovery heal
treat treatment
treatment therapy
exercise workout training
workout exercise training
train practice
practice train
tired exhausted sleepy fatigue
sleepy tired
dizzy lightheaded
scared afraid frightened
afraid scared
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
recent latest last
last latest recent final
current present
previous prior former last
next following upcoming
famous renowned wellknown popular
popular common
common frequent usual typical normal
normal usual typical regular ordinary
typical usual
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
chance probability likelihood
likely probable
amount number
total sum overall
sum total
average mean
whole entire complete full
entire whole
all every each
each every
every all
several some few
some few
many much lots
several multiple
both two
big major
main primary chief key
primary main
country nation state
nation country
city town
town city
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
fund money
loan credit
debt owe
rent lease
lease contract rent
contract agreement
agreement contract
insurance coverage cover
bill invoice
invoice bill
refund reimbursement
reimbursement refund
pay payment
discount reduction
gift present
present gift
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
shorten condense
short brief concise
brief short
brief concise
long lengthy
detailed thorough comprehensive
outline structure
heading title
title name
headline title
name title
word term expression
term expression phrase word
phrase expression
expression saying idiom
sentence phrase
paragraph passage
synonym alternative
translate translation
rewrite rephrase reword paraphrase
reword rephrase rewrite
rephrase paraphrase
proofread correct check
correct fix
polite courteous
politely courteously nicely
kind nice
friendly warm
formal professional
professional formal
beginner novice newbie newcomer starter
expert professional
student pupil
school college
university college
class course lesson
course class
lesson class
homework assignment
assignment homework task
task assignment
grade mark
exam test
essay composition
subject topic
topic subject theme
chapter section
history past
origin begin come
origin source
origin etymology
century era
year annual annually yearly
yearly annual
month monthly
week weekly
day daily
daily everyday
hour hourly
born birth
die death pass
death die
kill murder
murder kill
war conflict
battle fight
fight battle
win victory
victory win
defeat beat
beat defeat win
lose loss
leader head
king monarch
president leader
invent inventor
invent create
discover find
build construct
construct build
building structure
wall fence
floor ground
kitchen cook
fridge refrigerator
freezer freeze
oven bake
bake roast
roast bake
pan pot
pot pan
clean wash
wash clean
dirty filthy
stain spot mark
smell odor stink
odor smell
trash garbage waste
garbage trash
throw discard dispose
dispose discard
plant grow
grow plant cultivate
flower bloom
tree plant
water irrigate
soil ground earth
bug insect
pest insect
animal creature
creature animal
weather climate
rain rainfall
temperature heat
heat warm
warm heat
hot warm
cold chilly
dry arid
wet damp
sun sunlight
earth planet
space universe
star sun
distance far
far distance
height tall high
tall height high
high height
deep depth
depth deep
length long
long length
width wide
wide width
weight weigh heavy
weigh weight
heavy weight
age old
old age
size big
speed fast
near close nearby
close near
next beside
inside within
within inside
above over
below under
under below
during while
because since
since from
also too
however but
only just
just only
maximum max most
minimum min least
least minimum
most maximum
example instance sample
instance example
sample example
template sample
format style
style format
table chart
chart graph diagram
graph chart
image illustration
color shade
shape form
form shape
line row
row line
column field
field column
list array
array list
dictionary map hashmap
string text
text string
integer int number
variable value
value number
loop iterate
iterate loop
sort order
order sort
sorted ordered
reverse invert
parse read
read parse
print output
output print
input enter
enter input
log record
record log
save store
store save
send transmit
receive get
upload send
download get
share send
copy duplicate
duplicate copy
paste insert
insert add
add append insert
append add
attach add
connect link join
link connect
link url
request query
server host
host server
database table
query request
branch fork
commit revision
deploy release publish
release publish
publish release
version release
container pod
cluster group
group team
team group
member participant
player athlete
game match
match game
sport game
team squad
score point
point score
gear equipment
equipment gear
tool instrument
instrument tool
machine device
device gadget machine
gadget device
battery charge
charge load
broken damaged defective
damaged broken
broken fractured
fracture break
break fracture
crash fail
fail crash
stuck jammed
blocked clogged
unclog unblock free
clogged blocked
leak drip
leaking dripping
noise sound
sound noise
loud noisy
quiet silent
silent quiet
lift raise
raise lift
carry bring take
bring take carry
put place
place put
place location spot
location place
move shift
move relocate
push press
press push
hit strike
strike hit
touch tap
hold keep
drop fall
fall drop
collapse fall
rise increase
climb ascend
walk stroll
run jog
jog run
jump leap
swim swimming
drive ride
ride drive
fly flight
flight fly
park parking
stay remain
remain stay
leave depart
depart leave
arrive reach come
reach arrive get
return back
go travel
come arrive
wait await
look seem appear
seem appear
appear seem
see view
view see
watch view
hear listen
say speak tell
speak talk
talk speak chat
chat talk
discuss talk
argue dispute
argument dispute
complain complaint
complaint complain
apologize sorry apology
apology sorry
thank gratitude
decline refuse reject
refuse decline
accept agree
agree accept
decide choose
decision choice
choice option
option choice
opinion view
view opinion
fact information
information detail
detail information
data information
news information
secret hidden
hidden invisible
public open
open public
free gratis
free complimentary
handle manage deal
manage handle
cope deal handle
deal handle
happen occur
occur happen
continue keep
keep continue
try attempt
attempt try
become turn
turn become
contain include have
include contain
consist made
made consist
comprise include
belong part
own have
have own
lack miss
miss lack
lost missing
missing lost
enough sufficient
sufficient enough
extra additional
additional extra
another other
other another
special particular
particular specific
specific particular
certain sure
sure certain
true real
real true
right correct
correct right
wrong incorrect
incorrect wrong
false wrong
raw uncooked
uncooked raw
fresh new
iron ferrous
deficiency lack low
low deficiency
blood hematologic
pressure hypertension
heart cardiac
pulse heartbeat
stomach belly tummy
belly tummy
throat pharynx
cold flu
fever temperature
vaccine jab shot vaccination
vaccination vaccine
pregnant pregnancy expecting
pregnancy pregnant
surgery operation
operation surgery
hospital clinic
dentist dental
tooth teeth dental
skin dermal
hair haircut
sleep asleep
asleep sleep
nap sleep
snore snoring
dream nightmare
vegan plantbased
vegetarian meatless
meat beef
beef steak
pork ham
shrimp prawn
prawn shrimp
eggplant aubergine
zucchini courgette
chickpea garbanzo
cookie biscuit
candy sweet
sweet candy
soda pop
fry chip
couch sofa
sofa couch
rug carpet
carpet rug
curtain drape
faucet tap
tap faucet
sink basin
toilet bathroom restroom
bathroom restroom
lavatory toilet
closet wardrobe cupboard
cupboard cabinet
drawer cabinet
lamp light
light lamp
bulb light
blanket cover
pillow cushion
jacket coat
coat jacket
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
shy timid
clumsy awkward
clever smart intelligent
smart clever intelligent
stupid dumb
lazy idle
brave courageous
scary frightening spooky
frightening scary
weird strange odd
strange weird odd
noisy loud
sluggish slow
slow sluggish
slowly gradually
gradually slowly
suddenly abruptly
exactly precisely
precisely exactly
approximately about roughly around
roughly about
around about
nearly almost
almost nearly
completely entirely fully totally
fully completely
really truly
properly correctly
correctly properly
vacancy job opening
opening vacancy
ad advertisement posting
advertisement ad
resume cv
cv resume
cover application
application apply
apply application
interview conversation
candidate applicant
applicant candidate
hire recruit employ
recruit hire
fire dismiss sack
dismiss fire
promote promotion
retire retirement
retirement retire pension
pension retirement
duty responsibility
responsibility duty
skill ability
ability skill
quality trait characteristic
characteristic trait feature
feature characteristic
property characteristic
trait quality
habit routine
routine habit
behavior conduct
mood feeling
feeling emotion
emotion feeling
feel feeling
hunger hungry
thirst thirsty
regulate control
control regulate
manage control
operate run
govern rule
rule govern
border neighbor
neighbor border
capital city
currency money
language tongue
accent pronunciation
pronounce pronunciation say
pronunciation pronounce
spell spelling
grammar syntax
syntax grammar
comma punctuation
plural pluralize
climate weather
pollution contamination
recycle reuse
environment nature
nature wild
energy power
power energy
electricity power
gasoline fuel
fuel gasoline
oil petroleum
gold golden
silver silvery
wood wooden timber
wooden wood
metal metallic
glass crystal
plastic polymer
paper sheet
stone rock
rock stone
sand sandy
mountain peak mount
peak summit
hill mountain
river stream
lake pond
sea ocean
ocean sea
beach coast shore
coast shore
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
contemporary modern
revolution uprising
rebellion uprising
treaty agreement
empire kingdom
kingdom empire
ruler monarch
throne crown
opera musical
composer musician
compose write
paint painting
painting picture artwork
artist painter
painter artist
sculpture statue
statue sculpture
museum gallery
gallery museum
concert gig show
band group
singer vocalist
sing song
dance dancing
actor performer
director filmmaker
direct director
writer author
author writer
poet writer
publish print
newspaper paper
journal magazine
magazine journal
science scientific
scientist researcher
research study investigation
investigate examine
examine inspect
experiment trial
theory hypothesis
law principle
formula equation
equation formula
proof prove
prove show proof
graph plot
plot graph
plot story
area surface
surface area
volume capacity
capacity volume
angle corner
circle round
square quadratic
triangle triangular
root zero
fraction ratio
ratio proportion
percent percentage
percentage percent
multiply times
times multiply
plus add
minus subtract
subtract minus less
equal same
integer whole
prime primary
random arbitrary
dice die
die dice
coin toss
card deck
bet wager
lottery raffle
luck fortune
marketing advertising
customer client
client customer
product item
item product
order purchase
delivery shipping
shipping delivery
parcel package
package parcel
deliver ship
ship deliver
stock inventory
inventory stock
stock share
share stock
invest investment
investment invest
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
turnover revenue
startup business
founder creator
brand label
logo emblem
slogan tagline
tagline slogan
campaign drive
sales selling
sell sale
sale discount
deal bargain
negotiate bargain
deadline due
due deadline
late delayed
delayed late
delay late
cancel cancellation
cancellation cancel
postpone delay
reschedule move
remind reminder
reminder remind
notify inform
inform notify tell
announce announcement
announcement notice
notice announcement
warn warning
warning alert
alert warning
report statement
statement report
feedback comment
comment remark
review evaluation
evaluate assess
assess evaluate
rate rank
rank order
rating score
criterion standard
standard norm
policy rule
procedure process
permission authorization
authorization permission
login signin
signin login
logout signout
register signup
signup register
subscribe subscription
unsubscribe cancel
password credential
hack compromise
hacked compromised
virus malware
spam junk
backup copy
restore recover
recover restore
sync synchronize
synchronize sync
encrypt encode
lock secure
unlock open
reset restore
restart reboot
reboot restart
freeze hang
hang freeze
lag slow
offline disconnected
disconnected offline
online connected
wifi wireless
wireless wifi
router modem
cable wire
wire cable
plug socket
socket outlet
outlet socket
headphone earphone
speaker loudspeaker
microphone mic
camera cam
video clip
clip video
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
typeface font
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
introverted introvert
nursing care
adolescence teenage
puppy dog
kitten cat
spouse partner
sibling brother
cousin relative
relative family
family household
neighborhood area district
district area
region area
area region
zone area
local nearby
abroad overseas
overseas abroad
foreign overseas
immigrant migrant
visa permit
permit license
license permit
passport document
ticket fare
fare ticket
seat place
airport terminal
airline carrier
delay late
compensation refund
layover stopover
stopover layover
itinerary route
route path
path route
map chart
direction way
distance range
camp camping
tent camp
hike hiking
hiking hike trek
trail path
climb climbing
ski skiing
swim pool
bike cycling
fishing fish
hunt hunting
race competition
competition contest
contest competition
tournament competition
championship title
medal prize
prize award
award prize
trophy prize
referee umpire
coach trainer
trainer coach
gymnasium gym
muscle muscular
stretch stretching
flexibility flexible
weight mass
diet nutrition
nutrition diet
calorie energy
protein amino
vitamin supplement
supplement vitamin
fiber roughage
sugar glucose
glucose sugar
salt sodium
sodium salt
fat lipid
oil fat
butter margarine
milk dairy
cheese dairy
bread loaf
loaf bread
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
drug medication
addiction dependence
addicted hooked
therapy counseling
therapist counselor psychologist
psychologist therapist
psychiatrist psychologist
stress tension
tension stress
depression sadness
anxiety fear
fear phobia
phobia fear
panic anxiety
insomnia sleeplessness
allergy allergic
allergic allergy
asthma asthmatic
infection infectious
infectious contagious
contagious infectious
bacteria germ
germ bacteria
virus viral
cough coughing
sneeze sneezing
rash irritation
itch itchy
itchy itch
swelling swollen
swollen swelling
bleed bleeding
bleeding bleed
bruise contusion
burn scald
scald burn
sunburn burn
blister sore
wound cut
bandage dressing
emergency urgent
urgent emergency
ambulance paramedic
nurse caregiver
patient sufferer
diagnosis diagnose
diagnose diagnosis
scan imaging
screening test
checkup examination
appointment visit
prescription prescribed
dose dosage
dosage dose
side adverse
overdose excess
excess surplus
shortage lack
scarce rare
abundant plentiful
sort kind
lot many
loads many
plenty many
couple two
pair two
twice double
double twice
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
rather instead
otherwise else
else other
besides except
except excluding
excluding without
including with
despite although
although though
though although
while whereas
until till
till until
when once
whenever when
where place
who person
whom who
whose who
which what
what which
how way
why reason
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
pupil student
post mail
postcode zip
solicitor attorney
barrister attorney
estate realtor
pharmacy chemist drugstore
plaster bandaid
surgery practice
spectacles glasses
full whole
finish complete
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
frequent common
frequency often
duration long
length duration
quantity amount
maximum upper
permit let
ban prohibit forbid
oblige force
must obliged
ought should
suggest advise
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
save rescue
risk danger
danger peril
threat danger
hurt harm damage
harm damage
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
slice cut
mince grind
grind mill
stir mix
mix blend combine
blend mix
whisk beat
knead work
peel skin
soak steep
marinate soak
season flavor
flavor taste
taste flavor
smell scent aroma
scent fragrance perfume
sound noise
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
search look
seek look
explore discover
examine check
inspect check
measure gauge
weigh weight
estimate guess
guess estimate
predict forecast
forecast prediction
expect anticipate
hope wish
dream wish
plan intend
intend mean
aim intend
try attempt
practice rehearse
rehearse practice
perform do
perform execute
achieve accomplish reach
accomplish achieve
succeed manage
fail flunk
flunk fail
win triumph
compete contend
participate join
join participate
attend visit
visit tour
tour trip
travel go
commute travel
drive motor
board enter
enter access
access open
exit leave quit
quit exit leave
escape flee
flee escape
hide conceal
conceal hide
reveal show
show demonstrate
demonstrate show
display exhibit
exhibit exhibition
illustrate show
depict show
portray depict
represent stand
symbolize represent
signify mean
imply mean
indicate show
point indicate
refer mention
quote cite
cite quote
copy reproduce
imitate copy
simulate imitate
pretend act
act behave
behave act
react respond
reaction response
cause provoke
provoke cause
trigger cause
influence affect
shape form
form make
develop create
develop build
develop evolve
evolve develop
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
print publish
post publish
upload post
share post
chat message
reply respond
forward send
dispatch send
ship send
deliver bring
fetch get
retrieve get fetch
load open
close end
abort cancel
undo revert
revert undo rollback
rollback revert
reset restore
delete drop
drop delete
truncate empty
empty clear
fill populate
populate fill
insert add
embed insert
include contain
exclude omit
omit skip
skip omit
ignore disregard
allow support
support handle
debug troubleshoot
troubleshoot fix debug
diagnose troubleshoot
investigate debug
crash die
freeze stuck
slow lag
speed performance
performance speed
memory ram
storage disk
disk drive
drive disk
folder directory
extension plugin
plugin extension addon
library package module
package library module
module package
framework library
dependency library
variable parameter
parameter argument
argument parameter
method function
class type
object instance
property attribute
attribute property
element item
item entry
entry record
record row
dataset data
schema structure
endpoint route
route path
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
schedule plan
cron scheduler
pipeline workflow
workflow process
release version
issue ticket
ticket issue
review check
approve accept
merge combine
conflict clash
clash conflict
bug defect
defect fault
fault defect
patch fix
workaround fix
hack trick
trick hack
shortcut hotkey
cheatsheet summary
basics fundamentals
fundamentals basics
beginner basic
overview introduction
introduction intro
intro opening
conclusion ending
ending conclusion
abstract summary
thesis dissertation
dissertation thesis
argument reason
reason argument
evidence proof
claim assertion
debate discussion
discussion debate
speech toast
toast speech
greeting salutation
closing ending
signature sign
subject topic
topic theme
theme motif
motif theme
character figure
plot storyline
storyline plot
setting scene
scene setting
moral lesson
rhyme verse
verse stanza
lyrics words
melody tune
tune melody
beat rhythm
rhythm beat
tempo speed
chord harmony
instrument tool`;

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
