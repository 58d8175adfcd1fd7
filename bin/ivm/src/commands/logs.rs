//! What a command that runs for long says of its work: lines on stderr, to read or to collect.

use std::{fmt, io::IsTerminal};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// What is logged where `RUST_LOG` does not say.
const DEFAULT_FILTER: &str = "warn,chain=info,job=info,block=info,da=info,rpc=warn";

/// The same for an agent by itself.
const AGENT_FILTER: &str = "warn,ivm=info,ivm_agents=info";

/// How to log.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct LogArgs {
    /// Form of log lines. `RUST_LOG` chooses which there are.
    #[arg(long, value_enum, value_name = "FORMAT", env = "IVM_LOG_FORMAT", default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// One readable line for each step.
    Text,
    /// One JSON object for each step: timestamp, level, target, message, fields.
    Json,
}

impl LogArgs {
    /// Logs to stderr from here on.
    pub(crate) fn init(self) {
        self.init_with(DEFAULT_FILTER);
    }

    /// As [`LogArgs::init`], for an agent by itself: it says what it does.
    pub(crate) fn init_agent(self) {
        self.init_with(AGENT_FILTER);
    }

    fn init_with(self, default_filter: &str) {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_filter));
        let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        match self.log_format {
            LogFormat::Text => {
                builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).init();
            }
            LogFormat::Json => builder.event_format(JsonLines).init(),
        }
    }
}

/// One JSON object a line. tracing-subscriber has such a format behind a feature that would have every crate of the prover
/// built anew; here there are no spans, and what is left is this.
struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let mut line = Fields::default();
        event.record(&mut line);
        let Fields(mut line) = line;
        line.insert("timestamp".into(), timestamp.into());
        line.insert("level".into(), event.metadata().level().as_str().into());
        line.insert("target".into(), event.metadata().target().into());
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// What an event says, by name.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().into(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().into(), value.into());
    }
}
