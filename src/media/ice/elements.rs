//! What stands in a viewer's pipeline in the place of `nicesink` and `nicesrc`: a sink that sends on the
//! chosen way, and a source that the thread of all viewers pushes into.
//!
//! Neither has a thread. Buffer lists are sent whole.

use super::peer::Outlet;
use glib::subclass::prelude::*;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer::subclass::prelude::*;
use std::sync::{Arc, LazyLock, OnceLock};

glib::wrapper! {
    /// See the module.
    pub struct Sink(ObjectSubclass<sink::Sink>) @extends gst::Element, gst::Object;
}

glib::wrapper! {
    /// See the module.
    pub struct Source(ObjectSubclass<source::Source>) @extends gst::Element, gst::Object;
}

fn template(name: &str, direction: gst::PadDirection) -> Option<gst::PadTemplate> {
    gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &gst::Caps::new_any()).ok()
}

impl Sink {
    pub(super) fn new(outlet: Arc<Outlet>) -> Self {
        let sink: Self = glib::Object::new();
        // New, so it has none.
        let _ = sink.imp().outlet.set(outlet);
        sink
    }
}

impl Source {
    pub(super) fn new() -> Self {
        glib::Object::new()
    }

    /// The pad that is pushed into.
    pub(super) fn pad(&self) -> Option<gst::Pad> {
        self.static_pad("src")
    }
}

/// Pushes a datagram. Where nobody takes it, it is lost.
pub(super) fn push(pad: &gst::Pad, datagram: &[u8]) {
    if pad.sticky_event::<gst::event::StreamStart>(0).is_none() {
        let caps = gst::Caps::new_empty_simple("application/x-rtp");
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        pad.push_event(gst::event::StreamStart::new("media"));
        pad.push_event(gst::event::Caps::new(&caps));
        pad.push_event(gst::event::Segment::new(&segment));
    }
    // Flushing: it ends; not linked: it has not begun.
    let _ = pad.push(gst::Buffer::from_slice(datagram.to_vec()));
}

/// Calls `each` with the datagrams of buffers, as one call.
fn with_bytes(buffers: &[&gst::BufferRef], each: impl FnOnce(&[&[u8]])) {
    let maps: Vec<_> = buffers.iter().filter_map(|buffer| buffer.map_readable().ok()).collect();
    let slices: Vec<&[u8]> = maps.iter().map(|map| map.as_slice()).collect();
    each(&slices);
}

mod sink {
    use super::*;

    #[derive(Default)]
    pub struct Sink {
        pub(super) outlet: OnceLock<Arc<Outlet>>,
    }

    #[glib::object_subclass]
    impl ObjectSubclass for Sink {
        const NAME: &'static str = "VitrinaIceSink";
        type Type = super::Sink;
        type ParentType = gst::Element;
    }

    impl Sink {
        fn send(&self, buffers: &[&gst::BufferRef]) {
            if let Some(outlet) = self.outlet.get() {
                with_bytes(buffers, |datagrams| outlet.send(datagrams));
            }
        }
    }

    impl ObjectImpl for Sink {
        fn constructed(&self) {
            self.parent_constructed();
            let Some(template) = self.obj().pad_template("sink") else { return };
            let ok = Ok(gst::FlowSuccess::Ok);
            let pad = gst::Pad::builder_from_template(&template)
                .chain_function(move |_, parent, buffer| {
                    Self::catch_panic_pad_function(
                        parent,
                        || ok,
                        |sink| {
                            sink.send(&[&buffer]);
                            ok
                        },
                    )
                })
                .chain_list_function(move |_, parent, list| {
                    Self::catch_panic_pad_function(
                        parent,
                        || ok,
                        |sink| {
                            sink.send(&list.iter().collect::<Vec<_>>());
                            ok
                        },
                    )
                })
                .event_function(|pad, _, event| {
                    // Nothing is held back here. rtpsession takes the times of its sender reports from
                    // this, and complains of each packet without it.
                    if let gst::EventView::Segment(_) = event.view() {
                        pad.push_event(gst::event::Latency::new(gst::ClockTime::ZERO));
                    }
                    true
                })
                .build();
            // It has no pad of that name yet.
            let _ = self.obj().add_pad(&pad);
            self.obj().set_element_flags(gst::ElementFlags::SINK);
        }
    }

    impl GstObjectImpl for Sink {}

    impl ElementImpl for Sink {
        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> =
                LazyLock::new(|| template("sink", gst::PadDirection::Sink).into_iter().collect());
            &TEMPLATES
        }
    }
}

mod source {
    use super::*;

    #[derive(Default)]
    pub struct Source;

    #[glib::object_subclass]
    impl ObjectSubclass for Source {
        const NAME: &'static str = "VitrinaIceSource";
        type Type = super::Source;
        type ParentType = gst::Element;
    }

    impl ObjectImpl for Source {
        fn constructed(&self) {
            self.parent_constructed();
            let Some(template) = self.obj().pad_template("src") else { return };
            let pad = gst::Pad::builder_from_template(&template).event_function(|_, _, _| true).build();
            // It has no pad of that name yet.
            let _ = self.obj().add_pad(&pad);
            self.obj().set_element_flags(gst::ElementFlags::SOURCE);
        }
    }

    impl GstObjectImpl for Source {}

    impl ElementImpl for Source {
        fn pad_templates() -> &'static [gst::PadTemplate] {
            static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> =
                LazyLock::new(|| template("src", gst::PadDirection::Src).into_iter().collect());
            &TEMPLATES
        }
    }
}
