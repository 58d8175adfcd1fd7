//! The one system call that has no safe wrapper.
#![allow(unsafe_code)]

use std::io;

/// First descriptor behind standard input, output and error.
const FIRST_OTHER_DESCRIPTOR: libc::c_uint = 3;

/// Closes every descriptor but the first three.
///
/// To be called at the start of a process, before anything in it has opened one: whoever owned a descriptor would be
/// left with a number that means nothing, or something else later.
pub(crate) fn close_inherited_descriptors() -> io::Result<()> {
    // SAFETY: the call takes no pointers. Nothing in this process owns a descriptor over 2 yet, by the rule above; the
    // standard library opens none by itself.
    let result =
        unsafe { libc::syscall(libc::SYS_close_range, FIRST_OTHER_DESCRIPTOR, libc::c_uint::MAX, 0) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
