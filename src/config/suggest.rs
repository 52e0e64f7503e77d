//! Finds the word that somebody probably meant.
//!
//! Invariant: a suggestion is always one of the words that would be taken.

/// The sentence that helps: the nearest of `known`, or all of them when none is near.
pub(crate) fn suggest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let wanted = wrong.to_lowercase();
    let nearest = known
        .iter()
        .map(|word| (distance(&wanted, &word.to_lowercase()), *word))
        .filter(|(steps, word)| *steps <= (word.chars().count().max(wanted.chars().count()) / 3).max(1))
        .min();
    match nearest {
        Some((_, word)) => format!("did you mean {word:?}?"),
        None if known.is_empty() => "there is none to choose from".to_owned(),
        None => format!("use one of: {}", known.join(", ")),
    }
}

/// How many letters must be added, dropped, changed or swapped with their neighbour.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    let mut previous_letter = None;
    for (row, letter) in from.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in to.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut best = (at(&last, column) + usize::from(letter != *other))
                .min(at(&last, column + 1) + 1)
                .min(at(&current, column) + 1);
            let swapped =
                column > 0 && previous_letter == Some(*other) && to.get(column - 1) == Some(&letter);
            if swapped {
                best = best.min(at(&before_last, column - 1) + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
        previous_letter = Some(letter);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        let roles = ["board", "communicator"];
        assert_eq!(suggest("bord", roles), "did you mean \"board\"?");
        assert_eq!(suggest("baord", roles), "did you mean \"board\"?");
        assert_eq!(suggest("Board", roles), "did you mean \"board\"?");
    }

    #[test]
    fn a_word_that_is_near_nothing_gets_the_whole_list() {
        assert_eq!(suggest("treasurer", ["board", "helper"]), "use one of: board, helper");
        assert_eq!(suggest("x", []), "there is none to choose from");
    }

    #[test]
    fn a_neighbour_swap_counts_as_one_step() {
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("listen", "listen"), 0);
    }
}
