//! Who is connected, and who must go when there is no room.
//!
//! Invariant: never more than the cap, in all or from one source; who gives way is the one who has asked for nothing
//! longest, so that idle connections, however many, do not keep out those who ask.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A connection that answered a request and then neither asks again nor reads its answer is ended after this time.
const SILENCE: Duration = Duration::from_mins(5);

/// Everybody who is connected.
#[derive(Debug)]
pub(super) struct Guests {
    most: usize,
    most_per_source: usize,
    present: Mutex<HashMap<u64, Arc<Guest>>>,
    turns: AtomicU64,
    left: Notify,
}

/// One connection.
#[derive(Debug)]
struct Guest {
    source: IpAddr,
    /// How many of its requests are being answered.
    running: AtomicU32,
    /// When it last came to rest, as a number that only grows; 0 before its first request.
    rested: AtomicU64,
    /// When it came, likewise.
    came: u64,
    dismissed: CancellationToken,
}

/// The place of one connection; free again when this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    guests: Arc<Guests>,
    guest: Arc<Guest>,
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Serving(Arc<Seat>);

impl Guests {
    pub(super) fn new(most: usize, most_per_source: usize) -> Self {
        Self {
            most,
            most_per_source,
            present: Mutex::default(),
            turns: AtomicU64::new(1),
            left: Notify::new(),
        }
    }

    fn present(&self) -> MutexGuard<'_, HashMap<u64, Arc<Guest>>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }

    /// Gives a connection from `address` a seat, if need be that of whoever has been idle longest. Nothing where its
    /// source fills all of its own seats with requests that are being answered.
    pub(super) async fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let source = source_of(address);
        loop {
            // Asked for before looking, so that nobody leaves unnoticed in between.
            let left = self.left.notified();
            {
                let mut present = self.present();
                let own = present.values().filter(|guest| guest.source == source).count();
                if own >= self.most_per_source && !dismiss(&mut present, |guest| guest.source == source) {
                    return None;
                }
                if present.len() < self.most || dismiss(&mut present, |_| true) {
                    return Some(self.seat(&mut present, source));
                }
            }
            left.await;
        }
    }

    fn seat(self: &Arc<Self>, present: &mut HashMap<u64, Arc<Guest>>, source: IpAddr) -> Seat {
        let guest = Arc::new(Guest {
            source,
            running: AtomicU32::new(0),
            rested: AtomicU64::new(0),
            came: self.turn(),
            dismissed: CancellationToken::new(),
        });
        present.insert(guest.came, Arc::clone(&guest));
        Seat { guests: Arc::clone(self), guest }
    }
}

/// Sends away the one of those who has been idle longest; false where none is idle.
fn dismiss(present: &mut HashMap<u64, Arc<Guest>>, of: impl Fn(&Guest) -> bool) -> bool {
    let is_idle = |guest: &&Arc<Guest>| of(guest) && guest.running.load(Ordering::Acquire) == 0;
    let longest =
        present.values().filter(is_idle).min_by_key(|guest| guest.idle_since()).map(|guest| guest.came);
    let Some(guest) = longest.and_then(|came| present.remove(&came)) else { return false };
    guest.dismissed.cancel();
    true
}

/// Whoever has one address of the newer kind has a whole network of them.
fn source_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(old) => IpAddr::V4(old),
        IpAddr::V6(new) => IpAddr::V6(Ipv6Addr::from_bits(new.to_bits() >> 64 << 64)),
    }
}

impl Guest {
    fn idle_since(&self) -> u64 {
        self.rested.load(Ordering::Acquire).max(self.came)
    }
}

impl Seat {
    /// Marks a request as being answered until the mark is dropped.
    pub(super) fn serve(self: &Arc<Self>) -> Serving {
        self.guest.running.fetch_add(1, Ordering::AcqRel);
        Serving(Arc::clone(self))
    }

    /// Returns when the connection is to end: somebody else needs the seat, its first request did not come within
    /// `head`, or it has been silent for too long.
    pub(super) async fn until_it_must_go(&self, head: Duration) {
        tokio::select! {
            () = self.guest.dismissed.cancelled() => {}
            () = self.falls_silent(head, SILENCE) => {}
        }
    }

    async fn falls_silent(&self, head: Duration, silence: Duration) {
        tokio::time::sleep(head).await;
        let mut seen = 0;
        loop {
            let rested = self.guest.rested.load(Ordering::Acquire);
            if rested == seen && self.guest.running.load(Ordering::Acquire) == 0 {
                return;
            }
            seen = rested;
            tokio::time::sleep(silence).await;
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.guests.present().remove(&self.guest.came);
        self.guests.left.notify_waiters();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let turn = self.0.guests.turn();
        self.0.guest.rested.store(turn, Ordering::Release);
        self.0.guest.running.fetch_sub(1, Ordering::AcqRel);
        // Who waits for a seat may now have this one.
        self.0.guests.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const TWO: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn admitted(guests: &Arc<Guests>, address: IpAddr) -> Option<Arc<Seat>> {
        guests.admit(address).now_or_never().flatten().map(Arc::new)
    }

    fn is_dismissed(seat: &Seat) -> bool {
        seat.guest.dismissed.is_cancelled()
    }

    #[test]
    fn the_one_who_was_idle_longest_gives_way() {
        let guests = Arc::new(Guests::new(2, 2));
        let first = admitted(&guests, ONE).unwrap();
        let second = admitted(&guests, TWO).unwrap();
        drop(first.serve());
        let third = admitted(&guests, ONE).unwrap();
        assert!(is_dismissed(&second) && !is_dismissed(&first));
        drop(second);
        assert_eq!(guests.present().len(), 2, "a seat is given back once");
        drop((first, third));
        assert!(guests.present().is_empty());
    }

    #[test]
    fn a_source_fills_its_own_seats_and_no_others() {
        let guests = Arc::new(Guests::new(10, 2));
        let seats = [admitted(&guests, ONE).unwrap(), admitted(&guests, ONE).unwrap()];
        let stranger = admitted(&guests, TWO).unwrap();
        let busy: Vec<Serving> = seats.iter().map(Seat::serve).collect();
        assert!(admitted(&guests, ONE).is_none(), "each of its seats is at work");
        drop(busy);
        assert!(admitted(&guests, ONE).is_some());
        assert!(is_dismissed(&seats[0]) && !is_dismissed(&stranger));
    }

    #[tokio::test]
    async fn where_everybody_is_at_work_a_newcomer_waits_for_a_seat() {
        let guests = Arc::new(Guests::new(1, 1));
        let seat = admitted(&guests, ONE).unwrap();
        let serving = seat.serve();
        let mut newcomer = std::pin::pin!(guests.admit(TWO));
        assert!((&mut newcomer).now_or_never().is_none());
        drop(serving);
        assert!(newcomer.await.is_some());
        assert!(is_dismissed(&seat));
    }

    #[tokio::test]
    async fn who_never_asks_or_falls_silent_must_go_but_nobody_who_is_being_answered() {
        let guests = Arc::new(Guests::new(2, 2));
        let seat = admitted(&guests, ONE).unwrap();
        seat.falls_silent(Duration::ZERO, Duration::MAX).await;
        let serving = seat.serve();
        let patience = Duration::from_millis(20);
        let gone = tokio::time::timeout(patience, seat.falls_silent(Duration::ZERO, Duration::ZERO)).await;
        assert!(gone.is_err(), "a request that is being answered is waited for");
        drop(serving);
        seat.falls_silent(Duration::ZERO, Duration::ZERO).await;
    }

    #[test]
    fn a_network_of_the_newer_addresses_is_one_source() {
        let of = |text: &str| source_of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), ONE);
    }
}
