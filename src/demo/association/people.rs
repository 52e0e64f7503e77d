//! The people of the association, one line each.
//!
//! Invariant: everybody is invented; each line carries the person's own part, so nothing hangs on its neighbours.

use super::groups::GroupNo;
use super::part::{Habit, Part, Route};
use super::{Home, Reads};

/// One line: name, home, work and part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) given: &'static str,
    pub(super) family: &'static str,
    pub(super) home: Home,
    pub(super) reads: Reads,
    pub(super) title: &'static str,
    pub(super) groups: &'static [GroupNo],
    pub(super) part: Part,
}

const fn line(
    (given, family): (&'static str, &'static str),
    home: Home,
    title: &'static str,
    groups: &'static [GroupNo],
    part: Part,
) -> Line {
    Line { given, family, home, reads: Reads::Swedish, title, groups, part }
}

const fn english(mut line: Line) -> Line {
    line.reads = Reads::English;
    line
}

/// Signs in through Portvakt every so many days.
const fn sso(every: i32) -> Part {
    Part::Regular(Habit { route: Route::Sso, every })
}

/// Signs in at the CRM itself every so many days.
const fn crm(every: i32) -> Part {
    Part::Regular(Habit { route: Route::Crm, every })
}

/// Joins so many days ago.
const fn joins(ago: i32, route: Route, every: i32) -> Part {
    Part::Joins { ago, habit: Habit { route, every } }
}

/// Leaves so many days ago.
const fn leaves(ago: i32) -> Part {
    Part::Leaves { ago, deleted: None }
}

/// Was seen so many days ago and not since.
const fn quiet(last_seen: i32) -> Part {
    Part::Quiet { last_seen }
}

/// Takes up something else so many days ago.
const fn moves(ago: i32, to: GroupNo, title: &'static str) -> Part {
    Part::Moves { ago, to, title }
}

const E: Home = Home::Entra;
const O: Home = Home::Okta;

const ADMINS: &[GroupNo] = &[GroupNo::Administrators];
const BOARD: &[GroupNo] = &[GroupNo::Board];
const MEMBERS: &[GroupNo] = &[GroupNo::Members];
const PRESS: &[GroupNo] = &[GroupNo::Communication];
const HOUSE: &[GroupNo] = &[GroupNo::Property];
const HELP: &[GroupNo] = &[GroupNo::Helpers];
const NORTH: &[GroupNo] = &[GroupNo::NorthCoordinators];
const N_HELP: &[GroupNo] = &[GroupNo::NorthHelpers];
const N_AUDIT: &[GroupNo] = &[GroupNo::NorthAuditors];

const AUTUMN: Part = Part::Campaign { joined: 150, ends: 60 };
const PRESENT: Part = Part::Campaign { joined: 40, ends: -35 };

/// Everybody. The number of a person is the place in this list, from 1.
pub(super) const LINES: [Line; 120] = [
    // The way in when everything else fails.
    line(("Nödkonto", "Björkbacken"), E, "Nödkonto", ADMINS, Part::BreakGlass),
    // Board, office and groups: they come as people do.
    line(("Åsa", "Lindqvist"), E, "Ordförande", BOARD, sso(14)),
    line(("Göran", "Sjöström"), E, "Kassör", BOARD, sso(14)),
    line(("Märta", "Öhman"), E, "Sekreterare", BOARD, sso(21)),
    line(("Karl-Johan", "Åkesson af Björkenäs"), E, "Vice ordförande", BOARD, sso(21)),
    line(("Noor", "Haddad"), E, "Ledamot", BOARD, crm(10)),
    line(("Lars-Erik", "Dahlgren"), E, "Ledamot", BOARD, crm(21)),
    english(line(("Siobhán", "O'Connell"), E, "Ledamot", BOARD, sso(30))),
    line(("Henrik", "Wallin"), E, "Systemadministratör", ADMINS, sso(7)),
    line(
        ("Fatima", "El Amrani"),
        E,
        "Systemförvaltare",
        &[GroupNo::Administrators, GroupNo::Members],
        sso(14),
    ),
    line(("Eva", "Nyström"), E, "Medlemsansvarig", MEMBERS, crm(5)),
    line(("Björn", "Ekström"), E, "Medlemshandläggare", MEMBERS, crm(7)),
    line(("Ingrid", "Sandberg"), E, "Medlemshandläggare", MEMBERS, sso(14)),
    line(("Ahmed", "Warsame"), E, "Medlemshandläggare", MEMBERS, crm(7)),
    line(("Kerstin", "Håkansson"), E, "Medlemsvärd", MEMBERS, crm(14)),
    line(("Johanna", "Blomqvist"), E, "Kommunikationschef", PRESS, sso(10)),
    line(("Viktor", "Åberg"), E, "Redaktör", PRESS, crm(5)),
    english(line(("Piotr", "Kowalczyk"), E, "Webbredaktör", PRESS, crm(10))),
    line(("Linnéa", "Forsberg"), E, "Formgivare", PRESS, crm(21)),
    line(("Stig", "Hörnfeldt"), E, "Fastighetsansvarig", HOUSE, sso(21)),
    line(("Yusuf", "Demir"), E, "Vaktmästare", HOUSE, crm(7)),
    line(("Gunilla", "Öberg"), E, "Husvärd", HOUSE, crm(30)),
    line(("Roger", "Mattsson"), E, "Husvärd", HOUSE, crm(14)),
    line(("Maja", "Engström"), E, "Utskickshjälpare", HELP, crm(14)),
    line(("Elias", "Norén"), E, "Utskickshjälpare", HELP, crm(21)),
    english(line(("Thi Mai", "Nguyen"), E, "Utskickshjälpare", HELP, sso(28))),
    line(("Sture", "Wikström"), E, "Utskickshjälpare", HELP, crm(35)),
    // They come once a quarter.
    line(("Birgitta", "Sjögren"), E, "Arkivarie", MEMBERS, Part::Seldom),
    line(("Olof", "Hellström"), E, "Stugvärd", HOUSE, Part::Seldom),
    line(("Margareta", "Åström"), E, "Stugvärd", HOUSE, Part::Seldom),
    line(("Torbjörn", "Lundin"), E, "Valberedare", MEMBERS, Part::Seldom),
    line(("Agneta", "Fröberg"), E, "Fotograf", PRESS, Part::Seldom),
    line(("Rune", "Bergqvist"), E, "Stugvärd", HOUSE, Part::Seldom),
    // All at the same course a quarter of a year ago, and not since.
    line(("Anders", "Hallberg"), E, "Trädgårdsgruppen", HOUSE, Part::FallsQuiet),
    line(("Britt-Marie", "Sundin"), E, "Trädgårdsgruppen", HOUSE, Part::FallsQuiet),
    line(("Cecilia", "Nordlund"), E, "Trädgårdsgruppen", HOUSE, Part::FallsQuiet),
    line(("Dan", "Österlund"), E, "Trädgårdsgruppen", HOUSE, Part::FallsQuiet),
    line(("Elisabet", "Malmberg"), E, "Trädgårdsgruppen", HOUSE, Part::FallsQuiet),
    line(("Folke", "Rydberg"), E, "Trädgårdsgruppen", HOUSE, Part::FallsQuiet),
    line(("Gun", "Törnqvist"), E, "Trädgårdsgruppen", HOUSE, Part::FallsQuiet),
    line(("Håkan", "Edlund"), E, "Trädgårdsgruppen", HOUSE, Part::FallsQuiet),
    line(("Inga-Lill", "Persdotter"), E, "Kursvärd", MEMBERS, Part::FallsQuiet),
    line(("Jonas", "Backman"), E, "Kursvärd", MEMBERS, Part::FallsQuiet),
    line(("Kajsa", "Wretman"), E, "Kursvärd", MEMBERS, Part::FallsQuiet),
    line(("Leif", "Ågren"), E, "Kursvärd", MEMBERS, Part::FallsQuiet),
    line(("Monica", "Strömbäck"), E, "Kursvärd", MEMBERS, Part::FallsQuiet),
    // Gone quiet lately: frozen by now.
    line(("Nils-Olof", "Grahn"), E, "Medlemsvärd", MEMBERS, quiet(96)),
    line(("Pernilla", "Söderlund"), E, "Skribent", PRESS, quiet(99)),
    // Gone quiet long ago: deactivated by now.
    line(("Rolf", "Hedman"), E, "Medlemsvärd", MEMBERS, quiet(112)),
    line(("Sofia", "Ivarsson"), E, "Skribent", PRESS, quiet(135)),
    line(("Tage", "Lövgren"), E, "Husvärd", HOUSE, quiet(160)),
    line(("Ulla", "Ekdahl"), E, "Medlemsvärd", MEMBERS, quiet(190)),
    line(("Valter", "Boström"), E, "Husvärd", HOUSE, quiet(228)),
    line(("Yvonne", "Sjölund"), E, "Medlemsvärd", MEMBERS, quiet(262)),
    line(("Zeynep", "Aydin"), E, "Översättare", PRESS, quiet(305)),
    line(("Örjan", "Palmgren"), E, "Husvärd", HOUSE, quiet(350)),
    // Never seen: two from the start, one for five weeks, one for twelve days.
    line(("Bengt", "Axelsson"), E, "Hedersmedlem", MEMBERS, Part::NeverSeen { joined: None }),
    line(("Christina", "Moberg"), E, "Hedersmedlem", MEMBERS, Part::NeverSeen { joined: None }),
    line(("Dmitri", "Sokolov"), E, "Praktikant", PRESS, Part::NeverSeen { joined: Some(37) }),
    line(("Emma", "Lagerkvist"), E, "Praktikant", PRESS, Part::NeverSeen { joined: Some(12) }),
    // They have left the association.
    line(("Fredrik", "Granath"), E, "Ledamot", BOARD, leaves(380)),
    line(("Gabriella", "Lindholm"), E, "Redaktör", PRESS, leaves(330)),
    line(("Hugo", "Isaksson"), E, "Medlemshandläggare", MEMBERS, leaves(275)),
    line(("Irma", "Jägerskiöld"), E, "Husvärd", HOUSE, leaves(180)),
    line(("Jan-Åke", "Friberg"), E, "Utskickshjälpare", HELP, leaves(90)),
    line(("Katarina", "Molin"), E, "Medlemsvärd", MEMBERS, leaves(30)),
    line(("Lennart", "Öström"), E, "Husvärd", HOUSE, Part::Leaves { ago: 200, deleted: Some(170) }),
    // Temporary help with a campaign: the autumn's, whose time has run out, and the present one's.
    line(("Alva", "Berglund"), E, "Kampanjhjälpare", HELP, AUTUMN),
    line(("Ibrahim", "Hassan"), E, "Kampanjhjälpare", HELP, AUTUMN),
    line(("Tuva", "Kjellgren"), E, "Kampanjhjälpare", HELP, AUTUMN),
    line(("Wilma", "Rosén"), E, "Kampanjhjälpare", HELP, AUTUMN),
    line(("Oskar", "Fält"), E, "Kampanjhjälpare", HELP, AUTUMN),
    line(("Nadja", "Petrović"), E, "Kampanjhjälpare", HELP, AUTUMN),
    line(("Ebba", "Lilja"), E, "Kampanjhjälpare", HELP, PRESENT),
    english(line(("Mohammed", "Karimi"), E, "Kampanjhjälpare", HELP, PRESENT)),
    // On leave, and back from it.
    line(("Matilda", "Hedlund"), E, "Redaktör", PRESS, Part::OnLeave { since: 120, until: -60 }),
    line(("Peter", "Ståhl"), E, "Medlemshandläggare", MEMBERS, Part::OnLeave { since: 75, until: -120 }),
    line(("Sara", "Björklund"), E, "Medlemshandläggare", MEMBERS, Part::OnLeave { since: 300, until: 150 }),
    // They take up something else.
    line(("Tobias", "Åhlén"), E, "Utskickshjälpare", HELP, moves(215, GroupNo::Communication, "Redaktör")),
    line(("Ulrika", "Nilsdotter"), E, "Medlemsvärd", MEMBERS, moves(245, GroupNo::Board, "Ledamot")),
    line(("Vera", "Hultman"), E, "Skribent", PRESS, moves(120, GroupNo::Members, "Medlemsvärd")),
    line(("Wiktor", "Zetterberg"), E, "Husvärd", HOUSE, moves(60, GroupNo::Helpers, "Utskickshjälpare")),
    // They join as the months pass.
    line(("Aino", "Korhonen"), E, "Medlemshandläggare", MEMBERS, joins(400, Route::Crm, 9)),
    line(("Basim", "Al-Sayed"), E, "Webbredaktör", PRESS, joins(360, Route::Sso, 25)),
    line(("Clara", "von Rosenskär"), E, "Utskickshjälpare", HELP, joins(310, Route::Crm, 20)),
    line(("Daniel", "Eklöf"), E, "Vaktmästare", HOUSE, joins(255, Route::Crm, 12)),
    line(("Ester", "Sjöblom"), E, "Medlemsvärd", MEMBERS, joins(200, Route::Sso, 20)),
    line(("Filip", "Järvinen"), E, "Utskickshjälpare", HELP, joins(140, Route::Crm, 16)),
    english(line(("Greta", "Månsson"), E, "Fotograf", PRESS, joins(85, Route::Sso, 18))),
    line(("Hanna", "Tesfaye"), E, "Medlemshandläggare", MEMBERS, joins(25, Route::Sso, 6)),
    // The sister association in the north, with a directory of its own.
    line(("Per-Anders", "Marklund"), O, "Samordnare", NORTH, sso(14)),
    line(("Ylva", "Stenmark"), O, "Samordnare", NORTH, sso(21)),
    line(("Áile", "Lantto"), O, "Samordnare", NORTH, crm(10)),
    line(("Sven-Erik", "Nordvall"), O, "Samordnare", NORTH, crm(14)),
    line(("Marja-Leena", "Heikkinen"), O, "Samordnare", NORTH, crm(21)),
    line(("Tor", "Burman"), O, "Medhjälpare", N_HELP, crm(14)),
    line(("Ragnhild", "Öqvist"), O, "Medhjälpare", N_HELP, crm(21)),
    line(("Simon", "Vikström"), O, "Medhjälpare", N_HELP, crm(7)),
    english(line(("Desta", "Abebe"), O, "Medhjälpare", N_HELP, sso(21))),
    line(("Gunnel", "Renberg"), O, "Medhjälpare", N_HELP, crm(28)),
    line(("Isak", "Lindmark"), O, "Medhjälpare", N_HELP, crm(14)),
    line(("Jenny", "Fjällström"), O, "Medhjälpare", N_HELP, sso(28)),
    line(("Kjell", "Wennberg"), O, "Medhjälpare", N_HELP, crm(35)),
    line(("Lovisa", "Grundström"), O, "Medhjälpare", N_HELP, crm(10)),
    line(("Magnus", "Sandström"), O, "Medhjälpare", N_HELP, crm(14)),
    line(("Nina", "Lövkvist"), O, "Revisor", N_AUDIT, crm(45)),
    line(("Ossian", "Brännström"), O, "Revisor", N_AUDIT, sso(60)),
    line(("Pia", "Forslund"), O, "Medhjälpare", N_HELP, crm(21)),
    line(("Reidar", "Bäcklund"), O, "Medhjälpare", N_HELP, Part::Seldom),
    line(("Solveig", "Åkerlund"), O, "Revisorssuppleant", N_AUDIT, Part::Seldom),
    line(("Tyra", "Hammarström"), O, "Medhjälpare", N_HELP, quiet(102)),
    line(("Urban", "Lidström"), O, "Medhjälpare", N_HELP, quiet(145)),
    line(("Vivianne", "Rönnbäck"), O, "Medhjälpare", N_HELP, quiet(240)),
    line(("Walid", "Nasser"), O, "Medhjälpare", N_HELP, Part::NeverSeen { joined: None }),
    line(("Xiaoyan", "Zhao"), O, "Medhjälpare", N_HELP, leaves(165)),
    line(("Ylva-Li", "Ödmark"), O, "Medhjälpare", N_HELP, leaves(55)),
    line(("Zakarias", "Enberg"), O, "Medhjälpare", N_HELP, Part::Returns { left: 250, back: 222 }),
    line(("Åke", "Jonsson"), O, "Medhjälpare", N_HELP, moves(100, GroupNo::NorthCoordinators, "Samordnare")),
    line(("Ängla", "Rutström"), O, "Medhjälpare", N_HELP, joins(165, Route::Crm, 13)),
    line(("Östen", "Holmström"), O, "Medhjälpare", N_HELP, joins(70, Route::Sso, 15)),
];
