//! Keeps Xlib from ending the process.
//!
//! ximagesrc speaks to the X server through Xlib, whose default handlers call `exit` when a
//! request fails (the captured window has closed, or part of it has moved off the screen) and when
//! the X server goes. Handlers can be replaced for the whole process only, so this is done once.
//! The one place of the daemon that calls C functions directly.

#![allow(unsafe_code)]

use std::ffi::{c_char, c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Both kinds of handler, as far as this module uses their arguments: not at all.
type ErrorHandler = unsafe extern "C" fn(display: *mut c_void, event: *mut c_void) -> c_int;
type IoErrorHandler = unsafe extern "C" fn(display: *mut c_void) -> c_int;
type SetErrorHandler = unsafe extern "C" fn(ErrorHandler) -> *mut c_void;
type SetIoErrorHandler = unsafe extern "C" fn(IoErrorHandler) -> *mut c_void;

static LOST: AtomicUsize = AtomicUsize::new(0);

/// A failed request: Xlib goes on, and the element gets a picture without what failed.
/// [`super::ScreenWatch`] finds out what has happened.
unsafe extern "C" fn on_error(_display: *mut c_void, _event: *mut c_void) -> c_int {
    0
}

/// The X server has gone. Xlib calls `exit` as soon as this returns, whatever it returns; so it
/// never does: the calling thread, a capture's streaming thread or one that tears a capture down,
/// stays here. The pipeline it belongs to cannot be stopped any more and is left behind, at the
/// cost of a thread or two for each death of an X server.
///
/// Can go when ximagesrc sets an exit handler for its own display (`XSetIOErrorExitHandler`).
unsafe extern "C" fn on_io_error(_display: *mut c_void) -> c_int {
    LOST.fetch_add(1, Ordering::Relaxed);
    loop {
        std::thread::park();
    }
}

/// Installs the handlers, once for the process, before the first `ximagesrc` is made. Does nothing
/// where there is no Xlib: there, no ximagesrc can be either.
pub fn guard_process() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        // SAFETY: the file name and symbol names are NUL-terminated; NODELETE keeps the library
        // loaded for good, so the function pointers stay valid; the types are those of
        // X11/Xlib.h, where a handler is a plain function pointer.
        unsafe {
            let library = libc::dlopen(c"libX11.so.6".as_ptr(), libc::RTLD_NOW | libc::RTLD_NODELETE);
            if library.is_null() {
                return;
            }
            let symbol = |name: *const c_char| libc::dlsym(library, name);
            let set_error = symbol(c"XSetErrorHandler".as_ptr());
            let set_io_error = symbol(c"XSetIOErrorHandler".as_ptr());
            if !set_error.is_null() && !set_io_error.is_null() {
                std::mem::transmute::<*mut c_void, SetErrorHandler>(set_error)(on_error);
                std::mem::transmute::<*mut c_void, SetIoErrorHandler>(set_io_error)(on_io_error);
            }
        }
    });
}

/// How many threads have been lost to X servers that went away, since the process began.
pub fn lost_displays() -> usize {
    LOST.load(Ordering::Relaxed)
}
