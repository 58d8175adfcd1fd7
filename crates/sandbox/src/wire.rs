//! What node and worker say to each other: one message of bounded size each way, numbers little-endian.
//!
//! ```text
//! node to worker
//!   run:   1 | path | reach | sequence u64 | key [32] | max_cycles u64 | input size u32 | the input, when it is short
//!   load:  2 |  0   |   0   | sequence u64 | key [32] |     0 u64      | program size u32
//! worker to node
//!   hello:   "ivm-worker 1" | 1 when it has a recompiler
//!   refusal: "ivm-refusal " | why, as text
//!   answer:  sequence u64 | 1 | report          (of a run)
//!            sequence u64 | 2                   (the program is not held: load it)
//!            sequence u64 | 3                   (loaded)
//!   report:  end [13] | registers [32] u32 | pc u32 | cycles u64 | public values [32] | outcome follows? u8 | outcome
//! ```
//!
//! Long inputs, and programs, lie in the shared [area](crate::area). Bytes from a worker are hostile: see [`Answer::decode`].

use ivm_engine::{Fault, PUBLIC_VALUES_SIZE_BYTES, ProgramKey, Reach, Report, RunEnd, State};
use ivm_primitives::limits::{ADDRESS_SPACE_SIZE_BYTES, MAX_OUTPUT_SIZE_BYTES};

/// Inputs up to this size travel in the message.
pub(crate) const MAX_INLINE_INPUT_SIZE_BYTES: usize = 4096;

const REQUEST_SIZE_BYTES: usize = 3 + 8 + 32 + 8 + 4;

/// Largest message to a worker.
pub(crate) const MAX_REQUEST_SIZE_BYTES: usize = REQUEST_SIZE_BYTES + MAX_INLINE_INPUT_SIZE_BYTES;

const REPORT_SIZE_BYTES: usize = 13 + 32 * 4 + 4 + 8 + PUBLIC_VALUES_SIZE_BYTES + 1;

/// Largest message from a worker.
pub(crate) const MAX_ANSWER_SIZE_BYTES: usize = 9 + REPORT_SIZE_BYTES + MAX_OUTPUT_SIZE_BYTES;

const HELLO: &[u8; 12] = b"ivm-worker 1";
const REFUSAL: &[u8; 12] = b"ivm-refusal ";

/// Longest reason of a refusal that is looked at.
const MAX_REFUSAL_SIZE_BYTES: usize = 512;

/// Which of the engine's two paths runs a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Path {
    /// Generated machine code.
    Recompiler,
    /// The oracle.
    Interpreter,
}

/// A message to a worker, but for the input behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Run { sequence: u64, path: Path, reach: Reach, key: ProgramKey, max_cycles: u64, input_size: u32 },
    Load { sequence: u64, key: ProgramKey, program_size: u32 },
}

/// Why a message is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

impl Request {
    pub(crate) fn encode(&self) -> [u8; REQUEST_SIZE_BYTES] {
        let (tag, path, reach, sequence, key, max_cycles, size) = match *self {
            Self::Run { sequence, path, reach, key, max_cycles, input_size } => {
                let path = match path {
                    Path::Recompiler => 0,
                    Path::Interpreter => 1,
                };
                let reach = match reach {
                    Reach::Whole => 0,
                    Reach::Low => 1,
                };
                (1, path, reach, sequence, key, max_cycles, input_size)
            }
            Self::Load { sequence, key, program_size } => (2, 0, 0, sequence, key, 0, program_size),
        };
        let mut bytes = [0; REQUEST_SIZE_BYTES];
        bytes[0] = tag;
        bytes[1] = path;
        bytes[2] = reach;
        bytes[3..11].copy_from_slice(&sequence.to_le_bytes());
        bytes[11..43].copy_from_slice(&key.0);
        bytes[43..51].copy_from_slice(&max_cycles.to_le_bytes());
        bytes[51..55].copy_from_slice(&size.to_le_bytes());
        bytes
    }

    /// A request, and the input behind it.
    pub(crate) fn decode(message: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let mut reader = Reader(message);
        let ([tag, path, reach], sequence, key) = (reader.take()?, reader.u64()?, ProgramKey(reader.take()?));
        let (max_cycles, size) = (reader.u64()?, reader.u32()?);
        let request = match (tag, path, reach) {
            (1, 0 | 1, 0 | 1) => {
                let path = if path == 0 { Path::Recompiler } else { Path::Interpreter };
                let reach = if reach == 0 { Reach::Whole } else { Reach::Low };
                Self::Run { sequence, path, reach, key, max_cycles, input_size: size }
            }
            (2, 0, 0) => Self::Load { sequence, key, program_size: size },
            _ => return Err(Malformed("an unknown request")),
        };
        Ok((request, reader.0))
    }
}

/// What a worker says first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Greeting {
    /// It is confined and ready.
    Hello { has_recompiler: bool },
    /// It will not run programs, since it could not confine itself.
    Refusal(String),
}

impl Greeting {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Hello { has_recompiler } => [&HELLO[..], &[u8::from(*has_recompiler)]].concat(),
            Self::Refusal(reason) => [&REFUSAL[..], reason.as_bytes()].concat(),
        }
    }

    pub(crate) fn decode(message: &[u8]) -> Result<Self, Malformed> {
        match message.split_first_chunk::<12>() {
            Some((HELLO, [flag @ (0 | 1)])) => Ok(Self::Hello { has_recompiler: *flag == 1 }),
            Some((REFUSAL, reason)) => {
                let reason = &reason[..reason.len().min(MAX_REFUSAL_SIZE_BYTES)];
                let printable = |byte: &u8| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '?' };
                Ok(Self::Refusal(reason.iter().map(printable).collect()))
            }
            _ => Err(Malformed("not a greeting of this version")),
        }
    }
}

/// What a worker says to a request.
#[allow(clippy::large_enum_variant, reason = "the large one is the usual one, and none is kept")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Report(Report),
    ProgramUnknown,
    Loaded,
}

impl Answer {
    pub(crate) fn encode(&self, sequence: u64, message: &mut Vec<u8>) {
        message.clear();
        message.extend(sequence.to_le_bytes());
        match self {
            Self::Report(report) => {
                message.push(1);
                encode_report(report, message);
            }
            Self::ProgramUnknown => message.push(2),
            Self::Loaded => message.push(3),
        }
    }

    /// Reads an answer to the request numbered `sequence`, of a run of at most `max_cycles`.
    ///
    /// Whatever the bytes are, a report that comes out is one that some program could have: lengths, tags and ranges are
    /// those of real reports, and no byte is left over.
    pub(crate) fn decode(message: &[u8], sequence: u64, max_cycles: u64) -> Result<Self, Malformed> {
        let mut reader = Reader(message);
        if reader.u64()? != sequence {
            return Err(Malformed("it is not the answer to this request"));
        }
        let [tag] = reader.take()?;
        match (tag, reader.0) {
            (1, _) => decode_report(reader, max_cycles).map(Self::Report),
            (2, []) => Ok(Self::ProgramUnknown),
            (3, []) => Ok(Self::Loaded),
            (2 | 3, _) => Err(Malformed("bytes behind its end")),
            _ => Err(Malformed("an unknown answer")),
        }
    }
}

fn encode_report(report: &Report, message: &mut Vec<u8>) {
    let Report { end, state, outcome_bytes } = report;
    let (tag, fields) = match *end {
        RunEnd::Terminated { exit_code } => (0, [u32::from(exit_code), 0, 0]),
        RunEnd::OutOfCycles => (1, [0; 3]),
        RunEnd::Faulted(Fault::UnalignedAccess { pc, address, size }) => (2, [pc, address, size]),
        RunEnd::Faulted(Fault::OutOfBounds { pc, address, size }) => (3, [pc, address, size]),
        RunEnd::Faulted(Fault::BadJump { pc }) => (4, [pc, 0, 0]),
        RunEnd::Faulted(Fault::XorinLength { pc, length }) => (5, [pc, length, 0]),
    };
    message.push(tag);
    for number in fields.iter().chain(&state.registers).chain([&state.pc]) {
        message.extend(number.to_le_bytes());
    }
    message.extend(state.cycles.to_le_bytes());
    message.extend(state.public_values);
    message.push(u8::from(outcome_bytes.is_some()));
    message.extend(outcome_bytes.iter().flatten());
}

fn decode_report(mut reader: Reader<'_>, max_cycles: u64) -> Result<Report, Malformed> {
    let [tag] = reader.take()?;
    let end = match (tag, [reader.u32()?, reader.u32()?, reader.u32()?]) {
        (0, [exit_code, 0, 0]) => {
            let exit_code = u8::try_from(exit_code).map_err(|_| Malformed("an exit code over 255"))?;
            RunEnd::Terminated { exit_code }
        }
        (1, [0, 0, 0]) => RunEnd::OutOfCycles,
        (2, [pc, address, size]) => RunEnd::Faulted(Fault::UnalignedAccess { pc, address, size }),
        (3, [pc, address, size]) => RunEnd::Faulted(Fault::OutOfBounds { pc, address, size }),
        (4, [pc, 0, 0]) => RunEnd::Faulted(Fault::BadJump { pc }),
        (5, [pc, length, 0]) => RunEnd::Faulted(Fault::XorinLength { pc, length }),
        _ => return Err(Malformed("an unknown end of a run")),
    };
    let mut registers = [0; 32];
    for register in &mut registers {
        *register = reader.u32()?;
    }
    let (pc, cycles, public_values) = (reader.u32()?, reader.u64()?, reader.take()?);
    let state = State { registers, pc, cycles, public_values };
    let outcome_bytes = match reader.take()? {
        [0] if reader.0.is_empty() => None,
        [1] => Some(reader.0.to_vec()),
        _ => return Err(Malformed("an outcome that is neither there nor not")),
    };
    let report = Report { end, state, outcome_bytes };
    check_report(&report, max_cycles)?;
    Ok(report)
}

/// Refuses what no run leaves.
fn check_report(report: &Report, max_cycles: u64) -> Result<(), Malformed> {
    let State { registers, cycles, .. } = &report.state;
    if registers[0] != 0 {
        return Err(Malformed("register x0 is not 0"));
    }
    if *cycles > max_cycles || (report.end == RunEnd::OutOfCycles && *cycles != max_cycles) {
        return Err(Malformed("a count of cycles that no such run has"));
    }
    let (address, size) = (registers[11] as usize, registers[12] as usize);
    let has_outcome = report.end == RunEnd::Terminated { exit_code: 0 }
        && size <= MAX_OUTPUT_SIZE_BYTES
        && address + size <= ADDRESS_SPACE_SIZE_BYTES;
    let expected_size = has_outcome.then_some(size);
    if report.outcome_bytes.as_ref().map(Vec::len) != expected_size {
        return Err(Malformed("an outcome of another size than the registers say"));
    }
    Ok(())
}

/// Takes fields off the front of a message.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (field, rest) = self.0.split_first_chunk().ok_or(Malformed("cut short"))?;
        self.0 = rest;
        Ok(*field)
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Malformed> {
        self.take().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn report(end: RunEnd, outcome_bytes: Option<Vec<u8>>) -> Report {
        let mut registers = [7; 32];
        registers[0] = 0;
        registers[11] = 4096;
        registers[12] =
            outcome_bytes.as_ref().map_or(MAX_OUTPUT_SIZE_BYTES as u32 + 1, |bytes| bytes.len() as u32);
        let state = State { registers, pc: 0x0010_0004, cycles: 1000, public_values: [9; 32] };
        Report { end, state, outcome_bytes }
    }

    fn message(report: &Report) -> Vec<u8> {
        let mut message = Vec::new();
        Answer::Report(report.clone()).encode(5, &mut message);
        message
    }

    fn every_end() -> Vec<Report> {
        let (pc, address, size, length) = (1, 2, 3, 4);
        let mut reports = vec![
            report(RunEnd::Terminated { exit_code: 0 }, Some(b"bytes".to_vec())),
            report(RunEnd::Terminated { exit_code: 0 }, Some(vec![1; MAX_OUTPUT_SIZE_BYTES])),
            report(RunEnd::Terminated { exit_code: 0 }, None),
            report(RunEnd::Terminated { exit_code: 255 }, None),
            report(RunEnd::OutOfCycles, None),
        ];
        for fault in [
            Fault::UnalignedAccess { pc, address, size },
            Fault::OutOfBounds { pc, address, size },
            Fault::BadJump { pc },
            Fault::XorinLength { pc, length },
        ] {
            reports.push(report(RunEnd::Faulted(fault), None));
        }
        reports
    }

    #[test]
    fn requests_arrive_as_they_were_sent() {
        let key = ProgramKey([3; 32]);
        for request in [
            Request::Run {
                sequence: 1,
                path: Path::Recompiler,
                reach: Reach::Low,
                key,
                max_cycles: 9,
                input_size: 5,
            },
            Request::Run {
                sequence: 2,
                path: Path::Interpreter,
                reach: Reach::Whole,
                key,
                max_cycles: u64::MAX,
                input_size: 0,
            },
            Request::Load { sequence: u64::MAX, key, program_size: 77 },
        ] {
            let message = [&request.encode()[..], b"input"].concat();
            assert_eq!(Request::decode(&message), Ok((request, &b"input"[..])));
        }
        assert!(Request::decode(&[0; REQUEST_SIZE_BYTES]).is_err());
    }

    #[test]
    fn reports_arrive_as_they_were_sent_and_fit() {
        for report in every_end() {
            let message = message(&report);
            assert!(message.len() <= MAX_ANSWER_SIZE_BYTES);
            assert_eq!(Answer::decode(&message, 5, 1000), Ok(Answer::Report(report)));
        }
    }

    #[test]
    fn an_answer_to_another_request_is_refused() {
        let message = message(&every_end()[0]);
        assert!(Answer::decode(&message, 4, 1000).is_err());
    }

    #[test]
    fn an_answer_cut_short_or_long_is_refused() {
        for report in [&every_end()[0], &every_end()[3]] {
            let message = message(report);
            for length in 0..message.len() {
                assert!(Answer::decode(&message[..length], 5, 1000).is_err(), "{length}");
            }
            assert!(Answer::decode(&[&message[..], &[0]].concat(), 5, 1000).is_err());
        }
    }

    #[test]
    fn reports_that_no_run_leaves_are_refused() {
        let refused = |change: fn(&mut Report)| {
            let mut report = every_end()[0].clone();
            change(&mut report);
            assert!(Answer::decode(&message(&report), 5, 1000).is_err(), "{report:?}");
        };
        refused(|report| report.state.registers[0] = 1);
        refused(|report| report.state.cycles = 1001);
        refused(|report| report.state.registers[12] = 6);
        refused(|report| report.state.registers[11] = u32::MAX);
        refused(|report| report.outcome_bytes = None);
        refused(|report| report.end = RunEnd::Terminated { exit_code: 1 });
        refused(|report| report.end = RunEnd::OutOfCycles);
        refused(|report| {
            report.state.registers[12] = MAX_OUTPUT_SIZE_BYTES as u32 + 1;
            report.outcome_bytes = Some(vec![0; MAX_OUTPUT_SIZE_BYTES + 1]);
        });
        let mut out_of_cycles = every_end()[4].clone();
        out_of_cycles.state.cycles = 999;
        assert!(Answer::decode(&message(&out_of_cycles), 5, 1000).is_err());
    }

    #[test]
    fn greetings_are_read_and_made_printable() {
        for greeting in [
            Greeting::Hello { has_recompiler: true },
            Greeting::Hello { has_recompiler: false },
            Greeting::Refusal("no seccomp".into()),
        ] {
            assert_eq!(Greeting::decode(&greeting.encode()), Ok(greeting));
        }
        let hostile = Greeting::Refusal("\u{1b}[2J\n".repeat(1000));
        let Ok(Greeting::Refusal(reason)) = Greeting::decode(&hostile.encode()) else { panic!("not read") };
        assert!(
            reason.len() <= MAX_REFUSAL_SIZE_BYTES
                && reason.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        );
        assert!(Greeting::decode(b"ivm-worker 1\x02").is_err());
    }

    proptest! {
        #[test]
        fn hostile_answers_never_panic_and_never_pass_the_limits(
            which in 0..9_usize, position in 0..300_usize, bytes in prop::collection::vec(any::<u8>(), 1..9)
        ) {
            let mut message = message(&every_end()[which]);
            for (index, byte) in bytes.iter().enumerate() {
                let length = message.len();
                message[(position + index) % length] = *byte;
            }
            if let Ok(Answer::Report(report)) = Answer::decode(&message, 5, 1000) {
                prop_assert!(report.state.cycles <= 1000 && report.state.registers[0] == 0);
                prop_assert!(report.outcome_bytes.is_none_or(|bytes| bytes.len() <= MAX_OUTPUT_SIZE_BYTES));
            }
        }

        #[test]
        fn noise_never_panics(message in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Answer::decode(&message, 0, 1000);
            let _ = Greeting::decode(&message);
            let _ = Request::decode(&message);
        }
    }
}
