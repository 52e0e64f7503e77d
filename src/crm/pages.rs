//! Everybody that a CRM has, page by page.
//!
//! Invariant: who has read to the end has read everybody, or is told that it is not so.

use crate::domain::comparison::Holding;

use super::{rest, scim, sql};

/// A reading that goes on.
#[derive(Debug)]
pub struct Pages(pub(super) Kind);

/// How it is read.
#[derive(Debug)]
pub(super) enum Kind {
    /// Over the CRM's own API.
    Rest(Box<rest::Pages>),
    /// Over SCIM.
    Scim(Box<scim::Pages>),
    /// From its tables.
    Sql(Box<sql::Pages>),
}

impl Pages {
    /// The next users; none: that was all.
    ///
    /// # Errors
    ///
    /// Why the reading is not whole. May hold words of the CRM.
    pub async fn next(&mut self) -> Result<Vec<Holding>, String> {
        let page = match &mut self.0 {
            Kind::Rest(pages) => pages.next().await,
            Kind::Scim(pages) => pages.next().await,
            Kind::Sql(pages) => pages.next().await,
        };
        page.map_err(super::failed::Failed::words)
    }
}

/// What a list said of its own length must hold: as many as it said at first, and the same at every page.
#[derive(Debug, Default)]
pub(crate) struct Length {
    said: Option<u64>,
    read: u64,
}

impl Length {
    /// How many were read.
    pub(crate) const fn read(&self) -> u64 {
        self.read
    }

    /// Counts a page. Gives whether it was the last; nothing: the list does not say how long it is.
    ///
    /// # Errors
    ///
    /// That the CRM changed while it was read, or gives less than it says.
    pub(crate) fn count(&mut self, total: Option<u64>, page: usize) -> Result<Option<bool>, String> {
        self.read = self.read.saturating_add(u64::try_from(page).unwrap_or(u64::MAX));
        let Some(total) = total else { return Ok(None) };
        let said = *self.said.get_or_insert(total);
        if said != total || self.read > total {
            return Err(format!(
                "the CRM changed while it was read: it said {said} users first, then {total}, and gave {}; try again",
                self.read
            ));
        }
        if page == 0 && self.read < total {
            return Err(format!("the list ended after {} of {total} users", self.read));
        }
        Ok(Some(self.read == total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_over_when_it_gave_what_it_said_and_never_otherwise() {
        let mut length = Length::default();
        assert_eq!(length.count(Some(3), 2), Ok(Some(false)));
        assert_eq!(length.count(Some(3), 1), Ok(Some(true)));
        let mut short = Length::default();
        assert_eq!(short.count(Some(3), 2), Ok(Some(false)));
        assert!(short.count(Some(3), 0).unwrap_err().contains("ended after 2 of 3"));
        let mut changed = Length::default();
        assert_eq!(changed.count(Some(3), 2), Ok(Some(false)));
        assert!(changed.count(Some(2), 0).unwrap_err().contains("changed while it was read"));
        let mut more = Length::default();
        assert!(more.count(Some(1), 2).is_err());
        assert_eq!(Length::default().count(None, 5), Ok(None));
        assert_eq!(Length::default().count(Some(0), 0), Ok(Some(true)));
    }
}
