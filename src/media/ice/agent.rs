//! What webrtcbin knows of the shared port: an ICE agent, its stream and its transport, as subclasses of
//! GStreamer's (`GstWebRTCICE`, since 1.22).
//!
//! The bindings have no subclass modules for them, so the functions of the class are filled in here. They
//! run on webrtcbin's own thread; each sends a command to [`super::thread`] and returns.

#![allow(unsafe_code)]

use super::elements::{Sink, Source};
use super::peer::{News, Outlet, PeerId};
use super::thread::Command;
use super::{Handle, credentials_of, random_credentials};
use crate::core::candidate::Candidate;
use glib::ffi::{GDestroyNotify, GFALSE, GTRUE, gboolean, gpointer};
use glib::object::ObjectType as _;
use glib::subclass::prelude::*;
use glib::translate::{FromGlibPtrBorrow as _, IntoGlibPtr as _};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer::subclass::prelude::*;
use gstreamer_webrtc as gst_webrtc;
use gstreamer_webrtc::ffi;
use std::ffi::{CStr, c_char, c_uint};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use transport::Told;

glib::wrapper! {
    /// webrtcbin's `ice-agent`.
    pub struct Agent(ObjectSubclass<ice::Agent>) @extends gst_webrtc::WebRTCICE, gst::Object;
}

glib::wrapper! {
    /// The one stream: all media are bundled. It is the same for all agents, as it says nothing but its
    /// number: webrtcbin before 1.28 does not give back the reference that it is given.
    pub struct Stream(ObjectSubclass<stream::Stream>) @extends gst_webrtc::WebRTCICEStream, gst::Object;
}

glib::wrapper! {
    /// The one transport of a stream: RTP and RTCP share it.
    pub struct Transport(ObjectSubclass<transport::Transport>)
        @extends gst_webrtc::WebRTCICETransport, gst::Object;
}

impl Agent {
    /// An agent with a peer of its own on the port. `listener` hears what becomes of its way, from the
    /// thread of all viewers.
    pub(super) fn new(
        handle: Handle,
        peer: PeerId,
        listener: impl Fn(News) + Send + 'static,
    ) -> Option<Self> {
        let agent: Self = glib::Object::new();
        let outlet = Arc::new(Outlet::default());
        let source = Source::new();
        let inlet = source.pad()?;
        let transport = Transport::new(&source, &Sink::new(Arc::clone(&outlet)));
        let weak = transport.downgrade();
        let listener = move |news| {
            // webrtcbin is told of the first way alone: what it would do when that is lost is to stop
            // taking what comes.
            if let (News::Found, Some(transport)) = (news, weak.upgrade()) {
                transport.connected();
            }
            listener(news);
        };
        let own = credentials_of(&random_credentials());
        handle.command(Command::Add { peer, own, inlet, outlet, listener: Box::new(listener) });
        let parts = ice::Parts { handle, peer, transport };
        // New, so it has none.
        let _ = agent.imp().parts.set(parts);
        Some(agent)
    }

    /// webrtcbin is told nothing any more: its parts listen to the transport without a reference of theirs,
    /// nor do they stop listening when they go (1.22 to 1.28). To be called before it is stopped.
    pub(in crate::media) fn close(&self) {
        if let Some(parts) = self.parts() {
            parts.transport.close();
        }
    }

    fn parts(&self) -> Option<&ice::Parts> {
        self.imp().parts.get()
    }

    fn command(&self, command: impl FnOnce(PeerId) -> Command) {
        if let Some(parts) = self.parts() {
            parts.handle.command(command(parts.peer));
        }
    }
}

impl Transport {
    fn new(source: &Source, sink: &Sink) -> Self {
        let transport: Self =
            glib::Object::builder().property("component", gst_webrtc::WebRTCICEComponent::Rtp).build();
        let (source, sink) = (source.clone().upcast::<gst::Element>(), sink.clone().upcast::<gst::Element>());
        // SAFETY: nobody else has the transport yet. The elements live as long as it does: it holds them
        // in its `elements`, and the structure only points to them.
        unsafe {
            let raw: *mut ffi::GstWebRTCICETransport =
                transport.upcast_ref::<gst_webrtc::WebRTCICETransport>().as_ptr();
            (*raw).src = source.as_ptr();
            (*raw).sink = sink.as_ptr();
        }
        // New, so it has none.
        let _ = transport.imp().elements.set((source, sink));
        transport
    }

    fn parent(&self) -> &gst_webrtc::WebRTCICETransport {
        self.upcast_ref()
    }

    /// webrtcbin is told under the lock, so that whoever closes it waits until it knows.
    fn connected(&self) {
        let mut told = self.told();
        if *told == Told::Nothing {
            *told = Told::Connected;
            self.parent().connection_state_change(gst_webrtc::WebRTCICEConnectionState::Connected);
        }
    }

    fn close(&self) {
        *self.told() = Told::Closed;
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.imp().told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

mod stream {
    use super::*;

    #[derive(Default)]
    pub struct Stream;

    #[glib::object_subclass]
    impl ObjectSubclass for Stream {
        const NAME: &'static str = "VitrinaIceStream";
        type Type = super::Stream;
        type ParentType = gst_webrtc::WebRTCICEStream;
    }

    impl ObjectImpl for Stream {}
    impl GstObjectImpl for Stream {}
}

mod transport {
    use super::*;

    /// What webrtcbin has been told of the way.
    #[derive(Debug, Default, PartialEq, Eq)]
    pub(super) enum Told {
        #[default]
        Nothing,
        Connected,
        /// It is not told any more.
        Closed,
    }

    #[derive(Default)]
    pub struct Transport {
        pub(super) elements: OnceLock<(gst::Element, gst::Element)>,
        pub(super) told: Mutex<Told>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Transport {
        const NAME: &'static str = "VitrinaIceTransport";
        type Type = super::Transport;
        type ParentType = gst_webrtc::WebRTCICETransport;
    }

    impl ObjectImpl for Transport {}
    impl GstObjectImpl for Transport {}
}

mod ice {
    use super::*;

    pub(super) struct Parts {
        pub(super) handle: Handle,
        pub(super) peer: PeerId,
        pub(super) transport: super::Transport,
    }

    #[derive(Default)]
    pub struct Agent {
        pub(super) parts: OnceLock<Parts>,
        pub(super) controlling: AtomicBool,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Agent {
        const NAME: &'static str = "VitrinaIceAgent";
        type Type = super::Agent;
        type ParentType = gst_webrtc::WebRTCICE;
    }

    impl ObjectImpl for Agent {
        fn dispose(&self) {
            if let Some(parts) = self.parts.get() {
                parts.handle.command(Command::Remove { peer: parts.peer });
            }
        }
    }

    impl GstObjectImpl for Agent {}
}

// SAFETY: the parents' instance and class structures are those of the headers, which the bindings' -sys
// crate holds; nothing of the parents needs more than a class of their size.
unsafe impl IsSubclassable<stream::Stream> for gst_webrtc::WebRTCICEStream {}
// SAFETY: as above.
unsafe impl IsSubclassable<transport::Transport> for gst_webrtc::WebRTCICETransport {}

// SAFETY: as above; every function that webrtcbin (1.22 to 1.28) calls is filled in, with the types of
// the header.
unsafe impl IsSubclassable<ice::Agent> for gst_webrtc::WebRTCICE {
    fn class_init(class: &mut glib::Class<Self>) {
        Self::parent_class_init::<ice::Agent>(class);
        let class = class.as_mut();
        class.add_stream = Some(add_stream);
        class.find_transport = Some(find_transport);
        class.gather_candidates = Some(gather_candidates);
        class.add_candidate = Some(add_candidate);
        class.set_local_credentials = Some(set_local_credentials);
        class.set_remote_credentials = Some(set_remote_credentials);
        class.add_turn_server = Some(add_turn_server);
        class.set_is_controller = Some(set_is_controller);
        class.get_is_controller = Some(get_is_controller);
        class.set_force_relay = Some(set_force_relay);
        class.set_stun_server = Some(set_text);
        class.get_stun_server = Some(get_text);
        class.set_turn_server = Some(set_text);
        class.get_turn_server = Some(get_text);
        class.set_http_proxy = Some(set_text);
        class.get_http_proxy = Some(get_text);
        class.set_tos = Some(set_tos);
        class.set_on_ice_candidate = Some(set_on_ice_candidate);
        class.get_local_candidates = Some(get_candidates);
        class.get_remote_candidates = Some(get_candidates);
        class.get_selected_pair = Some(get_selected_pair);
    }
}

/// # Safety
/// `ice` is an agent of this module, alive during the call.
unsafe fn with<T>(ice: *mut ffi::GstWebRTCICE, call: impl FnOnce(&Agent) -> T) -> T {
    // SAFETY: the class's functions are called with instances of the class.
    let agent = unsafe { Agent::from_glib_borrow(ice.cast()) };
    call(&agent)
}

/// # Safety
/// `text` is null or ends with a null byte, and is there during the call.
unsafe fn text<'a>(text: *const c_char) -> Option<&'a str> {
    if text.is_null() {
        return None;
    }
    // SAFETY: as the caller says.
    unsafe { CStr::from_ptr(text) }.to_str().ok()
}

/// The reference goes to the caller.
unsafe extern "C" fn add_stream(_: *mut ffi::GstWebRTCICE, id: c_uint) -> *mut ffi::GstWebRTCICEStream {
    static STREAM: OnceLock<Stream> = OnceLock::new();
    let stream = STREAM.get_or_init(|| glib::Object::builder().property("stream-id", id).build());
    stream.clone().upcast::<gst_webrtc::WebRTCICEStream>().into_glib_ptr()
}

unsafe extern "C" fn find_transport(
    ice: *mut ffi::GstWebRTCICE,
    _stream: *mut ffi::GstWebRTCICEStream,
    _component: ffi::GstWebRTCICEComponent,
) -> *mut ffi::GstWebRTCICETransport {
    // SAFETY: see `with`. The reference goes to the caller.
    unsafe {
        with(ice, |agent| match agent.parts() {
            Some(parts) => parts.transport.clone().upcast::<gst_webrtc::WebRTCICETransport>().into_glib_ptr(),
            None => std::ptr::null_mut(),
        })
    }
}

/// The daemon's candidates are known from the start and go their own way to the client.
unsafe extern "C" fn gather_candidates(
    ice: *mut ffi::GstWebRTCICE,
    _stream: *mut ffi::GstWebRTCICEStream,
) -> gboolean {
    // SAFETY: see `with`.
    unsafe {
        with(ice, |agent| {
            if let Some(parts) = agent.parts() {
                let transport = parts.transport.parent();
                transport.gathering_state_change(gst_webrtc::WebRTCICEGatheringState::Complete);
                transport.connection_state_change(gst_webrtc::WebRTCICEConnectionState::Checking);
            }
        });
    }
    GTRUE
}

/// The promise is there since 1.24, for who asks for an answer; nobody here does.
unsafe extern "C" fn add_candidate(
    ice: *mut ffi::GstWebRTCICE,
    _stream: *mut ffi::GstWebRTCICEStream,
    candidate: *const c_char,
    _promise: *mut gst::ffi::GstPromise,
) {
    // SAFETY: see `with` and `text`.
    unsafe {
        let Some(candidate) = text(candidate).and_then(|line| Candidate::parse(line).ok()) else { return };
        with(ice, |agent| agent.command(|peer| Command::Candidate { peer, candidate }));
    }
}

unsafe extern "C" fn set_local_credentials(
    ice: *mut ffi::GstWebRTCICE,
    _stream: *mut ffi::GstWebRTCICEStream,
    ufrag: *const c_char,
    password: *const c_char,
) -> gboolean {
    // SAFETY: see `with` and `text`.
    unsafe {
        let Some((ufrag, pass)) = text(ufrag).zip(text(password)) else { return GFALSE };
        let credentials = is::IceCreds { ufrag: ufrag.to_owned(), pass: pass.to_owned() };
        with(ice, |agent| agent.command(|peer| Command::Own { peer, credentials }));
    }
    GTRUE
}

unsafe extern "C" fn set_remote_credentials(
    ice: *mut ffi::GstWebRTCICE,
    _stream: *mut ffi::GstWebRTCICEStream,
    ufrag: *const c_char,
    password: *const c_char,
) -> gboolean {
    // SAFETY: see `with` and `text`.
    unsafe {
        let Some((ufrag, pass)) = text(ufrag).zip(text(password)) else { return GFALSE };
        let credentials = is::IceCreds { ufrag: ufrag.to_owned(), pass: pass.to_owned() };
        with(ice, |agent| agent.command(|peer| Command::Theirs { peer, credentials }));
    }
    GTRUE
}

unsafe extern "C" fn set_is_controller(ice: *mut ffi::GstWebRTCICE, controlling: gboolean) {
    // SAFETY: see `with`.
    unsafe {
        with(ice, |agent| {
            let controlling = controlling != GFALSE;
            agent.imp().controlling.store(controlling, Ordering::Relaxed);
            agent.command(|peer| Command::Control { peer, controlling });
        });
    }
}

unsafe extern "C" fn get_is_controller(ice: *mut ffi::GstWebRTCICE) -> gboolean {
    // SAFETY: see `with`.
    let controlling = unsafe { with(ice, |agent| agent.imp().controlling.load(Ordering::Relaxed)) };
    if controlling { GTRUE } else { GFALSE }
}

// What follows are settings that the port has for all viewers, and figures that nobody asks for.

unsafe extern "C" fn add_turn_server(_: *mut ffi::GstWebRTCICE, _: *const c_char) -> gboolean {
    GFALSE
}

unsafe extern "C" fn set_force_relay(_: *mut ffi::GstWebRTCICE, _: gboolean) {}

unsafe extern "C" fn set_text(_: *mut ffi::GstWebRTCICE, _: *const c_char) {}

unsafe extern "C" fn get_text(_: *mut ffi::GstWebRTCICE) -> *mut c_char {
    std::ptr::null_mut()
}

unsafe extern "C" fn set_tos(_: *mut ffi::GstWebRTCICE, _: *mut ffi::GstWebRTCICEStream, _: c_uint) {}

unsafe extern "C" fn set_on_ice_candidate(
    _: *mut ffi::GstWebRTCICE,
    _: ffi::GstWebRTCICEOnCandidateFunc,
    data: gpointer,
    notify: GDestroyNotify,
) {
    if let Some(notify) = notify {
        // SAFETY: it is what the caller gives for its data, which is not kept.
        unsafe { notify(data) };
    }
}

unsafe extern "C" fn get_candidates(
    _: *mut ffi::GstWebRTCICE,
    _: *mut ffi::GstWebRTCICEStream,
) -> *mut *mut ffi::GstWebRTCICECandidateStats {
    // SAFETY: an array of one null pointer, which ends it and which the caller frees.
    unsafe { glib::ffi::g_malloc0(size_of::<gpointer>()).cast() }
}

unsafe extern "C" fn get_selected_pair(
    _: *mut ffi::GstWebRTCICE,
    _: *mut ffi::GstWebRTCICEStream,
    _: *mut *mut ffi::GstWebRTCICECandidateStats,
    _: *mut *mut ffi::GstWebRTCICECandidateStats,
) -> gboolean {
    GFALSE
}

#[cfg(test)]
mod tests {
    use super::super::{Ice, IceSettings};
    use super::*;
    use gst_webrtc::WebRTCICEConnectionState as State;

    fn transport() -> (Agent, Transport) {
        crate::media::init().unwrap();
        let ice = Ice::bind(0, false, IceSettings::default()).unwrap();
        let (agent, _) = ice.agent(|_| {}).unwrap();
        let transport = agent.parts().unwrap().transport.clone();
        (agent, transport)
    }

    fn state(transport: &Transport) -> State {
        transport.property("state")
    }

    #[test]
    fn webrtcbin_is_told_once_of_a_way() {
        let (_agent, transport) = transport();
        let told = Arc::new(Mutex::new(0));
        let count = Arc::clone(&told);
        transport.connect_notify(Some("state"), move |_, _| *count.lock().unwrap() += 1);
        transport.connected();
        transport.connected();
        assert_eq!((state(&transport), *told.lock().unwrap()), (State::Connected, 1));
    }

    #[test]
    fn webrtcbin_is_told_of_no_way_once_it_is_about_to_stop() {
        let (agent, transport) = transport();
        agent.close();
        transport.connected();
        assert_eq!(state(&transport), State::New);
    }

    #[test]
    fn who_closes_waits_until_webrtcbin_has_been_told() {
        let (agent, transport) = transport();
        let (inside, entered) = std::sync::mpsc::channel();
        let (go_on, held) = std::sync::mpsc::channel::<()>();
        let held = Mutex::new((held, inside));
        transport.connect_notify(Some("state"), move |_, _| {
            let (held, inside) = &*held.lock().unwrap();
            inside.send(()).unwrap();
            held.recv().unwrap();
        });
        let telling = std::thread::spawn(move || transport.connected());
        entered.recv().unwrap();
        let (closed, has_closed) = std::sync::mpsc::channel();
        let closing = std::thread::spawn(move || {
            agent.close();
            closed.send(()).unwrap();
        });
        assert!(has_closed.recv_timeout(std::time::Duration::from_millis(100)).is_err());
        go_on.send(()).unwrap();
        has_closed.recv().unwrap();
        telling.join().unwrap();
        closing.join().unwrap();
    }
}
