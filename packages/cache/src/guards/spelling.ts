/** Spellings that mean the same: contractions, British and American words, abbreviations. Written for this list; folded to the second form. */

const contractions = `can't:cannot won't:will_not shan't:shall_not ain't:is_not
  don't:do_not doesn't:does_not didn't:did_not isn't:is_not aren't:are_not wasn't:was_not weren't:were_not haven't:have_not hasn't:has_not
  hadn't:had_not wouldn't:would_not couldn't:could_not shouldn't:should_not mustn't:must_not needn't:need_not mightn't:might_not
  dont:do_not doesnt:does_not didnt:did_not isnt:is_not arent:are_not wasnt:was_not werent:were_not havent:have_not hasnt:has_not
  hadnt:had_not wouldnt:would_not couldnt:could_not shouldnt:should_not cant:cannot
  i'm:i_am im:i_am you're:you_are youre:you_are we're:we_are they're:they_are theyre:they_are he's:he_is she's:she_is it's:it_is that's:that_is
  thats:that_is there's:there_is theres:there_is here's:here_is what's:what_is whats:what_is who's:who_is where's:where_is wheres:where_is
  when's:when_is how's:how_is hows:how_is why's:why_is let's:let_us what're:what_are
  i've:i_have ive:i_have you've:you_have we've:we_have they've:they_have i'll:i_will you'll:you_will he'll:he_will she'll:she_will it'll:it_will
  we'll:we_will they'll:they_will i'd:i_would you'd:you_would he'd:he_would she'd:she_would we'd:we_would they'd:they_would
  wanna:want_to gonna:going_to gotta:have_to gimme:give lemme:let_me kinda:kind_of`;

const american = `colour:color colours:colors coloured:colored colouring:coloring grey:gray favour:favor favours:favors favourite:favorite favourites:favorites flavour:flavor
  flavours:flavors behaviour:behavior behaviours:behaviors neighbour:neighbor neighbours:neighbors neighbourhood:neighborhood
  neighbourhoods:neighborhoods honour:honor labour:labor humour:humor rumour:rumor harbour:harbor armour:armor odour:odor vapour:vapor
  tumour:tumor tumours:tumors savoury:savory parlour:parlor endeavour:endeavor rigour:rigor vigour:vigor
  centre:center centres:centers metre:meter metres:meters litre:liter litres:liters kilometre:kilometer kilometres:kilometers
  centimetre:centimeter centimetres:centimeters millimetre:millimeter millimetres:millimeters millilitre:milliliter millilitres:milliliters
  theatre:theater theatres:theaters fibre:fiber fibres:fibers calibre:caliber lustre:luster meagre:meager sombre:somber
  organise:organize organised:organized organises:organizes organising:organizing organisation:organization organisations:organizations
  recognise:recognize recognised:recognized realise:realize realised:realized analyse:analyze analysed:analyzed analysing:analyzing
  summarise:summarize summarised:summarized summarising:summarizing optimise:optimize optimised:optimized optimising:optimizing
  optimisation:optimization minimise:minimize minimising:minimizing maximise:maximize maximising:maximizing prioritise:prioritize
  prioritising:prioritizing apologise:apologize apologising:apologizing customise:customize customising:customizing memorise:memorize
  memorising:memorizing categorise:categorize visualise:visualize visualising:visualizing visualisation:visualization initialise:initialize
  serialise:serialize deserialise:deserialize normalise:normalize normalisation:normalization tokenise:tokenize sterilise:sterilize
  fertilise:fertilize fertiliser:fertilizer moisturiser:moisturizer standardise:standardize stabilise:stabilize specialise:specialize
  criticise:criticize emphasise:emphasize finalise:finalize utilise:utilize monetise:monetize paralyse:paralyze catalyse:catalyze
  digitise:digitize synchronise:synchronize authorise:authorize authorised:authorized authorisation:authorization capitalise:capitalize
  practise:practice practising:practicing licence:license licences:licenses defence:defense offence:offense pretence:pretense
  travelling:traveling travelled:traveled traveller:traveler travellers:travelers cancelled:canceled cancelling:canceling
  labelled:labeled labelling:labeling modelling:modeling modelled:modeled fuelled:fueled dialled:dialed levelled:leveled jewellery:jewelry
  marvellous:marvelous woollen:woolen fulfil:fulfill enrol:enroll enrolment:enrollment skilful:skillful instalment:installment
  programme:program programmes:programs cheque:check cheques:checks tyre:tire tyres:tires kerb:curb plough:plow mould:mold mouldy:moldy
  moult:molt smoulder:smolder pyjamas:pajamas aluminium:aluminum aeroplane:airplane aeroplanes:airplanes sceptic:skeptic
  sceptical:skeptical storey:story storeys:stories draught:draft draughty:drafty yoghurt:yogurt yoghurts:yogurts doughnut:donut doughnuts:donuts
  catalogue:catalog dialogue:dialog analogue:analog manoeuvre:maneuver manoeuvring:maneuvering oestrogen:estrogen anaemia:anemia
  anaemic:anemic diarrhoea:diarrhea haemorrhage:hemorrhage paediatric:pediatric paediatrician:pediatrician foetus:fetus leukaemia:leukemia
  oesophagus:esophagus anaesthetic:anesthetic anaesthesia:anesthesia orthopaedic:orthopedic gynaecologist:gynecologist haemoglobin:hemoglobin
  caesarean:cesarean hypoglycaemia:hypoglycemia hyperglycaemia:hyperglycemia encyclopaedia:encyclopedia archaeology:archeology
  judgement:judgment ageing:aging acknowledgement:acknowledgment axe:ax whisky:whiskey learnt:learned burnt:burned dreamt:dreamed spelt:spelled
  maths:math mum:mom mums:moms mummy:mommy aubergine:eggplant aubergines:eggplants courgette:zucchini courgettes:zucchinis
  coriander:cilantro nappy:diaper nappies:diapers motorway:highway motorways:highways lorry:truck lorries:trucks
  rubbish:trash wardrobe:closet lift:elevator lifts:elevators petrol:gasoline gas:gasoline torch:flashlight jumper:sweater jumpers:sweaters
  trousers:pants flat:apartment flats:apartments pavement:sidewalk holiday:vacation holidays:vacations autumn:fall
  houmous:hummus humous:hummus kiev:kyiv marseilles:marseille tschaikowsky:tchaikovsky`;

const abbreviations = `db:database dbs:databases k8s:kubernetes js:javascript ts:typescript py:python postgres:postgresql pg:postgresql repo:repository
  repos:repositories config:configuration configs:configurations env:environment app:application apps:applications info:information
  docs:documentation dir:directory dirs:directories auth:authentication admin:administrator msg:message msgs:messages
  pw:password pwd:password acc:account acct:account insta:instagram fb:facebook yt:youtube fridge:refrigerator
  phone:telephone tv:television telly:television photo:photograph photos:photographs pic:picture pics:pictures vid:video vids:videos
  exam:examination exams:examinations lab:laboratory gym:gymnasium uni:university prof:professor dept:department govt:government
  temp:temperature approx:approximately approximately:about max:maximum avg:average vs:versus w:with wo:without
  b/c:because bc:because cuz:because coz:because abt:about thru:through tho:though u:you ur:your pls:please plz:please ppl:people
  smth:something sth:something sb:somebody rn:now asap:as_soon_as_possible bday:birthday veg:vegetables veggies:vegetables veggie:vegetarian
  e-mail:email e-mails:emails emails:emails on-line:online log-in:login set-up:setup check-list:checklist web-site:website
  kube:kubernetes golang:go nodejs:node.js reactjs:react vuejs:vue psql:postgresql
  mins:minutes hrs:hours hr:hour yrs:years yr:year kilos:kilograms kgs:kg lbs:pounds
  uk:united_kingdom eu:european_union nyc:new_york_city usa:united_states u.s:united_states u.k:united_kingdom
  gr8:great b4:before l8r:later 2day:today 2nite:tonight thx:thanks bio:biography dev:development chars:characters
  smartphone:telephone cellphone:telephone jan:january feb:february apr:april aug:august sept:september oct:october nov:november dec:december
  tue:tuesday tues:tuesday wed:wednesday thu:thursday thurs:thursday fri:friday`;

/** spellings from a word in lower case to the words that stand for it. */
export const spellings: ReadonlyMap<string, readonly string[]> = new Map(
  [contractions, american, abbreviations].flatMap((list) =>
    list.split(/\s+/).map((pair): [string, readonly string[]] => {
      const at = pair.indexOf(":");
      return [pair.slice(0, at).replace(/_$/, ""), pair.slice(at + 1).split("_")];
    }),
  ),
);
