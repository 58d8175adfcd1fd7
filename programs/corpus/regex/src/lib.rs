//! A published regular expression engine, as a guest: `regex`, with its Unicode tables.
//!
//! Input: a text in UTF-8. Output: a line of text for each pattern, with how often it matched and what came of it.

#![deny(missing_docs)]

use std::fmt::Write;

use regex::{Regex, RegexSet};

fn compile(pattern: &str) -> Regex {
    match Regex::new(pattern) {
        Ok(regex) => regex,
        Err(error) => panic!("{pattern} is no pattern: {error}"),
    }
}

/// Looks for all patterns in the text.
///
/// # Panics
/// When the input is not UTF-8.
pub fn run(input: &[u8]) -> Vec<u8> {
    let text = match std::str::from_utf8(input) {
        Ok(text) => text,
        Err(error) => panic!("input is no text: {error}"),
    };
    let mut report = String::new();
    // Writing to a string does not fail.
    let mut line = |name: &str, count: usize, what: &str| {
        let _ = writeln!(report, "{name}: {count} {what}");
    };

    let date = compile(r"\b(?<year>\d{4})-(?<month>0[1-9]|1[0-2])-(?<day>[0-2]\d|3[01])\b");
    let days: usize = date.captures_iter(text).filter_map(|date| date["day"].parse::<usize>().ok()).sum();
    line("dates", date.find_iter(text).count(), &format!("days {days}"));
    let turned = date.replace_all(text, "$day.$month.$year");
    line("turned", turned.len(), turned.lines().next().unwrap_or_default());

    let mail = compile(r"(?i)\b[a-z0-9._%+-]+@(?:[a-z0-9-]+\.)+[a-z]{2,}\b");
    line("mails", mail.find_iter(text).count(), mail.find(text).map_or("", |found| found.as_str()));

    let capitalised = compile(r"\p{Lu}\p{Ll}+");
    let longest = capitalised.find_iter(text).map(|found| found.as_str()).max_by_key(|word| word.len());
    line("capitalised", capitalised.find_iter(text).count(), longest.unwrap_or_default());

    let number = compile(r"[-+]?(?:0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)");
    line("numbers", number.find_iter(text).count(), number.find(text).map_or("", |found| found.as_str()));

    let lines = compile(r"(?m)^\s*(\S+)\s+.*?\b(ERROR|WARN)\b.*$");
    let last = lines.captures_iter(text).last().map(|captures| captures[1].to_owned());
    line("alarms", lines.find_iter(text).count(), &last.unwrap_or_default());

    // Backtracking engines take exponential time for this one.
    let nested = compile(r"(?:a+)+$");
    line("nested", usize::from(nested.is_match(text)), "");

    match RegexSet::new([r"ERROR|WARN", r"\bINFO\b", r"[α-ω]+", r"^$", r"(?i:straße)"]) {
        Ok(set) => {
            let matched: Vec<usize> = set.matches(text).into_iter().collect();
            line("set", matched.len(), &format!("{matched:?}"));
        }
        Err(error) => panic!("no set: {error}"),
    }
    report.into_bytes()
}

/// An input of so many lines.
pub fn sample(lines: u32) -> Vec<u8> {
    let line = |index: u32| {
        let level = ["INFO", "WARN", "DEBUG", "ERROR"][(index * 7 % 4) as usize];
        let (year, month, day) = (2000 + index % 30, index % 14, index * 5 % 32);
        format!(
            "{year}-{month:02}-{day:02} Wörker-{index} {level} user{index}@mail{}.example.org took {}.{}e-3 s, λόγος 0x{:x}, STRASSE Straße\n",
            index % 3,
            index * 11,
            index % 10,
            index * 2_654_435_761_u32,
        )
    };
    (0..lines)
        .map(line)
        .chain(["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab".to_owned()])
        .collect::<String>()
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_what_they_should() {
        let text = "2024-02-29 Ada wrote to ada.l@example.co.uk: -12.5e3\n\
                    2024-13-01 is no date, 2025-12-31 is; Łódź WARN\n  x1 y ERROR 0xFf\nαβγ STRASSE straße aaa";
        let expected = "dates: 2 days 60\n\
            turned: 148 29.02.2024 Ada wrote to ada.l@example.co.uk: -12.5e3\n\
            mails: 1 ada.l@example.co.uk\n\
            capitalised: 3 Łódź\n\
            numbers: 12 2024\n\
            alarms: 2 x1\n\
            nested: 1 \n\
            set: 3 [0, 2, 4]\n";
        assert_eq!(String::from_utf8(run(text.as_bytes())).expect("UTF-8"), expected);
    }

    #[test]
    fn samples_have_matches_of_all_patterns() {
        let report = String::from_utf8(run(&sample(60))).expect("UTF-8");
        assert!(report.starts_with("dates: 51 "), "{report}");
        assert!(
            report.contains("mails: 60 user0@mail0.example.org\n") && report.contains("alarms: 30 "),
            "{report}"
        );
        assert!(report.ends_with("nested: 0 \nset: 4 [0, 1, 2, 4]\n"), "{report}");
    }

    #[test]
    #[should_panic(expected = "input is no text: invalid utf-8 sequence of 1 bytes from index 1")]
    fn bytes_that_are_no_text_are_refused() {
        run(&[b'a', 0xff]);
    }
}
