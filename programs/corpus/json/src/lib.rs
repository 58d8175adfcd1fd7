//! A published JSON parser, as a guest: `serde_json` with types.
//!
//! Input: a JSON list of orders. Output: a JSON object with what they come to, and the orders again.

#![deny(missing_docs)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Side {
    Buy,
    Sell,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    id: u64,
    side: Side,
    price: f64,
    amounts: Vec<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    memo: Option<String>,
}

#[derive(Debug, Default, Serialize)]
struct Total {
    orders: usize,
    amount: i64,
    value: f64,
}

#[derive(Serialize)]
struct Summary<'a> {
    totals: BTreeMap<Side, Total>,
    longest_memo: Option<&'a str>,
    orders: &'a [Order],
}

/// Sums the orders up.
///
/// # Panics
/// When the input is no list of orders: the message is the parser's.
pub fn run(input: &[u8]) -> Vec<u8> {
    let orders: Vec<Order> = match serde_json::from_slice(input) {
        Ok(orders) => orders,
        Err(error) => panic!("input is no list of orders: {error}"),
    };
    let mut totals = BTreeMap::<Side, Total>::new();
    for order in &orders {
        let total = totals.entry(order.side).or_default();
        let amount: i64 = order.amounts.iter().sum();
        total.orders += 1;
        total.amount += amount;
        total.value += order.price * amount as f64;
    }
    let memos = orders.iter().filter_map(|order| order.memo.as_deref());
    let longest_memo = memos.max_by_key(|memo| memo.chars().count());
    match serde_json::to_vec(&Summary { totals, longest_memo, orders: &orders }) {
        Ok(bytes) => bytes,
        Err(error) => panic!("the summary has no JSON form: {error}"),
    }
}

/// An input of so many orders.
pub fn sample(orders: u32) -> Vec<u8> {
    let order = |id: u32| {
        let side = if id.is_multiple_of(3) { "sell" } else { "buy" };
        format!(
            r#"{{"id": {id}, "side": "{side}", "price": {}.{:02}e-1, "amounts": [{}, -{}], "memo": "n\u00b0 {id} \"{side}\""}}"#,
            id * 37 % 10_000,
            id % 100,
            id * 101,
            id % 7 + 1,
        )
    };
    format!("[{}]", (0..orders).map(order).collect::<Vec<_>>().join(",\n")).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_summed_up_and_written_again() {
        let input = br#" [ {"id": 1, "side": "buy", "price": 2.5, "amounts": [4, -1]},
            {"side": "sell", "id": 18446744073709551615, "price": 1e-3, "amounts": [], "memo": "\u20ac\ud83d\ude00\t"},
            {"id": 2, "side": "buy", "price": -0.1, "amounts": [1000000000000]} ] "#;
        let expected = concat!(
            r#"{"totals":{"buy":{"orders":2,"amount":1000000000003,"value":-99999999992.5},"#,
            r#""sell":{"orders":1,"amount":0,"value":0.0}},"longest_memo":"€😀\t","orders":["#,
            r#"{"id":1,"side":"buy","price":2.5,"amounts":[4,-1]},"#,
            r#"{"id":18446744073709551615,"side":"sell","price":0.001,"amounts":[],"memo":"€😀\t"},"#,
            r#"{"id":2,"side":"buy","price":-0.1,"amounts":[1000000000000]}]}"#,
        );
        assert_eq!(String::from_utf8(run(input)).expect("UTF-8"), expected);
    }

    #[test]
    fn samples_are_orders() {
        let output = String::from_utf8(run(&sample(100))).expect("UTF-8");
        assert!(output.starts_with(r#"{"totals":{"buy":{"orders":66,"#), "{output}");
    }

    #[test]
    #[should_panic(expected = "input is no list of orders: missing field `price` at line 1 column 32")]
    fn an_order_without_price_is_refused() {
        run(br#"[{"id":1,"side":"buy","memo":""}]"#);
    }
}
