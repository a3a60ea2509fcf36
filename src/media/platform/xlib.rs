//! Keeps Xlib from ending the process.
//!
//! ximagesrc speaks to the X server through Xlib, whose default handlers call `exit` when a
//! request fails (the captured window has closed, or part of it has moved off the screen) and when
//! the X server goes. The first handler can be replaced for the whole process; what follows on the
//! second only for each connection, and ximagesrc shows its own to nobody. So every connection is
//! met as it is opened, in the function that Xlib calls to make its lock.
//! The one place of the daemon that calls C functions directly.

#![allow(unsafe_code)]

use std::ffi::{CStr, c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Xlib's `Display`, never looked into.
type Display = *mut c_void;
type ErrorHandler = unsafe extern "C" fn(Display, event: *mut c_void) -> c_int;
type IoErrorHandler = unsafe extern "C" fn(Display) -> c_int;
type ExitHandler = unsafe extern "C" fn(Display, data: *mut c_void);
/// `_XInitDisplayLock_fn`: makes the lock of a new connection; 0 when it could.
type InitLock = unsafe extern "C" fn(Display) -> c_int;

/// What the handlers need of Xlib. Set once, before the first of them is installed.
struct Xlib {
    init_lock: InitLock,
    set_exit_handler: unsafe extern "C" fn(Display, ExitHandler, data: *mut c_void),
    unlock_display: unsafe extern "C" fn(Display),
}

/// Set when connections are met as they are opened.
static XLIB: OnceLock<Xlib> = OnceLock::new();
static LOST: AtomicUsize = AtomicUsize::new(0);

/// A request has failed: Xlib goes on, and the element gets a picture without what failed.
/// [`super::ScreenWatch`] finds out what has happened.
unsafe extern "C" fn on_error(_display: Display, _event: *mut c_void) -> c_int {
    0
}

/// A connection is being opened, by whichever thread: from now on its end is not the process's.
unsafe extern "C" fn on_open(display: Display) -> c_int {
    let Some(xlib) = XLIB.get() else { return 1 };
    // SAFETY: Xlib calls this with a connection that is in nobody else's hands yet, its default
    // exit handler set and its lock not yet made. The lock comes first: the second call takes it.
    unsafe {
        let failed = (xlib.init_lock)(display);
        if failed == 0 {
            (xlib.set_exit_handler)(display, on_exit, std::ptr::null_mut());
        }
        failed
    }
}

/// The X server has gone. Instead of its usual complaint on standard error.
unsafe extern "C" fn on_io_error(_display: Display) -> c_int {
    LOST.fetch_add(1, Ordering::Relaxed);
    // Xlib calls the connection's exit handler next. Where that is still its own, which calls
    // `exit`, this must not return: the thread, and the pipeline that it belongs to, stay behind.
    while XLIB.get().is_none() {
        std::thread::park();
    }
    0
}

/// Xlib expects the process to end here. When this returns, every further request on the
/// connection fails at once, and closing it works.
unsafe extern "C" fn on_exit(display: Display, _data: *mut c_void) {
    if let Some(xlib) = XLIB.get() {
        // SAFETY: Xlib has locked the connection for this thread, as XLockDisplay does, so that
        // exit handlers can use it; the thread that will close it must not wait for that.
        unsafe { (xlib.unlock_display)(display) };
    }
}

/// Installs the handlers, once for the process, before the first `ximagesrc` is made. Does nothing
/// where there is no Xlib: there, no ximagesrc can be either.
///
/// Can go when ximagesrc sets an exit handler (`XSetIOErrorExitHandler`) and an error handler of
/// its own; in GStreamer 1.22 to 1.26 it has neither.
pub fn guard_process() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        // SAFETY: the types are those of X11/Xlib.h and libX11's locking.h. Called while media
        // starts, when no thread of this process uses Xlib yet.
        unsafe { install() };
    });
}

/// # Safety
/// No other thread may open an X display meanwhile.
unsafe fn install() -> Option<()> {
    // SAFETY: the library's own initialiser is safe to run; NODELETE keeps it loaded for good, so
    // that pointers into it stay valid.
    let library = unsafe { libc::dlopen(c"libX11.so.6".as_ptr(), libc::RTLD_NOW | libc::RTLD_NODELETE) };
    let symbol = |name: &CStr| {
        // SAFETY: the handle is checked, and the name is NUL-terminated.
        let found = if library.is_null() { library } else { unsafe { libc::dlsym(library, name.as_ptr()) } };
        (!found.is_null()).then_some(found)
    };
    let set_error = symbol(c"XSetErrorHandler")?;
    let set_io_error = symbol(c"XSetIOErrorHandler")?;
    // SAFETY: functions of these types, by X11/Xlib.h.
    unsafe {
        std::mem::transmute::<Display, unsafe extern "C" fn(ErrorHandler) -> *mut c_void>(set_error)(
            on_error,
        );
        std::mem::transmute::<Display, unsafe extern "C" fn(IoErrorHandler) -> *mut c_void>(set_io_error)(
            on_io_error,
        );
    }
    // libX11 1.7 (2020) or later, built with threads.
    let init_threads = symbol(c"XInitThreads")?;
    let set_exit_handler = symbol(c"XSetIOErrorExitHandler")?;
    let unlock_display = symbol(c"XUnlockDisplay")?;
    let hook = symbol(c"_XInitDisplayLock_fn")?.cast::<Option<InitLock>>();
    // SAFETY: the types are those of the headers; `hook` is a variable that holds a function, which
    // XInitThreads sets, and nothing but XOpenDisplay reads.
    unsafe {
        std::mem::transmute::<Display, unsafe extern "C" fn() -> c_int>(init_threads)();
        let xlib = Xlib {
            init_lock: (*hook)?,
            set_exit_handler: std::mem::transmute::<
                Display,
                unsafe extern "C" fn(Display, ExitHandler, *mut c_void),
            >(set_exit_handler),
            unlock_display: std::mem::transmute::<Display, unsafe extern "C" fn(Display)>(unlock_display),
        };
        XLIB.set(xlib).ok()?;
        *hook = Some(on_open);
    }
    Some(())
}

/// How many connections to X servers have broken since the process began.
pub fn lost_displays() -> usize {
    LOST.load(Ordering::Relaxed)
}
