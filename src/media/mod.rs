//! Capture, encoders, the fan-out and the viewers' pipelines: the only place that knows GStreamer.
