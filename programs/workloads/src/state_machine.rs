//! A tokenizer of a small language: a state, a byte, a branch.

use crate::data::{Digest, Generator};

/// What the generated text is made of; names and spaces are more frequent than the rest.
const ALPHABET: &[u8; 64] = b"aaabcdeefghiilmnooprstuvx_    \n\n  0123456789.\"\"'\\//**+-=<>(){};;";

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Between,
    Name,
    Number,
    Fraction,
    Text,
    Escape,
    Slash,
    LineComment,
    BlockComment,
    BlockCommentStar,
}

#[derive(Default)]
struct Counts {
    names: u32,
    numbers: u32,
    texts: u32,
    comments: u32,
    operators: u32,
    lines: u32,
    depth: u32,
    errors: u32,
}

impl Counts {
    /// The state after a byte that continues nothing.
    #[inline]
    fn start(&mut self, byte: u8) -> State {
        match byte {
            b'a'..=b'z' | b'_' => {
                self.names += 1;
                State::Name
            }
            b'0'..=b'9' => {
                self.numbers += 1;
                State::Number
            }
            b'"' => {
                self.texts += 1;
                State::Text
            }
            b'/' => State::Slash,
            b' ' | b'\n' => State::Between,
            b'(' | b'{' => {
                self.depth += 1;
                State::Between
            }
            b')' | b'}' if self.depth > 0 => {
                self.depth -= 1;
                State::Between
            }
            b'+' | b'-' | b'*' | b'=' | b'<' | b'>' | b';' | b'.' => {
                self.operators += 1;
                State::Between
            }
            _ => {
                self.errors += 1;
                State::Between
            }
        }
    }

    #[inline]
    fn step(&mut self, state: State, byte: u8) -> State {
        if byte == b'\n' {
            self.lines += 1;
        }
        match (state, byte) {
            (State::Name, b'a'..=b'z' | b'_' | b'0'..=b'9') => State::Name,
            (State::Number, b'0'..=b'9') => State::Number,
            (State::Number, b'.') => State::Fraction,
            (State::Fraction, b'0'..=b'9') => State::Fraction,
            (State::Text, b'\\') => State::Escape,
            (State::Text, b'"' | b'\n') => State::Between,
            (State::Text | State::Escape, _) => State::Text,
            (State::Slash, b'/') => {
                self.comments += 1;
                State::LineComment
            }
            (State::Slash, b'*') => {
                self.comments += 1;
                State::BlockComment
            }
            (State::Slash, _) => {
                self.operators += 1;
                self.start(byte)
            }
            (State::LineComment, b'\n') => State::Between,
            (State::LineComment, _) => State::LineComment,
            (State::BlockComment | State::BlockCommentStar, b'*') => State::BlockCommentStar,
            (State::BlockCommentStar, b'/') => State::Between,
            (State::BlockComment | State::BlockCommentStar, _) => State::BlockComment,
            (State::Between | State::Name | State::Number | State::Fraction, _) => self.start(byte),
        }
    }
}

/// Bytes are made four at a time, so that making them is the smaller part.
pub(crate) fn tokenize(size_bytes: u32) -> u64 {
    let mut generator = Generator::new();
    let mut counts = Counts::default();
    let mut state = State::Between;
    for _ in 0..size_bytes / 4 {
        let random = generator.next();
        for shift in [0, 6, 12, 18] {
            state = counts.step(state, ALPHABET[(random >> shift & 63) as usize]);
        }
    }
    let Counts { names, numbers, texts, comments, operators, lines, depth, errors } = counts;
    let mut digest = Digest::new();
    let counts = [names, numbers, texts, comments, operators, lines, depth, errors, state as u32];
    counts.into_iter().for_each(|count| digest.add(count));
    digest.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_counted() {
        let mut counts = Counts::default();
        let text = b"let x1 = 42.5 * (y / 7); // 1 \"note\"\n/* a * b */ s = \"a \\\" b\" } '\n";
        text.iter().fold(State::Between, |state, &byte| counts.step(state, byte));
        let Counts { names, numbers, texts, comments, operators, lines, depth, errors } = counts;
        assert_eq!((names, numbers, texts, comments), (4, 2, 1, 2));
        assert_eq!((operators, lines, depth, errors), (5, 2, 0, 2));
    }
}
