//! How often things may be done, counted without clocks of their own: whoever counts says what time it is.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::Address;
use lru::LruCache;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::{RateLimit, RpcLimits};
use crate::connection::Connection;
use crate::ivm::IvmError;

/// What is left of a [`RateLimit`]: each use is owed for a while, and no more than the burst may be owed (GCRA).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bucket {
    /// When nothing will be owed.
    free_at: Duration,
}

impl Bucket {
    /// Uses it once, at a time since some start; `false`, and nothing is used, when the limit is reached.
    pub(crate) fn take(&mut self, limit: &RateLimit, now: Duration) -> bool {
        let step = step(limit);
        let next = self.free_at.max(now).saturating_add(step);
        let allowed = next.saturating_sub(now) <= step.saturating_mul(limit.burst.max(1));
        if allowed {
            self.free_at = next;
        }
        allowed
    }

    /// Undoes a use.
    fn put_back(&mut self, limit: &RateLimit) {
        self.free_at = self.free_at.saturating_sub(step(limit));
    }

    /// Whether it is as one that was never used.
    fn is_full(&self, now: Duration) -> bool {
        self.free_at <= now
    }
}

/// Time for which one use is owed.
fn step(limit: &RateLimit) -> Duration {
    limit.window / limit.count.max(1)
}

fn limited(what: &'static str, limit: &RateLimit) -> IvmError {
    let window_ms = u64::try_from(limit.window.as_millis()).unwrap_or(u64::MAX);
    IvmError::RateLimited { what, limit: limit.count.max(1), window_ms }
}

/// Counts what clients do that costs the node something.
pub(crate) struct Rates {
    started: Instant,
    submissions_per_connection: RateLimit,
    submissions_per_consumer: RateLimit,
    estimates_per_connection: RateLimit,
    max_estimates_per_connection: usize,
    max_estimates: usize,
    estimates: Arc<Semaphore>,
    consumers: Mutex<LruCache<Address, Bucket>>,
}

impl Rates {
    pub(crate) fn new(limits: &RpcLimits) -> Self {
        let consumers = NonZeroUsize::new(limits.max_counted_consumers).unwrap_or(NonZeroUsize::MIN);
        Self {
            started: Instant::now(),
            submissions_per_connection: limits.submissions_per_connection,
            submissions_per_consumer: limits.submissions_per_consumer,
            estimates_per_connection: limits.estimates_per_connection,
            max_estimates_per_connection: limits.max_running_estimates_per_connection,
            max_estimates: limits.max_running_estimates,
            estimates: Arc::new(Semaphore::new(limits.max_running_estimates.min(Semaphore::MAX_PERMITS))),
            consumers: Mutex::new(LruCache::new(consumers)),
        }
    }

    /// Counts a submission for its connection.
    pub(crate) fn submission(&self, connection: &Connection) -> Result<(), IvmError> {
        let limit = &self.submissions_per_connection;
        let taken = connection.submissions.lock().take(limit, self.started.elapsed());
        taken.then_some(()).ok_or_else(|| limited("submissions of this connection", limit))
    }

    /// Counts a submission for the consumer it names, unless what this gives is dropped without being kept: nobody has
    /// shown yet that the consumer signed it.
    pub(crate) fn consumer(&self, consumer: Address) -> Result<ConsumerTurn<'_>, IvmError> {
        let limit = &self.submissions_per_consumer;
        let now = self.started.elapsed();
        let taken = self.consumers.lock().get_or_insert_mut(consumer, Bucket::default).take(limit, now);
        let turn = || ConsumerTurn { rates: self, consumer, end: TurnEnd::PutBack };
        taken.then(turn).ok_or_else(|| limited("submissions for this consumer", limit))
    }

    /// Counts an estimate, which is under way while what this gives lives.
    pub(crate) fn estimate(&self, connection: &Connection) -> Result<EstimateTurn, IvmError> {
        let busy = |what, limit| IvmError::Busy { what, limit };
        let own = Arc::clone(&connection.running_estimates).try_acquire_owned();
        let own = own.map_err(|_| {
            busy("estimates of this connection are under way", self.max_estimates_per_connection)
        })?;
        let shared = Arc::clone(&self.estimates).try_acquire_owned();
        let shared = shared.map_err(|_| busy("estimates are under way", self.max_estimates))?;
        let limit = &self.estimates_per_connection;
        if !connection.estimates.lock().take(limit, self.started.elapsed()) {
            return Err(limited("estimates of this connection", limit));
        }
        Ok(EstimateTurn { _own: own, _shared: shared })
    }

    fn put_back(&self, consumer: Address) {
        let now = self.started.elapsed();
        let mut consumers = self.consumers.lock();
        let Some(bucket) = consumers.peek_mut(&consumer) else { return };
        bucket.put_back(&self.submissions_per_consumer);
        if bucket.is_full(now) {
            // So that consumers who are made up do not push out those who are counted.
            consumers.pop(&consumer);
        }
    }
}

/// Room for an estimate.
pub(crate) struct EstimateTurn {
    _own: OwnedSemaphorePermit,
    _shared: OwnedSemaphorePermit,
}

enum TurnEnd {
    Keep,
    PutBack,
}

/// A submission that counts for its consumer if it is kept.
pub(crate) struct ConsumerTurn<'a> {
    rates: &'a Rates,
    consumer: Address,
    end: TurnEnd,
}

impl ConsumerTurn<'_> {
    /// The submission was taken: it counts.
    pub(crate) fn keep(mut self) {
        self.end = TurnEnd::Keep;
    }
}

impl Drop for ConsumerTurn<'_> {
    fn drop(&mut self) {
        if matches!(self.end, TurnEnd::PutBack) {
            self.rates.put_back(self.consumer);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: RateLimit = RateLimit::per_second(10, 3);

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let mut bucket = Bucket::default();
        let takes = |bucket: &mut Bucket, now| (0..5).filter(|_| bucket.take(&LIMIT, now)).count();
        assert_eq!(takes(&mut bucket, ms(0)), 3);
        assert_eq!(takes(&mut bucket, ms(99)), 0);
        assert_eq!(takes(&mut bucket, ms(100)), 1);
        assert_eq!(takes(&mut bucket, ms(350)), 2);
        assert_eq!(takes(&mut bucket, ms(100_000)), 3, "no more than the burst comes together");
    }

    #[test]
    fn what_is_put_back_can_be_taken_again() {
        let mut bucket = Bucket::default();
        while bucket.take(&LIMIT, ms(5)) {}
        bucket.put_back(&LIMIT);
        assert!(bucket.take(&LIMIT, ms(5)) && !bucket.take(&LIMIT, ms(5)));
        for _ in 0..3 {
            bucket.put_back(&LIMIT);
        }
        assert!(bucket.is_full(ms(5)));
    }

    #[test]
    fn limits_of_nothing_let_one_through_at_a_time() {
        let nothing = RateLimit { count: 0, window: ms(100), burst: 0 };
        let mut bucket = Bucket::default();
        assert!(
            bucket.take(&nothing, ms(0)) && !bucket.take(&nothing, ms(99)) && bucket.take(&nothing, ms(100))
        );
    }

    proptest! {
        /// Whenever they come, in no stretch of time are there more than the burst and what the rate adds.
        #[test]
        fn no_stretch_of_time_has_more_than_its_share(pauses in prop::collection::vec(0_u64..200, 1..200)) {
            let mut bucket = Bucket::default();
            let mut now = 0;
            let mut taken = Vec::new();
            for pause in pauses {
                now += pause;
                if bucket.take(&LIMIT, ms(now)) {
                    taken.push(now);
                }
            }
            for (index, first) in taken.iter().enumerate() {
                for (count, last) in (1..).zip(&taken[index..]) {
                    prop_assert!(count <= 3 + (last - first) / 100);
                }
            }
        }
    }

    #[test]
    fn consumers_are_counted_apart_and_only_for_what_was_taken() {
        let hour = RateLimit { count: 1, window: Duration::from_secs(3600), burst: 2 };
        let limits =
            RpcLimits { submissions_per_consumer: hour, max_counted_consumers: 2, ..RpcLimits::default() };
        let rates = Rates::new(&limits);
        let [one, other, third] = [1, 2, 3].map(Address::repeat_byte);
        for _ in 0..10 {
            drop(rates.consumer(one).unwrap());
        }
        assert!(rates.consumers.lock().is_empty(), "what was not taken leaves nothing behind");
        rates.consumer(one).unwrap().keep();
        rates.consumer(one).unwrap().keep();
        let refused = rates.consumer(one).err().unwrap();
        assert_eq!(refused.retry_after(), Some(Duration::from_secs(3600)));
        rates.consumer(other).unwrap().keep();
        assert!(rates.consumer(one).is_err());
        // Of more than are counted, the one that was silent longest is forgotten.
        rates.consumer(third).unwrap().keep();
        assert_eq!(rates.consumers.lock().len(), 2);
        assert!(rates.consumer(one).is_err() && rates.consumer(third).is_ok());
    }
}
