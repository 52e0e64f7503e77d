//! Shows the resources of a page.
//!
//! Invariant: a page that would be too large ends earlier, after a whole resource; its first resource is always shown.

use std::collections::HashMap;
use std::ops::ControlFlow;

use uuid::Uuid;

use super::super::super::Refusal;
use super::super::wire;
use super::{Lister, PAGE_BYTES, walk};
use crate::scim::ResourceKind;
use crate::scim::write::References;
use crate::store::Conn;
use crate::store::sheet::{self, Members, Sheet};

impl Lister<'_> {
    /// One of which nothing has to be read beside it.
    pub(super) fn show_one(&self, sheet: &Sheet) -> Result<Vec<u8>, Refusal> {
        let projection = &self.query.projection;
        let shown = match self.kind {
            ResourceKind::User => wire::person_sheet(sheet, self.base, projection),
            ResourceKind::Group => wire::group_sheet(sheet, None, &[], self.base, projection),
        };
        shown.map(|shown| shown.body)
    }

    /// A page, or as much of its beginning as is not too large.
    pub(super) async fn show(&self, mut c: Conn, page: &[Sheet]) -> Result<Vec<Vec<u8>>, Refusal> {
        if !self.shows_members() {
            drop(c);
            let mut shown = Shown::new(page.len());
            for (place, sheet) in page.iter().enumerate() {
                shown.put(place, self.show_one(sheet)?);
                if shown.ends_after(place) {
                    break;
                }
            }
            return Ok(shown.in_order());
        }
        if References::members(self.base, &self.query.projection).shows_names() {
            return self.show_with_names(&mut c, page).await;
        }
        self.show_with_members(&mut c, page).await
    }

    /// The members of all groups of the page come in one statement.
    async fn show_with_members(&self, c: &mut Conn, page: &[Sheet]) -> Result<Vec<Vec<u8>>, Refusal> {
        let places: HashMap<Uuid, (usize, &Sheet)> =
            page.iter().enumerate().map(|(place, sheet)| (sheet.id, (place, sheet))).collect();
        let ids: Vec<Uuid> = page.iter().map(|sheet| sheet.id).collect();
        let mut shown = Shown::new(page.len());
        let mut failed = None;
        sheet::members(c, &ids, None, |group, members| {
            let Some((place, sheet)) = places.get(&group.uuid()) else { return ControlFlow::Continue(()) };
            if *place < shown.end {
                match self.show_group(sheet, &members, &[]) {
                    Ok(body) => shown.put(*place, body),
                    Err(error) => failed = Some(error),
                }
            }
            // The groups come in the order of their ids: in a sorted list one further ahead may still follow.
            let is_done = self.query.sort.is_none() && shown.ends_after(*place);
            if failed.is_some() || is_done { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .await?;
        failed.map_or(Ok(()), Err)?;
        let nobody = Members::default();
        for (place, sheet) in page.iter().enumerate() {
            if shown.is_missing(place) {
                shown.put(place, self.show_group(sheet, &nobody, &[])?);
            }
        }
        Ok(shown.in_order())
    }

    /// Names of members are asked for seldom, and cost a look at each person.
    async fn show_with_names(&self, c: &mut Conn, page: &[Sheet]) -> Result<Vec<Vec<u8>>, Refusal> {
        let mut shown = Shown::new(page.len());
        for (place, sheet) in page.iter().enumerate() {
            let (members, names) = walk::named(c, sheet.id).await?;
            shown.put(place, self.show_group(sheet, &members, &names)?);
            if shown.ends_after(place) {
                break;
            }
        }
        Ok(shown.in_order())
    }

    fn show_group(&self, sheet: &Sheet, members: &Members, names: &[String]) -> Result<Vec<u8>, Refusal> {
        let projection = &self.query.projection;
        wire::group_sheet(sheet, Some(members), names, self.base, projection).map(|shown| shown.body)
    }
}

/// Bodies at their places on the page. Where they become too much, those furthest back are given up.
struct Shown {
    bodies: Vec<Option<Vec<u8>>>,
    /// The page ends before this place.
    end: usize,
    bytes: usize,
}

impl Shown {
    fn new(length: usize) -> Self {
        Self { bodies: vec![None; length], end: length, bytes: 0 }
    }

    fn is_missing(&self, place: usize) -> bool {
        place < self.end && self.bodies.get(place).is_some_and(Option::is_none)
    }

    /// Puts a body at its place.
    fn put(&mut self, place: usize, body: Vec<u8>) {
        self.bytes += body.len();
        if let Some(slot) = self.bodies.get_mut(place) {
            *slot = Some(body);
        }
        while self.bytes > PAGE_BYTES && self.end > 1 {
            self.end -= 1;
            let given_up = self.bodies.get_mut(self.end).and_then(Option::take);
            self.bytes -= given_up.map_or(0, |body| body.len());
        }
    }

    /// What comes after this place is not shown any more.
    fn ends_after(&self, place: usize) -> bool {
        self.end <= place + 1
    }

    fn in_order(self) -> Vec<Vec<u8>> {
        self.bodies.into_iter().take(self.end).flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THIRD: usize = PAGE_BYTES / 3;

    #[test]
    fn a_page_that_would_be_too_large_ends_after_a_whole_resource() {
        let mut shown = Shown::new(5);
        for place in 0..3 {
            shown.put(place, vec![0; THIRD]);
            assert!(!shown.ends_after(place));
        }
        shown.put(3, vec![0; THIRD]);
        assert!(shown.ends_after(3) && !shown.is_missing(3) && !shown.is_missing(4));
        assert_eq!(shown.in_order().len(), 3);
    }

    #[test]
    fn what_comes_out_of_order_takes_the_place_of_what_stands_further_back() {
        let mut shown = Shown::new(5);
        for place in [4, 3, 2] {
            shown.put(place, vec![0; THIRD]);
        }
        shown.put(0, vec![1; THIRD]);
        assert!(shown.is_missing(1));
        shown.put(1, vec![1; THIRD]);
        let bodies = shown.in_order();
        assert_eq!(bodies.iter().map(|body| body[0]).collect::<Vec<_>>(), [1, 1, 0]);
    }

    #[test]
    fn the_first_resource_is_shown_however_large_it_is() {
        let mut shown = Shown::new(2);
        shown.put(0, vec![0; PAGE_BYTES * 2]);
        assert!(shown.ends_after(0));
        assert_eq!(shown.in_order().len(), 1);
    }
}
