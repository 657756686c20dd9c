"""Words that titles and names are made of."""

FIRST_NAMES = tuple(
    "Maya Tomas Ada Wei Priya Jonas Fatima Luca Ingrid Kofi Elena Hugo Amara Nils Sofia Ravi Clara Mateo Yuki "
    "Hana Oskar Leila Bruno Zofia Daniel Ines Emeka Freya Samir Judit Pavel Rosa Anders Noor Viktor Camille "
    "Tariq Eva Diego Marta Felix Aisha Jakub Lena Omar Greta Ivan Nadia Paul Saoirse".split()
)
LAST_NAMES = tuple(
    "Lindqvist Novak Okafor Chen Raman Weber Haddad Moretti Berg Mensah Petrova Laurent Diallo Eriksen Costa "
    "Iyer Jensen Fuentes Tanaka Kim Nyberg Farouk Silva Kowalska Murphy Duarte Eze Holm Aziz Szabo Dvorak "
    "Marino Lund Rahman Horvat Dubois Khan Blum Ortega Vance Brandt Osei Zielinski Krause Said Nygaard "
    "Popescu Byrne Sandoval Whitlock".split()
)
UNUSUAL_NAMES = (
    ("Siobhán", "O'Brien-Ní Dhomhnaill"),
    ("小龍", "李"),
    ("<b>Bob</b>", "<script>alert('name')</script>"),
    ("=1+1", "@SUM(A1:A9)"),
    ("مريم", "الهاشمي"),
    ("Null", "None"),
    ("Robert'); DROP TABLE \"user\";--", "Tables"),
    ("Zoë 🎙️", "Ångström"),
    ("", ""),
    ("Wolfeschlegelsteinhausenbergerdorff" * 3, "Hubert-Blaine"),
)

THEMES: dict[str, tuple[str, ...]] = {
    "history": (
        "the Hanseatic League", "the lost library of Ebla", "Byzantine plumbing", "the great tea heist",
        "Cold War numbers stations", "the bicycle and the vote", "the year without a summer", "medieval maps",
    ),
    "technology": (
        "load shedding", "on-call without tears", "the last mainframe", "passkeys at scale", "boring databases",
        "the outage that taught us most", "type systems", "shipping on Fridays",
    ),
    "food": (
        "sourdough in winter", "the economics of coffee", "fermented everything", "street food of Penang",
        "salt", "the perfect dumpling", "olive oil fraud", "school lunches",
    ),
    "science": (
        "octopus dreams", "the sound of black holes", "soil", "why we yawn", "permafrost", "ancient DNA",
        "the placebo effect", "gravitational waves",
    ),
    "business": (
        "the first ten customers", "pricing with nerve", "family firms", "the four-day week", "saying no",
        "selling to schools", "bankruptcy and after", "hiring slowly",
    ),
    "true crime": (
        "the Harbour Street forger", "a missing Stradivarius", "the orchid smugglers", "the lighthouse keeper",
        "room 12", "the art of the alibi", "the counterfeit stamps", "the winter witness",
    ),
    "sport": (
        "the hour record", "women's football in 1921", "fell running", "the perfect serve", "goalkeepers",
        "the longest chess game", "ultramarathons", "coaching teenagers",
    ),
    "culture": (
        "city pop", "the return of vinyl", "reading aloud", "opera on a barge", "translators",
        "museum guards", "the last video shop", "small theatres",
    ),
}
SHOW_NAMES = (
    "{theme} Hour", "The {theme} Desk", "Slow {theme}", "{name} on {theme}", "Notes on {theme}", "{theme}, Briefly",
    "The {place} {theme} Show", "{name} & Friends", "Late Night {theme}", "Field Recordings from {place}",
)
PLACES = ("Brno", "Bergen", "Accra", "Porto", "Tartu", "Ghent", "Galway", "Turin", "Leipzig", "Pune", "Oaxaca")
EPISODE_TITLES = (
    "{number}: {topic}", "{topic}, with {guest}", "What we got wrong about {topic}", "A short history of {topic}",
    "{guest} on {topic}", "Ep. {number} – {topic}", "{topic} (part {part})", "Listener questions: {topic}",
    "Why {topic} still matters", "Bonus: {guest} returns", "S{part}E{number} {topic}", "Live from {place}: {topic}",
)
ODD_TITLES = (
    '=HYPERLINK("https://example.com/x","Click me")',
    "<script>alert('title')</script>",
    "+1+1 reasons to subscribe",
    "-2+3 with a guest",
    "@SUM(A1:A9) explained",
    "\tLeading tab",
    "Two\nlines",
    '"><img src=x onerror=alert(1)>',
    "Robert'); DROP TABLE episode;--",
    "{{ 7*7 }} {% now %} ${jndi} %(x)s",
    "Rock & Roll <em>or</em> not",
    "שלום, פודקאסט",
    "\u202egnp.edosipe\u202c read backwards",
    "🎧 100 % emoji 🎙️🎙️🎙️",
    "A very long title " * 25,
    " ",
    "",
)
RECORDINGS = ("interview", "raw_mix", "take2", "studio", "zoom_export", "monologue", "panel", "field_recorder")
