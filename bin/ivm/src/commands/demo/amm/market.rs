//! A pool with liquidity, and an arbitrageur who moves its price along a series.

use alloy_primitives::{Address, B256, Bytes, TxKind, U256, aliases::U24};
use alloy_rpc_types_eth::TransactionReceipt;
use alloy_sol_types::{SolCall, SolConstructor, SolError, SolEvent};
use eyre::{Result, ensure, eyre};
use ivm_client::Client;
use ivm_contracts::{DynamicFeePool, ExampleToken, IDynamicFeePool, JobManager};

use super::history::History;

/// Fee of who proves nothing, in millionths.
pub(crate) const BASE_FEE_MILLIONTHS: u32 = 3000;

/// What volumes of a month earn: dollars, and millionths.
const TIERS: [(u64, u32); 3] = [(100_000, 2000), (1_000_000, 1000), (10_000_000, 500)];

const ANCHOR_PERIOD_SECONDS: u32 = 3600;
const WINDOW_SECONDS: u32 = 30 * 24 * 3600;

/// Index tokens in the pool at its start; the dollars follow from the first price.
const FIRST_INDEX_TOKENS: u64 = 100_000;

/// Tokens of each kind that a trader starts with.
const TRADER_TOKENS: u64 = 20_000_000;

/// Gas of a transaction of the arbitrageur; a swap takes less than half, the first of a period included.
const SWAP_GAS_LIMIT: u64 = 250_000;

const MILLION: u64 = 1_000_000;

/// So many whole tokens, in their smallest units.
pub(crate) fn tokens(whole: u64) -> U256 {
    U256::from(whole) * U256::from(10_u64.pow(18))
}

/// A pool of dollars (the first token, in which volume counts) and an index (the second).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Market {
    pub(crate) dollars: Address,
    pub(crate) index: Address,
    pub(crate) pool: Address,
}

/// A swap that was made.
#[derive(Debug)]
pub(crate) struct Swapped {
    pub(crate) fee_millionths: u32,
    pub(crate) amount_out: U256,
    pub(crate) gas: u64,
    pub(crate) block: u64,
    /// Cycles of the job within the transaction; zero without one.
    pub(crate) cycles: u64,
}

impl Market {
    /// Deploys tokens and pool, and provides liquidity at the first price.
    pub(crate) async fn open(house: &Client, program_id: B256, first_close_cents: u32) -> Result<Self> {
        let dollars = house.deploy(&ExampleToken::BYTECODE).await?;
        let index = house.deploy(&ExampleToken::BYTECODE).await?;
        let tiers = TIERS.map(|(volume, fee)| IDynamicFeePool::Tier {
            minVolume: tokens(volume).to(),
            feeMillionths: U24::from(fee),
        });
        let configuration = IDynamicFeePool::Configuration {
            token0: dollars,
            token1: index,
            feeProgramId: program_id,
            anchorPeriodSeconds: ANCHOR_PERIOD_SECONDS,
            windowSeconds: WINDOW_SECONDS,
            baseFeeMillionths: U24::from(BASE_FEE_MILLIONTHS),
            tiers,
        };
        let arguments = DynamicFeePool::constructorCall { configuration }.abi_encode();
        let pool = house.deploy(&[&DynamicFeePool::BYTECODE[..], &arguments].concat()).await?;
        let market = Self { dollars, index, pool };
        market.allow(house).await?;
        let add = DynamicFeePool::addLiquidityCall {
            maxAmount0: tokens(FIRST_INDEX_TOKENS) * U256::from(first_close_cents) / U256::from(100),
            maxAmount1: tokens(FIRST_INDEX_TOKENS),
            minShares: U256::from(1),
            recipient: house.address(),
            deadline: u64::MAX,
        };
        house.transact(TxKind::Call(pool), add.abi_encode(), U256::ZERO).await?;
        Ok(market)
    }

    /// Gives a trader tokens of both kinds, which the pool may take.
    pub(crate) async fn fund(&self, house: &Client, trader: &Client) -> Result<()> {
        for token in [self.dollars, self.index] {
            let transfer = ExampleToken::transferCall { to: trader.address(), value: tokens(TRADER_TOKENS) };
            house.transact(TxKind::Call(token), transfer.abi_encode(), U256::ZERO).await?;
        }
        self.allow(trader).await
    }

    async fn allow(&self, owner: &Client) -> Result<()> {
        for token in [self.dollars, self.index] {
            let approve = ExampleToken::approveCall { spender: self.pool, value: U256::MAX };
            owner.transact(TxKind::Call(token), approve.abi_encode(), U256::ZERO).await?;
        }
        Ok(())
    }

    /// What the pool holds: dollars, and index tokens.
    pub(crate) async fn reserves(&self, client: &Client) -> Result<(U256, U256)> {
        let reserves = client.call(self.pool, DynamicFeePool::reservesCall {}).await?;
        Ok((reserves.reserve0, reserves.reserve1))
    }

    /// Moves the pool's price to each close in turn; returns how many swaps that took. All are sent before the first is
    /// waited for: each must give exactly what is computed here, so a difference would show as one that failed.
    pub(crate) async fn follow(&self, arbitrageur: &Client, closes_in_cents: &[u32]) -> Result<usize> {
        let (mut dollars, mut index) = self.reserves(arbitrageur).await?;
        let mut sent = Vec::new();
        for close in closes_in_cents {
            let Some((dollars_in, amount_in)) = arbitrage(dollars, index, *close) else { continue };
            let amount_out;
            if dollars_in {
                amount_out = amount_out_of(dollars, index, amount_in, BASE_FEE_MILLIONTHS);
                (dollars, index) = (dollars + amount_in, index - amount_out);
            } else {
                amount_out = amount_out_of(index, dollars, amount_in, BASE_FEE_MILLIONTHS);
                (dollars, index) = (dollars - amount_out, index + amount_in);
            }
            let order = self.order(arbitrageur.address(), dollars_in, amount_in, amount_out);
            let input = DynamicFeePool::swapCall { order }.abi_encode();
            sent.push(arbitrageur.send(TxKind::Call(self.pool), input, U256::ZERO, SWAP_GAS_LIMIT).await?);
        }
        for hash in &sent {
            let receipt = arbitrageur.receipt(*hash).await?;
            ensure!(receipt.status(), "swap {hash} of the arbitrageur failed");
        }
        Ok(sent.len())
    }

    /// Swaps dollars for index tokens, with a proof when there is one.
    pub(crate) async fn buy(
        &self,
        trader: &Client,
        amount_in: U256,
        history: Option<&History>,
    ) -> Result<Swapped> {
        let order = self.order(trader.address(), true, amount_in, U256::from(1));
        self.swap(trader, order, history).await
    }

    /// Swaps index tokens for dollars, without a proof.
    pub(crate) async fn sell(&self, trader: &Client, amount_in: U256) -> Result<Swapped> {
        let order = self.order(trader.address(), false, amount_in, U256::from(1));
        self.swap(trader, order, None).await
    }

    async fn swap(
        &self,
        trader: &Client,
        order: IDynamicFeePool::Swap,
        history: Option<&History>,
    ) -> Result<Swapped> {
        let input = match history {
            Some(history) => proven(order, history).abi_encode(),
            None => DynamicFeePool::swapCall { order }.abi_encode(),
        };
        let receipt = trader.transact(TxKind::Call(self.pool), input, U256::ZERO).await?;
        let swapped = event::<DynamicFeePool::Swapped>(&receipt)
            .ok_or_else(|| eyre!("transaction {} has no swap", receipt.transaction_hash))?;
        Ok(Swapped {
            fee_millionths: swapped.feeMillionths.to(),
            amount_out: swapped.amountOut,
            gas: receipt.gas_used,
            block: receipt.block_number.unwrap_or_default(),
            cycles: event::<JobManager::ClaimPosted>(&receipt).map_or(0, |claim| claim.cycles),
        })
    }

    /// What the node says of a swap with a proof of which one byte was changed: it must not pass.
    pub(crate) async fn try_forged_proof(
        &self,
        trader: &Client,
        amount_in: U256,
        history: &History,
    ) -> Result<String> {
        let order = self.order(trader.address(), true, amount_in, U256::from(1));
        let mut forged = history.proof.to_vec();
        if let Some(last) = forged.last_mut() {
            *last ^= 1;
        }
        let forged = History { proof: forged.into(), ..history.clone() };
        let input = Bytes::from(proven(order, &forged).abi_encode());
        let call = serde_json::json!({ "from": trader.address(), "to": self.pool, "input": input });
        let answer: Result<Bytes, _> =
            trader.request("eth_call", ivm_client::rpc_params![call, "latest"]).await;
        match answer {
            Ok(_) => Err(eyre!("the pool took a forged proof")),
            Err(error) => Ok(rejection(&error).unwrap_or_else(|| error.to_string())),
        }
    }

    fn order(
        &self,
        recipient: Address,
        dollars_in: bool,
        amount_in: U256,
        min_amount_out: U256,
    ) -> IDynamicFeePool::Swap {
        IDynamicFeePool::Swap {
            tokenIn: if dollars_in { self.dollars } else { self.index },
            amountIn: amount_in,
            minAmountOut: min_amount_out,
            recipient,
            deadline: u64::MAX,
        }
    }
}

fn proven(order: IDynamicFeePool::Swap, history: &History) -> DynamicFeePool::swapWithProofCall {
    DynamicFeePool::swapWithProofCall { order, period: history.period, proof: history.proof.clone() }
}

/// The first event of a kind in a receipt.
pub(crate) fn event<E: SolEvent>(receipt: &TransactionReceipt) -> Option<E> {
    receipt.logs().iter().find_map(|log| E::decode_log(&log.inner).ok()).map(|log| log.data)
}

/// What comes out of a swap, as the pool computes it.
fn amount_out_of(reserve_in: U256, reserve_out: U256, amount_in: U256, fee_millionths: u32) -> U256 {
    let after_fee = amount_in * U256::from(MILLION - u64::from(fee_millionths));
    after_fee * reserve_out / (reserve_in * U256::from(MILLION) + after_fee)
}

/// What to put in, and whether it is dollars, so that the pool's price becomes this one; none when it is.
///
/// The product stays about the same, so the dollars become `sqrt(product * price)`; the fee on what goes in moves the price
/// a little further, which the next close takes back.
fn arbitrage(dollars: U256, index: U256, close_in_cents: u32) -> Option<(bool, U256)> {
    let wanted_dollars = (dollars * index / U256::from(100) * U256::from(close_in_cents)).root(2);
    let wanted_index = (dollars * index / U256::from(close_in_cents) * U256::from(100)).root(2);
    // Less than a millionth of the reserve is not worth a transaction.
    if wanted_dollars > dollars + dollars / U256::from(MILLION) {
        Some((true, wanted_dollars - dollars))
    } else if wanted_index > index + index / U256::from(MILLION) {
        Some((false, wanted_index - index))
    } else {
        None
    }
}

/// What the program said as it panicked over a proof.
fn rejection(error: &ivm_client::ClientError) -> Option<String> {
    let (_, _, data) = error.rpc_error()?;
    let rejected =
        DynamicFeePool::FeeProofRejected::abi_decode(&alloy_primitives::hex::decode(data?).ok()?).ok()?;
    Some(String::from_utf8_lossy(&rejected.message).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The price of the index in the pool, in cents.
    fn price_in_cents(dollars: U256, index: U256) -> u64 {
        (dollars * U256::from(100) / index).to()
    }

    #[test]
    fn arbitrage_moves_the_price_there_in_both_directions() {
        let (mut dollars, mut index) = (tokens(145_522_000), tokens(100_000));
        for close in [145_522, 139_942, 140_211, 200_000, 67_653, 67_654, 480_000] {
            if let Some((dollars_in, amount_in)) = arbitrage(dollars, index, close) {
                if dollars_in {
                    let out = amount_out_of(dollars, index, amount_in, BASE_FEE_MILLIONTHS);
                    (dollars, index) = (dollars + amount_in, index - out);
                } else {
                    let out = amount_out_of(index, dollars, amount_in, BASE_FEE_MILLIONTHS);
                    (dollars, index) = (dollars - out, index + amount_in);
                }
            }
            let (price, close) = (price_in_cents(dollars, index), u64::from(close));
            assert!(
                price.abs_diff(close) * 500 <= close,
                "price {price}, expected {close} to two thousandths"
            );
        }
    }

    #[test]
    fn the_price_of_today_needs_no_swap() {
        assert_eq!(arbitrage(tokens(145_522), tokens(100), 145_522), None);
    }
}
