//! How two texts differ, line by line.
//!
//! Invariant: the lines that are kept or removed are the former text, those that are kept or added the new one.

/// A line of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// In both.
    Kept(&'a str),
    /// Only in the former.
    Removed(&'a str),
    /// Only in the new one.
    Added(&'a str),
}

/// Beyond so many pairs of lines the middle is told as one block: a policy is a page, not a library.
const MOST: usize = 4_000_000;

/// Compares two texts: what is equal at both ends is kept, the middle is the shortest change of lines.
#[must_use]
pub fn text_changes<'a>(former: &'a str, new: &'a str) -> Vec<Line<'a>> {
    let (former, new): (Vec<&str>, Vec<&str>) = (former.lines().collect(), new.lines().collect());
    let head = former.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (former_rest, new_rest) =
        (former.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let tail = former_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let former_middle = former_rest.get(..former_rest.len() - tail).unwrap_or_default();
    let new_middle = new_rest.get(..new_rest.len() - tail).unwrap_or_default();
    let mut lines: Vec<Line<'a>> = former.iter().take(head).map(|line| Line::Kept(line)).collect();
    middle(former_middle, new_middle, &mut lines);
    lines.extend(former.iter().skip(former.len() - tail).map(|line| Line::Kept(line)));
    lines
}

fn middle<'a>(former: &[&'a str], new: &[&'a str], lines: &mut Vec<Line<'a>>) {
    if former.len().saturating_mul(new.len()) > MOST {
        lines.extend(former.iter().map(|line| Line::Removed(line)));
        lines.extend(new.iter().map(|line| Line::Added(line)));
        return;
    }
    let common = common_lengths(former, new);
    let length = |a: usize, b: usize| common.get(a).and_then(|row| row.get(b)).copied().unwrap_or_default();
    let (mut a, mut b) = (0, 0);
    loop {
        match (former.get(a), new.get(b)) {
            (Some(one), Some(other)) if one == other => {
                lines.push(Line::Kept(one));
                (a, b) = (a + 1, b + 1);
            }
            (Some(one), other) if other.is_none() || length(a + 1, b) >= length(a, b + 1) => {
                lines.push(Line::Removed(one));
                a += 1;
            }
            (_, Some(other)) => {
                lines.push(Line::Added(other));
                b += 1;
            }
            (_, None) => break,
        }
    }
}

/// The length of the longest common part from each pair of lines on.
fn common_lengths(former: &[&str], new: &[&str]) -> Vec<Vec<u32>> {
    let mut rows: Vec<Vec<u32>> = vec![vec![0; new.len() + 1]];
    for line in former.iter().rev() {
        let mut row = vec![0_u32];
        let below = rows.last().map(Vec::as_slice).unwrap_or_default();
        for (at, other) in new.iter().enumerate().rev() {
            let beside = row.last().copied().unwrap_or_default();
            let diagonal = below.get(at + 1).copied().unwrap_or_default();
            let under = below.get(at).copied().unwrap_or_default();
            row.push(if line == other { diagonal + 1 } else { beside.max(under) });
        }
        row.reverse();
        rows.push(row);
    }
    rows.reverse();
    rows
}

/// The comparison as people read it: three lines around each change, `…` between.
#[must_use]
pub fn shown(lines: &[Line<'_>]) -> Vec<String> {
    const AROUND: usize = 3;
    let is_change = |line: &Line<'_>| !matches!(line, Line::Kept(_));
    let changes: Vec<usize> =
        lines.iter().enumerate().filter(|(_, line)| is_change(line)).map(|(at, _)| at).collect();
    let mut shown = Vec::new();
    let mut last: Option<usize> = None;
    for (at, line) in lines.iter().enumerate() {
        let next = changes.partition_point(|change| *change < at.saturating_sub(AROUND));
        if changes.get(next).is_none_or(|change| *change > at + AROUND) {
            continue;
        }
        if last.is_some_and(|last| last + 1 < at) {
            shown.push("…".to_owned());
        }
        last = Some(at);
        shown.push(match line {
            Line::Kept(text) => format!("  {text}"),
            Line::Removed(text) => format!("- {text}"),
            Line::Added(text) => format!("+ {text}"),
        });
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_texts_can_be_read_back_from_a_comparison(
            former in proptest::collection::vec("[a-c]", 0..12), new in proptest::collection::vec("[a-c]", 0..12),
        ) {
            let (one, other) = (former.join("\n"), new.join("\n"));
            let lines = text_changes(&one, &other);
            let without = |skip: fn(&Line<'_>) -> bool| -> Vec<&str> {
                lines.iter().filter(|line| !skip(line))
                    .map(|line| match line { Line::Kept(t) | Line::Removed(t) | Line::Added(t) => *t }).collect()
            };
            prop_assert_eq!(without(|line| matches!(line, Line::Added(_))), one.lines().collect::<Vec<_>>());
            prop_assert_eq!(without(|line| matches!(line, Line::Removed(_))), other.lines().collect::<Vec<_>>());
            if one == other {
                prop_assert!(lines.iter().all(|line| matches!(line, Line::Kept(_))));
            }
        }
    }

    #[test]
    fn a_change_is_shown_with_three_lines_around_it() {
        let former = "1\n2\n3\n4\n5\n6\n7\n8\n9";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9";
        let found = shown(&text_changes(former, new));
        assert_eq!(found, ["  2", "  3", "  4", "- 5", "+ five", "  6", "  7", "  8"]);
        assert!(shown(&text_changes(former, former)).is_empty());
    }
}
