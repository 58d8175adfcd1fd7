//! Measures the chain without the node, as `ivm bench chain` does:
//! `cargo run --release -p ivm-bench --example chain -- import 40`, `producing 20`, `reorg 100 1000`, `opening 500000`.

use std::error::Error;

use ivm_bench::chain::{BlockSet, measure_import, measure_opening, measure_producing, measure_reorg};

/// What it measures is mostly small, short-lived buffers.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let size: u64 = arguments.next().ok_or("expected: import|producing|reorg|opening NUMBER")?.parse()?;
    // Transfers of a block that a reorg moves.
    let transfers: u64 = arguments.next().map_or(Ok(100), |transfers| transfers.parse())?;
    let report = match what.as_str() {
        "import" => serde_json::to_string_pretty(&measure_import(&BlockSet::build(size)?)?)?,
        "producing" => serde_json::to_string_pretty(&measure_producing(size)?)?,
        "reorg" => serde_json::to_string_pretty(&measure_reorg(usize::try_from(size)?, transfers)?)?,
        "opening" => serde_json::to_string_pretty(&measure_opening(size)?)?,
        other => return Err(format!("`{other}` is none of import, producing, reorg, opening").into()),
    };
    println!("{report}");
    Ok(())
}
