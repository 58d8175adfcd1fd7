//! Server-sent events: enough of them to read a job's changes.

use std::collections::VecDeque;

/// Longest event and longest line, in bytes: a job with the largest output is 130,000.
const MAX_EVENT_SIZE_BYTES: usize = 1 << 20;

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its name; empty when it has none.
    pub(crate) name: String,
    /// Its data, lines joined.
    pub(crate) data: String,
}

/// An event was longer than a mebibyte: nothing without bound is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Turns a stream's bytes into events by the rules of the HTML standard, whose lines end with any of three ends.
/// Comments and fields without a meaning here are passed over.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    line: Vec<u8>,
    after_return: bool,
    event: Event,
    has_data: bool,
    events: VecDeque<Event>,
}

impl Parser {
    /// Takes what came.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        for &byte in bytes {
            let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => self.end_line(),
                _ => self.line.push(byte),
            }
            if self.line.len() + self.event.data.len() > MAX_EVENT_SIZE_BYTES {
                return Err(TooLong);
            }
        }
        Ok(())
    }

    /// The next whole event.
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            if std::mem::take(&mut self.has_data) {
                self.events.push_back(event);
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.event.name = value.into(),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events_of<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
        let mut parser = Parser::default();
        for chunk in chunks {
            parser.feed(chunk).expect("the events are short");
        }
        std::iter::from_fn(|| parser.next_event()).collect()
    }

    fn event(name: &str, data: &str) -> Event {
        Event { name: name.into(), data: data.into() }
    }

    #[test]
    fn events_are_read_however_they_are_cut_and_whatever_ends_their_lines() {
        let text = ": hello\n\nevent: state\ndata: one\ndata:  two\n\ndata: \u{e9}\r\n\r\nevent: x\rdata\r\r"
            .as_bytes();
        let expected = [event("state", "one\n two"), event("", "\u{e9}"), event("x", "")];
        assert_eq!(events_of([text]), expected);
        assert_eq!(events_of(text.chunks(1)), expected);
        assert_eq!(events_of(text.chunks(7)), expected);
    }

    #[test]
    fn an_event_that_is_cut_off_is_not_given() {
        assert_eq!(events_of([b"data: one\n\ndata: tw".as_slice()]), [event("", "one")]);
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let line = vec![b'x'; MAX_EVENT_SIZE_BYTES + 1];
        assert_eq!(Parser::default().feed(&line), Err(TooLong));
        let mut parser = Parser::default();
        let lines =
            (0..=MAX_EVENT_SIZE_BYTES / 1000).map(|_| [b"data:".as_slice(), &[b'x'; 1000], b"\n"].concat());
        assert!(lines.map(|line| parser.feed(&line)).any(|fed| fed == Err(TooLong)));
    }
}
