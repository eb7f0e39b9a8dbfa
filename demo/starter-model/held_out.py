"""Words that the training text must never contain as a value, a tool name or a parameter name: the evaluation uses them."""

HELD_OUT_NAMES = "Ada Bertrand Cordelia Desmond Evangeline Fyodor Guinevere Horatio Imogen Jasper Kasimir Lavinia Mirabel Nestor Ottilie Percival".split()
HELD_OUT_CITIES = "Trieste Braga Malmo Aarhus Windhoek Nantes Bergen Salzburg Porto Ghent Uppsala Kigali Hanoi Quito Perugia Tampere Mendoza".split()
HELD_OUT_WORDS = {w.lower() for w in HELD_OUT_NAMES + HELD_OUT_CITIES} | set("""teal magenta crimson lasagne paella ramen
ferret iguana cockatoo beekeeper cartographer glassblower ibex marzipan saxophone accordion lighthouse telescope
zibblo quandrix flornak vextor mubbin draskel yopperty glimra trundlo wexford plimber snorkad
dispatch archive ledger parcel courier greenhouse irrigate sprinkler trellis podcast episode thermostat celsius_target
seedling badge visitor ferry pier rehearse violinist glacier drone altitude""".split())
