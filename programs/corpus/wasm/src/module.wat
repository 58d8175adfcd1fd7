;; What the WebAssembly interpreter runs. `module.wasm` is this text, assembled; a test compares them.
(module
  (memory 2)
  (table 2 funcref)
  (elem (i32.const 0) $primes $fibonacci)
  (type $unary (func (param i32) (result i64)))
  (global $calls (mut i32) (i32.const 0))

  ;; Calls a function by its number in the table, and counts the calls.
  (func (export "call") (param $function i32) (param $n i32) (result i64)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (call_indirect (type $unary) (local.get $n) (local.get $function)))

  (func (export "calls") (result i32) (global.get $calls))

  ;; How many primes are below n: a sieve in memory, a byte per number. Traps when n is over the memory's size.
  (func $primes (param $n i32) (result i64)
    (local $i i32) (local $j i32) (local $count i64)
    (local.set $i (i32.const 2))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
        (if (i32.eqz (i32.load8_u (local.get $i)))
          (then
            (local.set $count (i64.add (local.get $count) (i64.const 1)))
            (local.set $j (i32.mul (local.get $i) (local.get $i)))
            (block $marked
              (loop $mark
                (br_if $marked (i32.ge_u (local.get $j) (local.get $n)))
                (i32.store8 (local.get $j) (i32.const 1))
                (local.set $j (i32.add (local.get $j) (local.get $i)))
                (br $mark)))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (local.get $count))

  ;; The n-th Fibonacci number, by recursion.
  (func $fibonacci (param $n i32) (result i64)
    (if (result i64) (i32.lt_u (local.get $n) (i32.const 2))
      (then (i64.extend_i32_u (local.get $n)))
      (else
        (i64.add
          (call $fibonacci (i32.sub (local.get $n) (i32.const 1)))
          (call $fibonacci (i32.sub (local.get $n) (i32.const 2)))))))

  ;; The sum of the first n terms of 1/k^2, in floating point: its limit is pi^2/6.
  (func (export "basel") (param $n i32) (result f64)
    (local $sum f64) (local $k f64)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $k (f64.convert_i32_u (local.get $n)))
        (local.set $sum
          (f64.add (local.get $sum) (f64.div (f64.const 1) (f64.mul (local.get $k) (local.get $k)))))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))
    (f64.sqrt (f64.mul (local.get $sum) (f64.const 6)))))
