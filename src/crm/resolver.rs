//! Finds the address of a CRM's name, and checks it.
//!
//! Invariant: a connection is made only to addresses that were checked in this very look-up, so a name that
//! answers differently the second time gains nothing; one forbidden address among several refuses them all.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::reach;

/// A name that leads where no CRM may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    /// One of its addresses is not allowed.
    #[error(
        "{name} leads to {address}, which is {what}; allow_private permits private networks, nothing permits the rest"
    )]
    Forbidden {
        /// The name.
        name: String,
        /// Where it leads.
        address: std::net::IpAddr,
        /// What is there.
        what: &'static str,
    },
    /// It has no address at all.
    #[error("{0} has no address")]
    Nowhere(String),
}

/// Asks the machine's own resolver.
#[derive(Debug)]
pub(crate) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Asks another resolver and lets through only what is allowed.
pub(crate) struct CheckedResolver {
    inner: Arc<dyn Resolve>,
    private_allowed: bool,
}

impl CheckedResolver {
    pub(crate) fn new(inner: Arc<dyn Resolve>, private_allowed: bool) -> Self {
        Self { inner, private_allowed }
    }
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let text = name.as_str().to_owned();
        let (asked, private_allowed) = (self.inner.resolve(name), self.private_allowed);
        Box::pin(async move {
            let found: Vec<SocketAddr> = asked.await?.collect();
            if found.is_empty() {
                return Err(NameError::Nowhere(text).into());
            }
            for address in found.iter().map(SocketAddr::ip) {
                if let Some(what) = reach(address).objection(private_allowed) {
                    return Err(NameError::Forbidden { name: text, address, what }.into());
                }
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use super::*;

    /// Answers each look-up with the next list; the last one stays.
    #[derive(Debug)]
    pub(crate) struct Scripted(Mutex<VecDeque<Vec<SocketAddr>>>);

    impl Scripted {
        pub(crate) fn new<const N: usize>(answers: [&[&str]; N]) -> Arc<Self> {
            let read = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
            Arc::new(Self(Mutex::new(answers.iter().map(read).collect())))
        }
    }

    impl Resolve for Scripted {
        fn resolve(&self, _: Name) -> Resolving {
            let mut left = self.0.lock().unwrap();
            let answer = if left.len() > 1 { left.pop_front() } else { left.front().cloned() };
            Box::pin(async move { Ok(Box::new(answer.unwrap_or_default().into_iter()) as Addrs) })
        }
    }

    async fn ask(answers: &[&str], private_allowed: bool) -> Result<usize, String> {
        let checked = CheckedResolver::new(Scripted::new([answers]), private_allowed);
        let found = checked.resolve("crm.example".parse().unwrap()).await;
        found.map(Iterator::count).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn one_forbidden_address_among_good_ones_refuses_the_name() {
        let said = ask(&["93.184.215.14:0", "169.254.169.254:0"], false).await.unwrap_err();
        assert!(said.contains("crm.example") && said.contains("metadata"), "{said}");
        assert_eq!(ask(&["93.184.215.14:0", "1.1.1.1:0"], false).await, Ok(2));
    }

    #[tokio::test]
    async fn allowing_private_networks_does_not_allow_the_metadata_address() {
        assert_eq!(ask(&["10.0.0.7:0"], true).await, Ok(1));
        assert!(ask(&["10.0.0.7:0"], false).await.is_err());
        assert!(ask(&["169.254.169.254:0"], true).await.is_err());
    }

    #[tokio::test]
    async fn a_name_without_addresses_is_an_error() {
        assert!(ask(&[], true).await.unwrap_err().contains("no address"));
    }
}
