//! A published chess move generator, as a guest: `cozy-chess`.
//!
//! Input: a depth in plies as one byte, then a position in Forsyth-Edwards notation. Output: how many positions legal
//! moves lead to at that depth ("perft"), as 8 bytes, little-endian.

#![deny(missing_docs)]

use cozy_chess::Board;

/// The position that move generators are tested with: castling, pins, promotions, en passant.
pub const KIWIPETE: &str = "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1";
/// Where a game starts.
pub const START: &str = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1";

/// Counts positions.
///
/// # Panics
/// When the input is no depth and position.
pub fn run(input: &[u8]) -> Vec<u8> {
    let Some((&depth, position)) = input.split_first() else {
        panic!("input is empty, expected a depth and a position")
    };
    let position = String::from_utf8_lossy(position);
    match position.parse::<Board>() {
        Ok(board) => positions(&board, depth).to_le_bytes().to_vec(),
        Err(error) => panic!("{position} is no position: {error}"),
    }
}

fn positions(board: &Board, depth: u8) -> u64 {
    if depth == 0 {
        return 1;
    }
    let mut count = 0;
    board.generate_moves(|moves| {
        if depth == 1 {
            count += moves.len() as u64;
        } else {
            for step in moves {
                let mut next = board.clone();
                next.play_unchecked(step);
                count += positions(&next, depth - 1);
            }
        }
        false
    });
    count
}

/// An input.
pub fn sample(depth: u8, position: &str) -> Vec<u8> {
    [&[depth], position.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figures are those every move generator is held to.
    #[test]
    fn counts_are_the_known_ones() {
        let endgame = "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1";
        let promotions = "r3k2r/Pppp1ppp/1b3nbN/nP6/BBP1P3/q4N2/Pp1P2PP/R2Q1RK1 w kq - 0 1";
        for (depth, position, expected) in [
            (0, START, 1_u64),
            (1, START, 20),
            (2, START, 400),
            (3, START, 8_902),
            (4, START, 197_281),
            (1, KIWIPETE, 48),
            (2, KIWIPETE, 2_039),
            (3, KIWIPETE, 97_862),
            (4, KIWIPETE, 4_085_603),
            (5, endgame, 674_624),
            (4, promotions, 422_333),
        ] {
            assert_eq!(run(&sample(depth, position)), expected.to_le_bytes(), "{position} at depth {depth}");
        }
    }

    #[test]
    #[should_panic(expected = "is no position")]
    fn a_board_without_kings_is_refused() {
        run(&sample(1, "8/8/8/8/8/8/8/8 w - - 0 1"));
    }
}
