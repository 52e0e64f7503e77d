//! A naive evaluator: the rules of access as a person would apply them with a pencil, on plain texts and whole hours.
//!
//! Invariant: shares no code with the real one. It knows nothing of its types, and looks at everything every time.

/// Chance that can be repeated.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x6a09_e667_f3bc_c909)
    }

    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % u64::try_from(sides).unwrap()).unwrap()
    }

    pub(super) fn hour(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.roll(usize::try_from(to - from).unwrap())).unwrap()
    }

    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.roll(times) == 0
    }

    pub(super) fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())].clone()
    }
}

pub(super) const ACTIONS: [&str; 6] = ["view", "create", "edit", "delete", "assign", "administer"];
pub(super) const STATUSES: [&str; 6] = ["invited", "active", "paused", "frozen", "deactivated", "removed"];

/// A module or all of them, for these actions or for all.
type Opening = (Option<usize>, Option<Vec<&'static str>>);

/// A policy, as far as access depends on it.
#[derive(Debug, Clone)]
pub(super) struct Book {
    /// Module, sector, whether it has items, whether it is administration; the place is the number of the component.
    pub(super) components: Vec<(usize, Option<usize>, bool, bool)>,
    /// What each role opens: a module or all of them, for these actions or for all.
    pub(super) roles: Vec<Vec<Opening>>,
    pub(super) on_leave_may_enter: bool,
}

pub(super) const MODULES: usize = 4;
pub(super) const SECTORS: usize = 3;

impl Book {
    pub(super) fn random(dice: &mut Dice) -> Self {
        let components = (0..6).map(|number| {
            let is_administration = number == 5;
            let sector = (!is_administration && !dice.once_in(5)).then(|| dice.roll(SECTORS));
            let module = if is_administration { 3 } else { dice.roll(3) };
            (module, sector, !is_administration && !dice.once_in(3), is_administration)
        });
        let components: Vec<_> = components.collect();
        let openings = |dice: &mut Dice| {
            let one = |dice: &mut Dice| {
                let module = (!dice.once_in(6)).then(|| dice.roll(MODULES));
                let some = |dice: &mut Dice| {
                    let mut some: Vec<&'static str> =
                        ACTIONS.iter().copied().filter(|_| dice.once_in(2)).collect();
                    if some.is_empty() {
                        some.push("view");
                    }
                    some
                };
                (module, dice.once_in(2).then(|| some(dice)))
            };
            (0..=dice.roll(2)).map(|_| one(dice)).collect()
        };
        let roles = (0..4).map(|_| openings(dice)).collect();
        Self { components, roles, on_leave_may_enter: dice.once_in(2) }
    }

    /// The policy as a document.
    pub(super) fn document(&self) -> String {
        use std::fmt::Write as _;
        let name = "name = { sv = \"Namn\", en = \"Name\" }";
        let mut text = format!(
            "unmatched = \"no_access\"\nadministrators_by_rule = true\n[contact]\n{name}\n\
             [leave]\nsign_in = {}\n[manual_grants]\nexpire_after = \"never\"\n",
            self.on_leave_may_enter
        );
        for number in 0..MODULES {
            writeln!(text, "[[module]]\nid = \"m{number}\"\n{name}").unwrap();
        }
        for number in 0..SECTORS {
            writeln!(text, "[[sector]]\nid = \"s{number}\"\n{name}").unwrap();
        }
        for (number, (module, sector, items, administration)) in self.components.iter().enumerate() {
            writeln!(
                text,
                "[[component]]\nid = \"c{number}\"\n{name}\nmodule = \"m{module}\"\nitems = {items}"
            )
            .unwrap();
            if let Some(sector) = sector {
                writeln!(text, "sector = \"s{sector}\"").unwrap();
            }
            if *administration {
                text.push_str("administration = true\n");
            }
        }
        for (number, opens) in self.roles.iter().enumerate() {
            let opens = opens.iter().map(|(module, actions)| {
                let module = module.map_or("*".to_owned(), |module| format!("m{module}"));
                let actions = actions.as_ref().map(|some| format!(":{}", some.join(","))).unwrap_or_default();
                format!("\"{module}{actions}\"")
            });
            let opens: Vec<String> = opens.collect();
            writeln!(text, "[[role]]\nid = \"r{number}\"\n{name}\nmodules = [{}]", opens.join(", ")).unwrap();
        }
        text
    }
}

/// Something that holds from an hour on: until somebody ended it, or until its own end.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) since: i64,
    pub(super) ended: Option<i64>,
    pub(super) ends: Option<i64>,
}

impl Span {
    pub(super) fn random(dice: &mut Dice) -> Self {
        let since = dice.hour(0, 9);
        let ended = dice.once_in(3).then(|| dice.hour(since, 11)).filter(|ended| *ended <= 10);
        let ends = dice.once_in(5).then(|| dice.hour(since, 14));
        Self { since, ended, ends }
    }

    fn at(&self, hour: i64) -> bool {
        let over = |end: Option<i64>| match end {
            Some(end) => hour >= end,
            None => false,
        };
        hour >= self.since && !over(self.ended) && !over(self.ends)
    }
}

/// A person, what they were given, and the items that somebody has tied to somebody.
#[derive(Debug, Clone)]
pub(super) struct World {
    /// Status from an hour on, in order; before the first nobody knows the person.
    pub(super) life: Vec<(i64, &'static str)>,
    pub(super) valid: (Option<i64>, Option<i64>),
    /// `role r1`, `sector s0`, `limited`, `restricted`; with when.
    pub(super) holds: Vec<(String, Span)>,
    /// Component, item, to whom (`me`, `them`, `r1`), when.
    pub(super) links: Vec<(usize, &'static str, String, Span)>,
    /// Component, item, who from this hour on; `None`: nobody. In the order of the hours.
    pub(super) duties: Vec<(usize, &'static str, Option<String>, i64)>,
}

const ITEMS: [&str; 3] = ["1", "2", "3"];

impl World {
    pub(super) fn random(dice: &mut Dice) -> Self {
        let mut life = vec![(dice.hour(0, 3), if dice.once_in(8) { dice.pick(&STATUSES) } else { "active" })];
        if dice.once_in(3) {
            life.push((dice.hour(3, 7), dice.pick(&STATUSES)));
        }
        if dice.once_in(3) {
            life.push((dice.hour(7, 10), "active"));
        }
        let bound = |dice: &mut Dice, from, to| dice.once_in(8).then(|| dice.hour(from, to));
        let valid = (bound(dice, 0, 6), bound(dice, 6, 12));
        let holds = (0..2 + dice.roll(7)).map(|_| {
            let what = match dice.roll(12) {
                0..=4 => format!("role r{}", dice.roll(4)),
                5..=6 => format!("sector s{}", dice.roll(SECTORS)),
                7..=10 => "restricted".to_owned(),
                _ => "limited".to_owned(),
            };
            (what, Span::random(dice))
        });
        let holds: Vec<_> = holds.collect();
        let whom = |dice: &mut Dice| match dice.roll(4) {
            0 | 1 => "me".to_owned(),
            2 => "them".to_owned(),
            _ => format!("r{}", dice.roll(4)),
        };
        let mut links: Vec<(usize, &'static str, String, Span)> = Vec::new();
        for _ in 0..dice.roll(5) {
            let (component, item, whom) = (dice.roll(6), dice.pick(&ITEMS), whom(dice));
            let is_new = !links.iter().any(|(c, i, w, _)| (*c, *i, w) == (component, item, &whom));
            if is_new {
                links.push((component, item, whom, Span::random(dice)));
            }
        }
        let mut duties: Vec<_> = (0..dice.roll(5))
            .map(|_| {
                (dice.roll(6), dice.pick(&ITEMS), (!dice.once_in(4)).then(|| whom(dice)), dice.hour(0, 10))
            })
            .collect();
        duties.sort_by_key(|(_, _, _, hour)| *hour);
        // Two in the same hour would leave it to the clock which came last.
        duties.dedup_by_key(|(component, item, _, hour)| (*component, *item, *hour));
        Self { life, valid, holds, links, duties }
    }

    /// Who is responsible for an item at an hour.
    pub(super) fn responsible(&self, component: usize, item: &str, hour: i64) -> Option<&str> {
        let mut who = None;
        for (c, i, whom, since) in &self.duties {
            if *c == component && *i == item && *since <= hour {
                who = whom.as_deref();
            }
        }
        who
    }
}

/// A question: action, number of the component, item.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) action: &'static str,
    pub(super) component: usize,
    pub(super) item: Option<&'static str>,
}

impl Question {
    pub(super) fn random(dice: &mut Dice) -> Self {
        // The seventh component is in no policy.
        let component = dice.roll(7);
        let item = dice.pick(&[None, Some("*"), Some("*"), Some("1"), Some("1"), Some("2"), Some("3")]);
        Self { action: dice.pick(&ACTIONS), component, item }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    No,
    Yes,
    /// Yes, but only what is linked or assigned.
    Some,
}

/// What the rules say.
pub(super) fn verdict(book: &Book, world: &World, asked: &Question, hour: i64) -> Verdict {
    let mut status = "";
    for (since, one) in &world.life {
        if *since <= hour {
            status = one;
        }
    }
    let may_enter = status == "active" || (status == "paused" && book.on_leave_may_enter);
    let too_early = world.valid.0.is_some_and(|from| hour < from);
    let too_late = world.valid.1.is_some_and(|until| hour >= until);
    if !may_enter || too_early || too_late || asked.component >= book.components.len() {
        return Verdict::No;
    }
    let mut mine: Vec<&str> = Vec::new();
    for (what, span) in &world.holds {
        if span.at(hour) {
            mine.push(what);
        }
    }
    let (module, sector, has_items, administration) = book.components[asked.component];
    let limited = mine.contains(&"limited");
    if limited && (administration || asked.action == "administer") {
        return Verdict::No;
    }
    let mut open = false;
    for (number, openings) in book.roles.iter().enumerate() {
        for (opened, actions) in openings {
            let fits = opened.is_none() || *opened == Some(module);
            let acts = actions.as_ref().is_none_or(|some| some.contains(&asked.action));
            open |= fits && acts && mine.contains(&format!("role r{number}").as_str());
        }
    }
    if !open {
        return Verdict::No;
    }
    if limited {
        let Some(sector) = sector else { return Verdict::No };
        if !mine.contains(&format!("sector s{sector}").as_str()) {
            return Verdict::No;
        }
    }
    if !mine.contains(&"restricted") || !has_items || asked.action == "create" {
        return Verdict::Yes;
    }
    let item = match asked.item {
        None | Some("*") => return Verdict::Some,
        Some(item) => item,
    };
    let is_mine = |whom: &str| whom == "me" || mine.contains(&format!("role {whom}").as_str());
    for (component, linked, whom, span) in &world.links {
        if *component == asked.component && *linked == item && span.at(hour) && is_mine(whom) {
            return Verdict::Yes;
        }
    }
    match world.responsible(asked.component, item, hour) {
        Some(whom) if is_mine(whom) => Verdict::Yes,
        _ => Verdict::No,
    }
}
