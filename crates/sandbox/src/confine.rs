//! What a worker process gives up before it sees a program.
//!
//! | given up | how |
//! | --- | --- |
//! | outliving the node | a kill signal when the node's starter thread ends, and the end of the socket |
//! | descriptors | all but three are closed, and no other can be opened (`RLIMIT_NOFILE`) |
//! | memory | [`MAX_DATA_SIZE_BYTES`] of private memory, [`MAX_ADDRESS_SPACE_SIZE_BYTES`] of addresses |
//! | files, cores, processes | `RLIMIT_FSIZE`, `RLIMIT_CORE`, `RLIMIT_NPROC` of 0, not dumpable |
//! | privileges | no capabilities, none to be had (`no_new_privs`) |
//! | system calls | all but those of [`filter`]; any other kills the process |
//!
//! When memory is short, the system's out-of-memory killer takes a worker before the node.

use std::{collections::BTreeMap, io};

use rustix::{
    process::{
        DumpableBehavior, Resource, Rlimit, Signal, getpid, getppid, set_dumpable_behavior,
        set_parent_process_death_signal, setrlimit,
    },
    thread::{CapabilitySet, CapabilitySets, set_capabilities, set_name, set_no_new_privs},
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

use crate::system::close_inherited_descriptors;

/// Most private memory: an address space (128 MiB), an input image, compiled programs, and what compiling them takes.
pub(crate) const MAX_DATA_SIZE_BYTES: u64 = 512 * 1024 * 1024;

/// Most addresses. Guard pages around an address space take more than 4 GiB of them, and no memory.
pub(crate) const MAX_ADDRESS_SPACE_SIZE_BYTES: u64 = 8 * 1024 * 1024 * 1024;

/// Standard input, output and error: socket, shared area, nothing.
const DESCRIPTORS: u64 = 3;

const SOCKET: u64 = 0;
const STANDARD_ERROR: u64 = 2;

/// The out-of-memory killer's first choice.
const OOM_SCORE_ADJUSTMENT: &str = "1000";

/// Why a worker does not run programs.
pub(crate) type Refusal = String;

fn refusal(step: &'static str) -> impl Fn(io::Error) -> Refusal {
    move |error| format!("{step}: {error}")
}

/// Binds this process to the node that started it; the first thing a worker does.
pub(crate) fn bind_to_node(node_process_id: u32) -> Result<(), Refusal> {
    let node = |error: rustix::io::Errno| format!("asking for the node's end: {error}");
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(node)?;
    // The node may have ended before that.
    if getppid().map(|parent| parent.as_raw_nonzero().get().unsigned_abs()) != Some(node_process_id) {
        return Err("a worker is started by a node only".into());
    }
    close_inherited_descriptors().map_err(refusal("closing descriptors (Linux 5.9 can)"))?;
    // Started by way of a link, the process would be listed under the link's name.
    let _ = set_name(c"ivm-worker");
    // Where this is not allowed, the node and its workers are equals to the killer.
    let _ = std::fs::write("/proc/self/oom_score_adj", OOM_SCORE_ADJUSTMENT);
    Ok(())
}

/// Gives up everything but computing and answering; the last thing before the first program.
pub(crate) fn lock_down() -> Result<(), Refusal> {
    let limits = [
        (Resource::Data, MAX_DATA_SIZE_BYTES),
        (Resource::As, MAX_ADDRESS_SPACE_SIZE_BYTES),
        (Resource::Nofile, DESCRIPTORS),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
        (Resource::Nproc, 0),
    ];
    for (resource, most) in limits {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, limit).map_err(|error| format!("limiting {resource:?} to {most}: {error}"))?;
    }
    let step = |name| move |error: rustix::io::Errno| format!("{name}: {error}");
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(step("dumpable"))?;
    set_no_new_privs(true).map_err(step("no_new_privs"))?;
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, sets).map_err(step("dropping capabilities"))?;
    let process_id = getpid().as_raw_nonzero().get().unsigned_abs();
    let filter = filter(process_id).map_err(|error| format!("building the seccomp filter: {error}"))?;
    seccompiler::apply_filter(&filter).map_err(|error| format!("seccomp: {error}"))
}

/// The system calls a worker may make; it is killed at any other.
fn filter(process_id: u32) -> Result<BpfProgram, seccompiler::BackendError> {
    let any = Vec::new;
    let argument =
        |index, operator, value| SeccompCondition::new(index, SeccompCmpArgLen::Dword, operator, value);
    let only = |index, value| -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
        Ok(vec![SeccompRule::new(vec![argument(index, SeccompCmpOp::Eq, value)?])?])
    };
    // Private and of no file: nothing of the node's, nothing that others see.
    let kind = (libc::MAP_SHARED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64;
    let own = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64;
    let own_memory = vec![SeccompRule::new(vec![argument(3, SeccompCmpOp::MaskedEq(kind), own)?])?];
    // To abort, as on a failed allocation. A signal to others needs another process id.
    let abort = vec![SeccompRule::new(vec![
        argument(0, SeccompCmpOp::Eq, u64::from(process_id))?,
        argument(2, SeccompCmpOp::Eq, libc::SIGABRT as u64)?,
    ])?];
    let rules: BTreeMap<i64, Vec<SeccompRule>> = [
        // Requests and answers, on the one socket; the shared area; last words, to nowhere.
        (libc::SYS_recvfrom, only(0, SOCKET)?),
        (libc::SYS_sendto, only(0, SOCKET)?),
        (libc::SYS_pread64, any()),
        (libc::SYS_write, only(0, STANDARD_ERROR)?),
        // Memory.
        (libc::SYS_mmap, own_memory),
        (libc::SYS_munmap, any()),
        (libc::SYS_mprotect, any()),
        (libc::SYS_mremap, any()),
        (libc::SYS_madvise, any()),
        (libc::SYS_brk, any()),
        // Ending; the standard library's handler takes itself back on a fault that is not a stack overflow.
        (libc::SYS_rt_sigaction, any()),
        (libc::SYS_exit, any()),
        (libc::SYS_exit_group, any()),
        (libc::SYS_rt_sigreturn, any()),
        (libc::SYS_rt_sigprocmask, any()),
        (libc::SYS_sigaltstack, any()),
        (libc::SYS_getpid, any()),
        (libc::SYS_gettid, any()),
        (libc::SYS_tgkill, abort),
        // Where the system's clock is not read without a call.
        (libc::SYS_clock_gettime, any()),
    ]
    .into();
    let (allow, kill) = (SeccompAction::Allow, SeccompAction::KillProcess);
    SeccompFilter::new(rules, kill, allow, std::env::consts::ARCH.try_into()?)?.try_into()
}
