//! Files of blocks: there and back, cut short, damaged, endless.

mod common;

use std::fs;
use std::io::{self, Read};

use common::ethereum::*;
use common::sign;
use ivm_chain::{
    BlockError, BlockFileError, BlockFileReader, Chain, ChainConfig, ChainError, DataDir, DataDirError,
    ExportError, ImportFileError, ImportProgress, MAX_ETHEREUM_BLOCK_SIZE_BYTES, Storage,
};

fn empty_copy(chain: &Chain) -> Chain {
    Chain::open(chain.config().clone(), Storage::Memory).expect("opens")
}

fn export(chain: &Chain, range: std::ops::RangeInclusive<u64>) -> Vec<u8> {
    let mut file = Vec::new();
    chain.export_file(&mut file, range, &mut |_| {}).expect("exports");
    file
}

fn import(chain: &Chain, file: &[u8]) -> Result<ImportProgress, ImportFileError> {
    chain.import_file(file, &mut |_| {})
}

#[test]
fn a_file_gives_the_chain_it_was_made_of() {
    let chain = chain_through_every_fork();
    let last = chain.head().block.number();
    let file = export(&chain, 0..=last);
    let copy = empty_copy(&chain);
    let mut steps = Vec::new();
    let done = copy.import_file(file.as_slice(), &mut |progress| steps.push(*progress)).expect("imports");
    assert_eq!(copy.head(), chain.head());
    assert_eq!((done.imported_blocks, done.known_blocks), (last, 1));
    assert_eq!(done.bytes, file.len() as u64);
    assert_eq!(steps.len() as u64, last + 1);
    assert_eq!(steps.last(), Some(&done));
    assert!(done.gas > 0 && done.transactions > last);

    // Again, and in parts that overlap.
    let again = import(&copy, &file).expect("imports");
    assert_eq!((again.imported_blocks, again.known_blocks, again.gas), (0, last + 1, 0));
    let parts = empty_copy(&chain);
    import(&parts, &export(&chain, 1..=10)).expect("imports");
    let rest = import(&parts, &export(&chain, 5..=last)).expect("imports");
    assert_eq!((rest.imported_blocks, rest.known_blocks), (last - 10, 6));
    assert_eq!(parts.head(), chain.head());
    // The same block twice in a row.
    let twice = [export(&chain, 1..=2), export(&chain, 2..=3)].concat();
    assert_eq!(import(&empty_copy(&chain), &twice).expect("imports").known_blocks, 1);
}

#[test]
fn ranges_are_those_of_the_chain() {
    let chain = open(prague());
    extend(&chain, Vec::new());
    for (first, last) in [(0, 2), (1, 0), (u64::MAX, u64::MAX)] {
        let error = chain.export_file(io::sink(), first..=last, &mut |_| {}).expect_err("no such range");
        assert!(matches!(error, ExportError::Range { head: 1, .. }), "{error}");
    }
}

#[test]
fn what_is_valid_before_a_bad_block_is_kept() {
    let chain = chain_through_every_fork();
    let (good, gap) = (export(&chain, 1..=3), export(&chain, 5..=5));
    let copy = empty_copy(&chain);
    match import(&copy, &[good.clone(), gap].concat()) {
        Err(ImportFileError::Block { number: 5, offset, source, .. }) => {
            assert_eq!(offset, good.len() as u64);
            let ChainError::InvalidBlock(error) = *source else { panic!("{source}") };
            assert!(matches!(error, BlockError::Field { field: "parentHash", .. }), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(copy.head().block.number(), 3);
}

#[test]
fn another_branch_is_refused_by_name() {
    let (chain, other) = (open(prague()), open(prague()));
    extend(&chain, vec![modern(0)]);
    extend(&other, Vec::new());
    match import(&chain, &export(&other, 1..=1)) {
        Err(ImportFileError::OtherBranch { number: 1, got, expected, offset: 0 }) => {
            assert_eq!((got, expected), (other.head().block.hash(), chain.head().block.hash()));
        }
        result => panic!("{result:?}"),
    }
    // Another chain's first block is as well.
    let foreign = open(every_fork());
    assert!(matches!(
        import(&chain, &export(&foreign, 0..=0)),
        Err(ImportFileError::OtherBranch { number: 0, .. })
    ));
}

#[test]
fn files_that_end_early_say_where() {
    let chain = open(prague());
    extend(&chain, vec![modern(0)]);
    extend(&chain, Vec::new());
    let file = export(&chain, 1..=2);
    let first = export(&chain, 1..=1).len();
    for length in 0..file.len() {
        let copy = empty_copy(&chain);
        let result = import(&copy, &file[..length]);
        if length == 0 || length == first {
            result.expect("whole blocks");
            continue;
        }
        let begins = if length < first { 0 } else { first as u64 };
        match result {
            Err(ImportFileError::File(BlockFileError::Truncated { offset, got, expected })) => {
                assert_eq!((offset, got), (begins, length as u64 - begins));
                assert!(got < expected);
            }
            other => panic!("{length}: {other:?}"),
        }
        assert_eq!(copy.head().block.number(), u64::from(length > first));
    }
}

#[test]
fn lengths_are_checked_before_there_is_memory_for_them() {
    let limit = 1000;
    let read = |bytes: &[u8]| {
        let mut reader = BlockFileReader::new(bytes, limit);
        let first = reader.next().expect("something");
        // After an error there is no more.
        assert!(first.is_ok() || reader.next().is_none());
        first.map(|block| block.rlp.len())
    };
    assert!(matches!(
        read(&[0xff; 9]),
        Err(BlockFileError::Oversized { offset: 0, got: u64::MAX, limit: 1000 })
    ));
    assert!(matches!(read(&[0xf9, 0x03, 0xe6]), Err(BlockFileError::Oversized { got: 1001, .. })));
    assert!(matches!(
        read(&[0xf9, 0x03, 0xe5]),
        Err(BlockFileError::Truncated { got: 3, expected: 1000, .. })
    ));
    assert!(matches!(read(&[0xf9, 0x03]), Err(BlockFileError::Truncated { got: 2, expected: 3, .. })));
    assert!(matches!(read(b"{}"), Err(BlockFileError::NotABlock { offset: 0, .. })));
    assert!(matches!(read(&[0xc0]), Ok(1)));
}

/// Gives one byte for ever.
struct Endless(u8);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(self.0);
        Ok(buffer.len())
    }
}

#[test]
fn files_without_end_end() {
    let chain = open(prague());
    for byte in [0x00, 0x7f, 0x80, 0xc0, 0xf7, 0xf8, 0xff] {
        let error = chain.import_file(Endless(byte), &mut |_| {}).expect_err("no blocks");
        assert!(matches!(error, ImportFileError::File(_)), "{error}");
    }
    // A block of the greatest length, and then no end.
    let length = MAX_ETHEREUM_BLOCK_SIZE_BYTES as u32 - 5;
    let header = [&[0xfb][..], &length.to_be_bytes()].concat();
    let error = chain.import_file(header.chain(Endless(0)), &mut |_| {}).expect_err("no block");
    assert!(matches!(error, ImportFileError::File(BlockFileError::Malformed { .. })), "{error}");
    assert_eq!(chain.head().block.number(), 0);
}

#[test]
fn a_file_that_cannot_be_read_says_where() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let chain = open(prague());
    extend(&chain, Vec::new());
    let file = export(&chain, 1..=1);
    let copy = empty_copy(&chain);
    let error = copy.import_file(file.as_slice().chain(Broken), &mut |_| {}).expect_err("broken");
    assert!(error.to_string().contains(&format!("byte {}: ", file.len())), "{error}");
    assert_eq!(copy.head(), chain.head());
}

/// Flips a bit of every byte of the block at a height, with the block after it behind: the file is refused with a reason,
/// or it is other valid blocks up to where it is refused.
fn flip_every_byte(chain: &Chain, number: u64) {
    let before = export(chain, 1..=number - 1);
    let (target, after) = (export(chain, number..=number), export(chain, number + 1..=number + 1));
    let start = || {
        let copy = empty_copy(chain);
        import(&copy, &before).expect("imports");
        copy
    };
    let mut copy = start();
    for position in 0..target.len() {
        let mut file = [target.clone(), after.clone()].concat();
        file[position] ^= 1 << (position % 8);
        let error = import(&copy, &file).expect_err("the blocks do not follow each other");
        let head = copy.head().block;
        match &error {
            ImportFileError::File(_) => {}
            ImportFileError::Block { source, .. } => {
                let reasonable = matches!(**source, ChainError::InvalidBlock(_));
                assert!(reasonable, "byte {position}: {error}");
            }
            ImportFileError::OtherBranch { .. } => {}
            ImportFileError::Chain(_) => panic!("byte {position}: {error}"),
        }
        assert!(error.to_string().contains("byte "), "{error}");
        if head.number() >= number {
            // Something that is the proposer's to choose: another valid block, and the one behind it is not its child.
            assert_eq!(head.number(), number, "byte {position}");
            copy = start();
        }
    }
    import(&copy, &[target, after].concat()).expect("the undamaged file imports");
}

#[test]
fn every_damaged_byte_of_a_block_of_work_is_noticed() {
    let chain = open(every_fork());
    for _ in 0..2 {
        extend(&chain, Vec::new());
    }
    let mut request = request_at(3, Vec::new());
    request.extra_data = b"lost".as_slice().into();
    let ommer = chain.build_block(request).expect("builds").block().header().clone();
    extend(&chain, Vec::new());
    let mut block =
        chain.build_block(request_at(4, vec![sign(legacy(0), 0)])).expect("builds").block().to_block();
    block.body.ommers = vec![ommer];
    chain.import(put_right(&chain, block)).expect("imports");
    extend(&chain, vec![sign(legacy(1), 0)]);
    flip_every_byte(&chain, 4);
}

#[test]
fn every_damaged_byte_of_a_block_of_stake_is_noticed() {
    let chain = open(prague());
    extend(&chain, Vec::new());
    let transactions = vec![modern(0), sign(legacy(0), 0), sign(blobs(0, 1), 1), sign(delegation(1), 1)];
    let mut block = chain.build_block(request_at(2, transactions)).expect("builds").block().to_block();
    let withdrawal =
        alloy_eips::eip4895::Withdrawal { index: 1, validator_index: 2, amount: 3, ..Default::default() };
    block.body.withdrawals = Some(vec![withdrawal].into());
    chain.import(put_right(&chain, block)).expect("imports");
    extend(&chain, Vec::new());
    flip_every_byte(&chain, 2);
}

#[test]
fn a_folder_keeps_the_genesis_of_its_chain() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, genesis: &alloy_genesis::Genesis| {
        let path = folder.path().join(name);
        fs::write(&path, serde_json::to_string(genesis).expect("encodes")).expect("writes");
        path
    };
    let genesis = write("genesis.json", &prague());
    let data = folder.path().join("data");
    let directory = DataDir::new(&data);
    assert!(matches!(directory.open(), Err(DataDirError::Empty { .. })));
    let chain = directory.open_or_create(&genesis).expect("creates");
    let head = extend(&chain, vec![modern(0)]);
    drop(chain);
    assert_eq!(directory.open().expect("opens").head(), head);
    assert_eq!(directory.open_or_create(&genesis).expect("opens").head(), head);

    let other = write("other.json", &alloy_genesis::Genesis { timestamp: 1, ..prague() });
    assert!(matches!(directory.open_or_create(&other), Err(DataDirError::OtherChain { .. })));
    let mut later = prague();
    later.config.osaka_time = Some(1 << 40);
    let later = write("later.json", &later);
    assert!(matches!(directory.open_or_create(&later), Err(DataDirError::OtherRules { .. })));
    let missing = folder.path().join("missing.json");
    assert!(matches!(directory.open_or_create(&missing), Err(DataDirError::File { .. })));
    fs::write(&missing, "{").expect("writes");
    assert!(matches!(directory.open_or_create(&missing), Err(DataDirError::NotAGenesis { .. })));
    let mut wrong = prague();
    wrong.number = Some(7);
    let wrong = write("wrong.json", &wrong);
    assert!(matches!(directory.open_or_create(&wrong), Err(DataDirError::Genesis { .. })));
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let genesis = folder.path().join("genesis.json.txt");
    fs::write(&genesis, serde_json::to_string(&prague()).expect("encodes")).expect("writes");
    let data = folder.path().join("data");
    // A chain of the other kind.
    let chain = Chain::open(ChainConfig::default(), Storage::Path(data.join("chain"))).expect("opens");
    drop(chain);
    let directory = DataDir::new(&data);
    assert!(matches!(directory.open(), Err(DataDirError::Empty { .. })));
    assert!(matches!(directory.open_or_create(&genesis), Err(DataDirError::NotOurs { .. })));
    assert!(!data.join("genesis.json").exists());

    // A genesis file that was being written when the process died does not stand in the way.
    let data = folder.path().join("torn");
    fs::create_dir(&data).expect("makes it");
    fs::write(data.join("genesis.json.new"), "{").expect("writes");
    DataDir::new(&data).open_or_create(&genesis).expect("creates");
}
