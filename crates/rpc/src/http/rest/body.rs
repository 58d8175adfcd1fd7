//! Reads what clients send, as much as may be and as long as it may take.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};
use hyper::header::{EXPECT, HeaderMap};

/// Why a body is not read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    /// It is too long. `got` is its length, or as much of it as came.
    #[error("request too large: {got} bytes or more, limit {limit}")]
    TooLarge {
        /// Its length as far as it is known.
        got: usize,
        /// Most that is allowed.
        limit: usize,
    },
    /// It did not come in time.
    #[error("the request did not arrive within {timeout:?}")]
    TooSlow {
        /// How long was waited.
        timeout: Duration,
    },
    /// The connection failed.
    #[error("the request broke off: {reason}")]
    BrokenOff {
        /// What is known of it.
        reason: String,
    },
}

/// Reads a body of at most `limit` bytes.
///
/// One that is longer is read on for as much again and thrown away: a client that is still sending would lose the answer
/// with the connection.
pub(super) async fn read<B>(
    headers: &HeaderMap,
    body: B,
    limit: usize,
    timeout: Duration,
) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let told = body.size_hint().lower();
    if headers.contains_key(EXPECT) && told > limit as u64 {
        // The client waits for a word before it sends.
        return Err(BodyError::TooLarge { got: usize::try_from(told).unwrap_or(usize::MAX), limit });
    }
    let read = tokio::time::timeout(timeout, collect(body, limit)).await;
    read.map_err(|_| BodyError::TooSlow { timeout })?
}

async fn collect<B>(mut body: B, limit: usize) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let mut got = 0_usize;
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| BodyError::BrokenOff { reason: error.to_string() })?;
        let Ok(data) = frame.into_data() else { continue };
        got = got.saturating_add(data.len());
        if got <= limit {
            bytes.extend_from_slice(&data);
        } else {
            bytes = Vec::new();
        }
        if got > limit.saturating_mul(2) {
            break;
        }
    }
    if got > limit { Err(BodyError::TooLarge { got, limit }) } else { Ok(bytes.into()) }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    /// Pieces of ten bytes, without end.
    fn endless() -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
        StreamBody::new(stream::repeat_with(|| Ok(Frame::data(Bytes::from_static(&[7; 10])))))
    }

    #[tokio::test]
    async fn bodies_up_to_the_limit_are_read() {
        let none = HeaderMap::new();
        let read = async |size: usize| read(&none, Full::new(Bytes::from(vec![1; size])), 100, LONG).await;
        assert_eq!(read(100).await.map(|body| body.len()), Ok(100));
        assert_eq!(read(0).await.map(|body| body.len()), Ok(0));
        assert_eq!(read(101).await, Err(BodyError::TooLarge { got: 101, limit: 100 }));
    }

    #[tokio::test]
    async fn a_body_without_end_is_given_up_after_as_much_again() {
        let refused = read(&HeaderMap::new(), endless(), 100, LONG).await;
        assert_eq!(refused, Err(BodyError::TooLarge { got: 210, limit: 100 }));
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_given_up() {
        let silent = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
        let timeout = Duration::from_millis(5);
        let refused = read(&HeaderMap::new(), silent, 100, timeout).await;
        assert_eq!(refused, Err(BodyError::TooSlow { timeout }));
    }
}
