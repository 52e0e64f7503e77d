//! What was measured, as a table for people and as JSON.
//!
//! Invariant: each row says what it was compared with, and whether the aim was reached; a wrong answer is never hidden.

use serde_json::{Value, json};

use crate::measure::Tally;

/// One measurement.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// The name that `--only` takes.
    pub(crate) name: &'static str,
    /// What was measured.
    pub(crate) what: String,
    /// What it came to.
    pub(crate) figure: f64,
    /// In what: `/s`, `ms`, `MiB`, `µs`.
    pub(crate) unit: &'static str,
    /// What it is compared with, and what that came to.
    pub(crate) beside: Option<(&'static str, f64)>,
    /// The figure as a part of the other one. Not always their quotient: it is the median of the slices.
    pub(crate) ratio: Option<f64>,
    /// What is wanted.
    pub(crate) aim: Option<Aim>,
    /// Half of the requests, and 99 of 100, were faster than this, in milliseconds.
    pub(crate) times: Option<(f64, f64)>,
    /// What else there is to say.
    pub(crate) note: String,
    /// What was wrong.
    pub(crate) tally: Tally,
}

/// What is wanted of a ratio, or of a figure where there is none.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Aim {
    /// No less than this.
    AtLeast(f64),
    /// No more than this.
    AtMost(f64),
}

impl Row {
    /// A figure alone.
    pub(crate) fn new(name: &'static str, what: impl Into<String>, figure: f64, unit: &'static str) -> Self {
        Self {
            name,
            what: what.into(),
            figure,
            unit,
            beside: None,
            ratio: None,
            aim: None,
            times: None,
            note: String::new(),
            tally: Tally::default(),
        }
    }

    /// With what it is compared with.
    pub(crate) fn beside(mut self, what: &'static str, figure: f64, ratio: f64) -> Self {
        self.beside = Some((what, figure));
        self.ratio = Some(ratio);
        self
    }

    /// With what is wanted.
    pub(crate) fn aim(mut self, aim: Aim) -> Self {
        self.aim = Some(aim);
        self
    }

    /// With something to add.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// With what was wrong.
    pub(crate) fn tally(mut self, tally: Tally) -> Self {
        self.tally.absorb(tally);
        self
    }

    /// Whether the aim was reached; nothing where there is none.
    pub(crate) fn is_reached(&self) -> Option<bool> {
        let got = self.ratio.unwrap_or(self.figure);
        self.aim.map(|aim| match aim {
            Aim::AtLeast(limit) => got >= limit,
            Aim::AtMost(limit) => got <= limit,
        })
    }

    fn aim_told(&self) -> String {
        match self.aim {
            None => String::new(),
            Some(Aim::AtLeast(limit)) => format!("≥ {limit}"),
            Some(Aim::AtMost(limit)) => format!("≤ {limit}"),
        }
    }

    fn json(&self) -> Value {
        let limit = self.aim.map(|aim| match aim {
            Aim::AtLeast(limit) => json!({ "at_least": limit }),
            Aim::AtMost(limit) => json!({ "at_most": limit }),
        });
        json!({
            "name": self.name, "what": self.what, "figure": self.figure, "unit": self.unit,
            "beside": self.beside.map(|(what, figure)| json!({ "what": what, "figure": figure })),
            "ratio": self.ratio, "aim": limit, "is_reached": self.is_reached(),
            "p50_ms": self.times.map(|times| times.0), "p99_ms": self.times.map(|times| times.1),
            "note": self.note, "wrong": self.tally.wrong, "first_wrong": self.tally.first,
        })
    }
}

/// A whole run.
#[derive(Debug)]
pub(crate) struct Table {
    /// Engine, machine, how many people and callers.
    pub(crate) head: String,
    /// What was measured.
    pub(crate) rows: Vec<Row>,
}

impl Table {
    /// How many answers were wrong.
    pub(crate) fn wrong(&self) -> u64 {
        self.rows.iter().map(|row| row.tally.wrong).sum()
    }

    /// As text.
    pub(crate) fn text(&self) -> String {
        let mut lines = vec![self.head.clone(), String::new()];
        lines.push(line(&["what", "figure", "beside", "ratio", "aim", "", "p50 / p99 ms", ""]));
        for row in &self.rows {
            let figure = format!("{} {}", number(row.figure), row.unit);
            let beside = row.beside.map(|(what, figure)| format!("{what} {}", number(figure)));
            let ratio = row.ratio.map(|ratio| format!("{ratio:.3}"));
            let reached = row.is_reached().map_or("", |reached| if reached { "yes" } else { "no" });
            let times = row.times.map(|(half, most)| format!("{half:.2} / {most:.2}"));
            lines.push(line(&[
                &row.what,
                &figure,
                &beside.unwrap_or_default(),
                &ratio.unwrap_or_default(),
                &row.aim_told(),
                reached,
                &times.unwrap_or_default(),
                &row.note,
            ]));
            if row.tally.wrong > 0 {
                let first = row.tally.first.as_deref().unwrap_or_default();
                lines.push(format!("    WRONG {} times; the first: {first}", row.tally.wrong));
            }
        }
        lines.join("\n")
    }

    /// As JSON.
    pub(crate) fn json(&self) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(Row::json).collect();
        json!({ "run": self.head, "wrong": self.wrong(), "rows": rows })
    }
}

fn line(cells: &[&str; 8]) -> String {
    let widths = [52, 15, 30, 8, 8, 4, 18, 0];
    let padded: Vec<String> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| {
            format!("{cell}{}", " ".repeat(usize::saturating_sub(width, cell.chars().count())))
        })
        .collect();
    padded.join(" ").trim_end().to_owned()
}

fn number(figure: f64) -> String {
    if figure >= 100.0 { format!("{figure:.0}") } else { format!("{figure:.2}") }
}
