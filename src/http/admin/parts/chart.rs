//! Charts: SVG that the server draws, with the numbers beside it as text.
//!
//! Invariant: who does not see the drawing misses nothing: each bar has its number, each line its story.

use std::fmt::Write as _;

use askama::Template;
use askama::filters::HtmlSafe;

use super::super::super::pages::Frame;

/// One bar.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    /// What it stands for.
    pub(crate) words: String,
    /// The very list that it counted.
    pub(crate) address: Option<String>,
    /// How many.
    pub(crate) value: usize,
    /// `c1` and `c2` for the ordinary, `c3` past the limit, `c4` for none.
    pub(crate) class: &'static str,
}

/// Bars below each other, the longest as wide as there is room.
#[derive(Debug, Clone, Template)]
#[template(path = "admin/parts/bars.html")]
pub(crate) struct Bars {
    frame: Frame,
    /// What is counted, for those who do not see it.
    caption: &'static str,
    /// What stands before the bars.
    head: &'static str,
    rows: Vec<Bar>,
}

impl HtmlSafe for Bars {}

impl Bars {
    /// Bars under a caption.
    pub(crate) fn new(frame: &Frame, caption: &'static str, head: &'static str, bars: Vec<Bar>) -> Self {
        Self { frame: frame.clone(), caption, head, rows: bars }
    }

    /// The width of a bar, in percent of the room.
    fn width(&self, bar: &Bar) -> String {
        let longest = self.rows.iter().map(|bar| bar.value).max().unwrap_or(0).max(1);
        tenths(bar.value, longest)
    }
}

/// A line over time, with the area below it.
#[derive(Debug, Clone, Template)]
#[template(path = "admin/parts/plot.html")]
pub(crate) struct Plot {
    /// What the line tells, in a sentence.
    label: String,
    /// Three marks of the height, the highest first.
    marks: [String; 3],
    /// Words below the line.
    below: Vec<String>,
    points: String,
}

impl HtmlSafe for Plot {}

impl Plot {
    /// A line through `values`, from the left to the right.
    pub(crate) fn new(frame: &Frame, label: String, values: &[usize], below: Vec<String>) -> Self {
        let top = ceiling(values.iter().copied().max().unwrap_or(0));
        let last = values.len().saturating_sub(1).max(1);
        let mut points = String::new();
        for (place, value) in values.iter().enumerate() {
            let (x, y) = (tenths(place, last), tenths(top - value, top));
            // Writing to a text cannot fail.
            let _ = write!(points, "{}{x},{y}", if place == 0 { "" } else { " " });
        }
        let marks = [frame.number(top), frame.number(top / 2), "0".to_owned()];
        Self { label, marks, below, points }
    }
}

/// The part in percent, with one decimal.
fn tenths(part: usize, whole: usize) -> String {
    let tenths = part.saturating_mul(1000) / whole.max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// The next round even number that is not smaller.
fn ceiling(most: usize) -> usize {
    let mut unit = 1_usize;
    loop {
        for step in [2, 4, 6, 8, 10] {
            let top = step * unit;
            if top >= most {
                return top;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_a_plot_is_a_round_even_number() {
        let tops: Vec<usize> = [0, 1, 7, 73, 81, 100, 1_234, 99_999].into_iter().map(ceiling).collect();
        assert_eq!(tops, [2, 2, 8, 80, 100, 100, 2_000, 100_000]);
    }

    #[test]
    fn a_part_is_told_in_percent_with_one_decimal() {
        assert_eq!(
            (tenths(17, 61).as_str(), tenths(61, 61).as_str(), tenths(0, 0).as_str()),
            ("27.8", "100.0", "0.0")
        );
    }
}
