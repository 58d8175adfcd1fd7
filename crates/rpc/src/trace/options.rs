//! Options of a trace: which tracer, and for how long.

use std::time::Duration;

use alloy_rpc_types_trace::geth::GethDebugTracingOptions;
use revm_inspectors::tracing::{DebugInspector, TraceLimits, TracingInspector};

use super::guard::{Guard, Recording};
use crate::args::ArgsError;
use crate::config::RpcLimits;
use crate::error::{RpcError, RpcResult};

/// Time a trace has when its options say nothing, as in geth.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// The tracer that the options name, watched by a guard.
pub(crate) fn inspector(
    limits: &RpcLimits,
    options: GethDebugTracingOptions,
) -> RpcResult<(DebugInspector, Guard)> {
    let timeout = match options.timeout.as_deref() {
        None => DEFAULT_TIMEOUT,
        Some(text) => parse_duration(text)
            .ok_or_else(|| RpcError::Tracer { reason: format!("time: invalid duration {text:?}") })?,
    };
    let timeout = timeout.min(limits.max_trace_time);
    let tracer = DebugInspector::new(options).map_err(|error| ArgsError::invalid(1, error))?;
    let tracer = bounded(tracer, limits.max_trace_size_bytes);
    let recording = match &tracer {
        DebugInspector::Default(..) | DebugInspector::Erc7562Tracer(..) => Recording::Steps,
        DebugInspector::CallTracer(..) | DebugInspector::FlatCallTracer(_) | DebugInspector::Mux(..) => {
            Recording::Calls
        }
        DebugInspector::FourByte(_)
        | DebugInspector::PreStateTracer(..)
        | DebugInspector::Noop(_)
        | DebugInspector::StateGasTracer(_) => Recording::Nothing,
    };
    Ok((tracer, Guard::for_trace(timeout, recording, limits.max_trace_size_bytes)))
}

/// The tracer, its copies of memory and data bounded too.
fn bounded(tracer: DebugInspector, max_recorded_bytes: usize) -> DebugInspector {
    use revm_inspectors::tracing::TraceLimitBehavior::Halt;
    let limits = TraceLimits::default().set_max_recorded_bytes(Some(max_recorded_bytes)).set_behavior(Halt);
    let bound = |inspector: TracingInspector| inspector.with_limits(limits);
    match tracer {
        DebugInspector::CallTracer(inspector, config) => DebugInspector::CallTracer(bound(inspector), config),
        DebugInspector::PreStateTracer(inspector, config) => {
            DebugInspector::PreStateTracer(bound(inspector), config)
        }
        DebugInspector::FlatCallTracer(inspector) => DebugInspector::FlatCallTracer(bound(inspector)),
        DebugInspector::Erc7562Tracer(inspector, config) => {
            DebugInspector::Erc7562Tracer(bound(inspector), config)
        }
        DebugInspector::Default(inspector, config) => DebugInspector::Default(bound(inspector), config),
        other => other,
    }
}

/// Reads a duration as Go writes it, such as `1m30s`, `1.5s` or `200ms`.
fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() {
        return None;
    }
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let number: f64 = number.parse().ok()?;
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        total += number
            * match unit {
                "ns" => 1e-9,
                "us" | "µs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return None,
            };
        rest = after;
    }
    Duration::try_from_secs_f64(total).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_in_go() {
        assert_eq!(parse_duration("5s"), Some(Duration::from_secs(5)));
        assert_eq!(parse_duration("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(parse_duration("1.5s"), Some(Duration::from_millis(1500)));
        assert_eq!(parse_duration("200ms"), Some(Duration::from_millis(200)));
        assert_eq!(parse_duration("0"), Some(Duration::ZERO));
        for wrong in ["", "5", "s", "5x", "-5s", "1..5s", "5 s", "1e9999s", "9999999999999999999h"] {
            assert_eq!(parse_duration(wrong), None, "{wrong:?}");
        }
    }
}
