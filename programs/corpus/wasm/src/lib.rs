//! A published WebAssembly interpreter, as a guest: `wasmi`, which runs `module.wat`.
//!
//! Input: three little-endian `u32`: below what number to count primes, which Fibonacci number, how many terms of a
//! series for pi. Output: the results, two `u64` and the bits of an `f64`, little-endian.

#![deny(missing_docs)]

use wasmi::{Engine, Error, Linker, Module, Store};

/// `module.wat`, assembled.
pub const MODULE: &[u8] = include_bytes!("module.wasm");

const INPUT_SIZE_BYTES: usize = 12;

/// Places in the module's table.
const PRIMES: u32 = 0;
const FIBONACCI: u32 = 1;

/// Runs the module's functions.
///
/// # Panics
/// When the input has another size, or the module traps: the message is the interpreter's.
pub fn run(input: &[u8]) -> Vec<u8> {
    let (words, rest) = input.as_chunks::<4>();
    let &[primes_below, fibonacci_index, terms] = words else {
        panic!("input is {} bytes, expected {INPUT_SIZE_BYTES}", input.len())
    };
    assert!(rest.is_empty(), "input is {} bytes, expected {INPUT_SIZE_BYTES}", input.len());
    match interpret([primes_below, fibonacci_index, terms].map(u32::from_le_bytes)) {
        Ok(results) => results.map(u64::to_le_bytes).concat(),
        Err(error) => panic!("the module failed: {error}"),
    }
}

fn interpret([primes_below, fibonacci_index, terms]: [u32; 3]) -> Result<[u64; 3], Error> {
    let engine = Engine::default();
    let module = Module::new(&engine, MODULE)?;
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module)?;
    let call = instance.get_typed_func::<(u32, u32), u64>(&store, "call")?;
    let basel = instance.get_typed_func::<u32, f64>(&store, "basel")?;
    let calls = instance.get_typed_func::<(), u32>(&store, "calls")?;
    let primes = call.call(&mut store, (PRIMES, primes_below))?;
    let fibonacci = call.call(&mut store, (FIBONACCI, fibonacci_index))?;
    assert_eq!(calls.call(&mut store, ())?, 2, "the module counts its calls");
    Ok([primes, fibonacci, basel.call(&mut store, terms)?.to_bits()])
}

/// An input.
pub fn sample(primes_below: u32, fibonacci_index: u32, terms: u32) -> Vec<u8> {
    [primes_below, fibonacci_index, terms].map(u32::to_le_bytes).concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_is_its_text() {
        assert_eq!(wat::parse_str(include_str!("module.wat")).expect("a module"), MODULE);
    }

    #[test]
    fn results_are_the_known_ones() {
        let output = run(&sample(100_000, 20, 1_000));
        let words = output.as_chunks::<8>().0;
        assert_eq!(words[..2], [9_592_u64, 6_765].map(u64::to_le_bytes));
        let pi = f64::from_le_bytes(words[2]);
        assert!((pi - std::f64::consts::PI).abs() < 1e-3, "{pi}");
    }

    #[test]
    #[should_panic(expected = "the module failed: out of bounds memory access")]
    fn a_trap_is_a_panic() {
        run(&sample(1 << 20, 0, 0));
    }

    #[test]
    #[should_panic(expected = "input is 13 bytes, expected 12")]
    fn other_sizes_are_refused() {
        run(&[0; 13]);
    }
}
