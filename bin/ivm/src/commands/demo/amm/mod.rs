//! `ivm demo amm`: a pool whose fee falls with what a trader traded, proven within the swap.
//!
//! The pool's price goes along the S&P 500. One trader trades all the way, another comes at the end; both then make the same
//! swap. What the first saves is by the chain's own past, which a program checks inside the transaction.

mod history;
mod market;

use std::{fmt::Arguments, time::Duration};

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use clap::Args;
use eyre::{Result, ensure, eyre};
use ivm_client::Client;
use ivm_contracts::{DynamicFeePool, JOB_MANAGER_ADDRESS, JobManager};
use ivm_node::{BlockMode, DevAccount, Node, Storage, dev_accounts};
use ivm_rpc::JobState;
use serde::Serialize;

use super::closes_in_cents;
use crate::{
    bundled,
    commands::dev::{confine, dev_node_config},
};
use history::History;
use market::{BASE_FEE_MILLIONTHS, Market, Swapped, tokens};

/// How often the trader buys and sells on the way.
const ROUNDS: usize = 50;

/// Dollars of each swap of the trader on the way.
const DOLLARS_ON_THE_WAY: u64 = 25_000;

/// Dollars of the swap that both make in the end.
const DOLLARS_IN_THE_END: u64 = 10_000;

/// Cycles that a refresh pays for; a run takes about 30,000.
const REFRESH_CYCLES: u64 = 100_000;

/// Gas of the pool's callback, fixed in the contract.
const CALLBACK_GAS: u64 = 100_000;

/// Arguments of `ivm demo amm`.
#[derive(Debug, Args)]
pub(crate) struct AmmDemo {
    /// Print one JSON object instead of the story.
    #[arg(long)]
    json: bool,
    /// Use a development chain that runs, instead of one of the demo's own; the pool stays there.
    #[arg(long, value_name = "URL")]
    rpc: Option<String>,
    /// How many closing prices to follow, from the first on, 50 at least; all 5,105 when not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(50..))]
    closes: Option<u32>,
    /// Milliseconds between blocks of the demo's own chain.
    #[arg(long, value_name = "MS", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    block_time_ms: u64,
}

#[derive(Debug, Serialize)]
struct Report {
    pool: Address,
    program_id: B256,
    closes: usize,
    arbitrage_swaps: usize,
    anchor_block: u64,
    proof_bytes: usize,
    input_bytes: usize,
    /// Volume of the trader since the anchor, in whole dollars.
    volume_dollars: u64,
    newcomer: Trade,
    newcomer_with_proof: Trade,
    trader_without_proof: Trade,
    trader_with_proof: Trade,
    trader_with_tier: Trade,
    /// What the pool said to the newcomer about the trader's proof.
    forged_proof: String,
    refresh_cycles: u64,
}

/// A swap of [`DOLLARS_IN_THE_END`].
#[derive(Debug, Serialize)]
struct Trade {
    fee_millionths: u32,
    /// Index tokens that came out, in their smallest units.
    amount_out: U256,
    gas: u64,
    /// Of the job within the transaction.
    cycles: u64,
    block: u64,
}

impl From<Swapped> for Trade {
    fn from(swapped: Swapped) -> Self {
        let Swapped { fee_millionths, amount_out, gas, block, cycles } = swapped;
        Self { fee_millionths, amount_out, gas, cycles, block }
    }
}

/// What happened before the swaps that are compared.
struct Walk {
    closes: usize,
    arbitrage_swaps: usize,
    /// Period of the first swaps.
    period: u32,
}

/// Who takes part.
struct Parties {
    /// Deploys, provides liquidity, and is the arbitrageur.
    house: Client,
    /// Trades all the way.
    trader: Client,
    /// Comes at the end.
    newcomer: Client,
}

impl Parties {
    async fn connect(url: &str, accounts: Vec<DevAccount>) -> Result<Self> {
        let mut clients = Vec::new();
        for account in accounts.into_iter().take(3) {
            clients.push(Client::connect(url, account.signer).await?);
        }
        let [house, trader, newcomer] =
            <[Client; 3]>::try_from(clients).map_err(|_| eyre!("fewer than three funded accounts"))?;
        Ok(Self { house, trader, newcomer })
    }
}

impl AmmDemo {
    /// Runs the demo to its end.
    pub(crate) fn run(self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let report = runtime.block_on(self.story())?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        }
        report.check()
    }

    fn say(&self, step: &str, what: Arguments<'_>) {
        if !self.json {
            println!("{step:<12}  {what}");
        }
    }

    async fn story(&self) -> Result<Report> {
        if let Some(url) = &self.rpc {
            let parties = Parties::connect(url, dev_accounts()?).await?;
            return self.trade(url, &parties).await;
        }
        let block_mode = BlockMode::Interval(Duration::from_millis(self.block_time_ms));
        let (mut config, accounts) = dev_node_config(Storage::Memory, block_mode)?;
        confine(&mut config)?;
        let node = Node::start(config).await?;
        let url = format!("http://{}", node.rpc_address());
        let parties = Parties::connect(&url, accounts).await?;
        let report = self.trade(&url, &parties).await;
        node.stop().await?;
        report
    }

    async fn trade(&self, url: &str, parties: &Parties) -> Result<Report> {
        let Parties { house, trader, newcomer } = parties;
        self.say("chain", format_args!("id {}, at {url}", house.chain_id()));
        let program = house.submit_program(bundled::AMM_FEE.elf).await?;
        self.say(
            "program",
            format_args!("amm-fee, {} instructions, id {}", program.instructions, program.program_id),
        );
        let mut closes = closes_in_cents()?;
        closes.truncate(self.closes.map_or(usize::MAX, |closes| closes as usize));
        let first = *closes.first().ok_or_else(|| eyre!("no closes to follow"))?;
        let market = Market::open(house, program.program_id, first).await?;
        for client in [trader, newcomer] {
            market.fund(house, client).await?;
        }
        self.say("pool", format_args!("{}; its page: {url}/amm#{}", market.pool, market.pool));
        let walk = self.walk(&market, parties, &closes).await?;
        self.compare(&market, parties, program.program_id, &walk).await
    }

    /// Along the closes, with a purchase and a sale of the trader every now and then.
    async fn walk(&self, market: &Market, parties: &Parties, closes: &[u32]) -> Result<Walk> {
        let Parties { house, trader, .. } = parties;
        let mut arbitrage_swaps = 0;
        let mut period = None;
        for closes in closes.chunks(closes.len().div_ceil(ROUNDS)) {
            arbitrage_swaps += market.follow(house, closes).await?;
            if period.is_none() {
                period = Some(house.call(market.pool, DynamicFeePool::latestPeriodCall {}).await?);
            }
            let bought = market.buy(trader, tokens(DOLLARS_ON_THE_WAY), None).await?;
            market.sell(trader, bought.amount_out).await?;
        }
        let (dollars, index) = market.reserves(house).await?;
        let cents: u64 = (dollars * U256::from(100) / index).to();
        self.say(
            "prices",
            format_args!(
                "{} closes of the S&P 500, {arbitrage_swaps} swaps of the arbitrageur, now ${}.{:02}",
                closes.len(),
                cents / 100,
                cents % 100
            ),
        );
        let period = period.ok_or_else(|| eyre!("no closes to follow"))?;
        Ok(Walk { closes: closes.len(), arbitrage_swaps, period })
    }

    async fn volume_since(&self, market: &Market, trader: &Client, history: &History) -> Result<u64> {
        let now = trader.call(market.pool, DynamicFeePool::traderOfCall { trader: trader.address() }).await?;
        let volume = U256::from(now.volume.saturating_sub(history.volume_then));
        Ok((volume / tokens(1)).to())
    }

    /// The same swap by both, without a proof, with one, and with a tier.
    async fn compare(
        &self,
        market: &Market,
        parties: &Parties,
        program_id: B256,
        walk: &Walk,
    ) -> Result<Report> {
        let Parties { trader, newcomer, .. } = parties;
        let amount = tokens(DOLLARS_IN_THE_END);
        let history = History::of(trader, market.pool, trader.address(), walk.period).await?;
        let volume_dollars = self.volume_since(market, trader, &history).await?;
        self.say(
            "history",
            format_args!(
                "${volume_dollars} since block {}: a proof of {} bytes, {} for the program",
                history.block,
                history.proof.len(),
                history.input_size_bytes
            ),
        );
        // The first swap of an account makes its word, which costs more: not what is compared.
        market.buy(newcomer, amount, None).await?;
        let of_newcomer = market.buy(newcomer, amount, None).await?;
        self.say_swap("newcomer", "without a proof", &of_newcomer);
        let own = History::of(newcomer, market.pool, newcomer.address(), walk.period).await?;
        let of_newcomer_proven = market.buy(newcomer, amount, Some(&own)).await?;
        self.say_swap("newcomer", "with a proof", &of_newcomer_proven);
        let plain = market.buy(trader, amount, None).await?;
        self.say_swap("trader", "without a proof", &plain);
        let proven = market.buy(trader, amount, Some(&history)).await?;
        self.say_swap("trader", "with a proof", &proven);
        let forgery = market.try_forged_proof(trader, amount, &history).await?;
        self.say("forgery", format_args!("the trader with one byte of the proof changed: {forgery}"));
        let refresh_cycles = self.refresh(market, trader, &history).await?;
        let with_tier = market.buy(trader, amount, None).await?;
        self.say_swap("trader", "with a tier", &with_tier);
        Ok(Report {
            pool: market.pool,
            program_id,
            closes: walk.closes,
            arbitrage_swaps: walk.arbitrage_swaps,
            anchor_block: history.block,
            proof_bytes: history.proof.len(),
            input_bytes: history.input_size_bytes,
            volume_dollars,
            newcomer: of_newcomer.into(),
            newcomer_with_proof: of_newcomer_proven.into(),
            trader_without_proof: plain.into(),
            trader_with_proof: proven.into(),
            trader_with_tier: with_tier.into(),
            forged_proof: forgery,
            refresh_cycles,
        })
    }

    /// Has the trader's tier found by an ordinary job; returns the cycles that it took.
    async fn refresh(&self, market: &Market, trader: &Client, history: &History) -> Result<u64> {
        let quote = JobManager::quoteCall { maxCycles: REFRESH_CYCLES, callbackGasLimit: CALLBACK_GAS };
        let fee = trader.call(JOB_MANAGER_ADDRESS, quote).await?;
        let refresh = DynamicFeePool::refreshTierCall {
            period: history.period,
            proof: history.proof.clone(),
            maxCycles: REFRESH_CYCLES,
        };
        let (job_id, receipt) = trader.request_job(market.pool, refresh.abi_encode(), fee).await?;
        let job = trader.job(job_id, |job| job.result_block.is_some()).await?;
        ensure!(job.state == JobState::Delivered, "the refresh is {:?}", job.state);
        let cycles = job.cycles.unwrap_or_default();
        self.say(
            "refresh",
            format_args!("job {job_id}: {} gas to ask, {cycles} cycles, delivered", receipt.gas_used),
        );
        Ok(cycles)
    }

    fn say_swap(&self, who: &str, how: &str, swap: &Swapped) {
        let Swapped { fee_millionths, amount_out, gas, block, cycles } = swap;
        let (hundredths, rest) = (fee_millionths / 100, fee_millionths % 100);
        let millionths: u64 = (*amount_out / U256::from(10_u64.pow(12))).to();
        self.say(
            who,
            format_args!(
                "{how:<15}  fee 0.{hundredths:02}{rest:02} %, {}.{:06} index tokens for ${DOLLARS_IN_THE_END}, {gas} gas, \
                 {cycles} cycles, block {block}",
                millionths / 1_000_000,
                millionths % 1_000_000
            ),
        );
    }
}

impl Report {
    /// Holds the demo to what it promises: a discount for the volume, and for nothing else.
    fn check(&self) -> Result<()> {
        let promise = |holds: bool, what: &str| -> Result<()> {
            ensure!(holds, "the demo did not end as it should: {what}");
            Ok(())
        };
        for (who, trade) in [
            ("the newcomer", &self.newcomer),
            ("the newcomer with a proof", &self.newcomer_with_proof),
            ("the trader without a proof", &self.trader_without_proof),
        ] {
            promise(trade.fee_millionths == BASE_FEE_MILLIONTHS, &format!("{who} paid another fee"))?;
        }
        let discounted = self.trader_with_proof.fee_millionths;
        promise(discounted < BASE_FEE_MILLIONTHS, "the trader got no discount")?;
        promise(self.trader_with_tier.fee_millionths == discounted, "the tier is not the proven fee")
    }
}
