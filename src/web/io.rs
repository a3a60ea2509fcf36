//! The byte streams under HTTP and WebSocket.
//!
//! Owns the deadline on writing, in the one place that every layer writes through: a client that
//! stops reading holds nothing longer than that. And the deadline on hearing nothing of it.

use futures_lite::io::{AsyncRead, AsyncWrite};
use smol::Timer;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// A stream whose writes fail with `TimedOut` when not a byte is taken for `limit`.
pub(crate) struct WriteDeadline<S> {
    inner: S,
    limit: Duration,
    /// Runs while a write waits.
    timer: Option<Timer>,
}

impl<S> WriteDeadline<S> {
    pub(crate) fn new(inner: S, limit: Duration) -> Self {
        Self { inner, limit, timer: None }
    }

    fn watch<T>(&mut self, cx: &mut Context<'_>, progress: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.timer = None;
            return progress;
        }
        let timer = self.timer.get_or_insert_with(|| Timer::after(self.limit));
        match Pin::new(timer).poll(cx) {
            Poll::Ready(_) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteDeadline<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteDeadline<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.inner).poll_write(cx, buffer);
        self.watch(cx, progress)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.inner).poll_write_vectored(cx, buffers);
        self.watch(cx, progress)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}

/// A stream that knows when something of it was read last: of a frame on a slow link every part is a sign
/// of life, and not only its end.
pub(crate) struct Heard<S> {
    inner: S,
    last: LastHeard,
}

/// When something was read last.
#[derive(Clone)]
pub(crate) struct LastHeard(Arc<Mutex<Instant>>);

impl<S> Heard<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner, last: LastHeard(Arc::new(Mutex::new(Instant::now()))) }
    }

    pub(crate) fn last(&self) -> LastHeard {
        self.last.clone()
    }
}

impl LastHeard {
    fn at(&self) -> MutexGuard<'_, Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a future that reads gives, or `None` when nothing is read for longer than `limit`.
    pub(crate) async fn within<T>(&self, limit: Duration, future: impl Future<Output = T>) -> Option<T> {
        let begun = Instant::now();
        futures_lite::future::or(async { Some(future.await) }, async {
            loop {
                // What was heard before is no sign of what is waited for now.
                let until = begun.max(*self.at()) + limit;
                if Instant::now() >= until {
                    return None;
                }
                Timer::at(until).await;
            }
        })
        .await
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.inner).poll_read(cx, buffer);
        if matches!(progress, Poll::Ready(Ok(1..))) {
            *self.last.at() = Instant::now();
        }
        progress
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buffer)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, buffers)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}

/// What a future gives, or `None` when it takes longer than `limit`.
pub(crate) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    futures_lite::future::or(async { Some(future.await) }, async {
        Timer::after(limit).await;
        None
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::{AsyncReadExt, AsyncWriteExt};

    const LIMIT: Duration = Duration::from_millis(100);

    #[test]
    fn a_write_that_nobody_takes_fails_after_the_limit_and_not_before() {
        smol::block_on(async {
            let (ours, mut theirs) = smol::net::unix::UnixStream::pair().unwrap();
            let mut ours = WriteDeadline::new(ours, LIMIT);
            let block = [0; 1024];
            let mut written = 0;
            let mut last = Instant::now();
            let error = loop {
                match ours.write(&block).await {
                    Ok(count) => written += count,
                    Err(error) => break error,
                }
                last = Instant::now();
            };
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            assert!(last.elapsed() >= LIMIT);

            // Whoever reads again is written to again.
            let mut taken = vec![0; written];
            theirs.read_exact(&mut taken).await.unwrap();
            ours.write_all(&block).await.unwrap();
        });
    }

    /// Takes a byte, or nothing, as the script says.
    struct Scripted(Vec<bool>);

    impl AsyncWrite for Scripted {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            if self.0.remove(0) { Poll::Ready(Ok(1)) } else { Poll::Pending }
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn each_byte_taken_begins_the_limit_again() {
        smol::block_on(async {
            let mut stream = WriteDeadline::new(Scripted(vec![false, true, false, false]), LIMIT);
            assert!(smol::future::poll_once(stream.write(b"x")).await.is_none());
            assert!(smol::future::poll_once(stream.write(b"x")).await.is_some());
            Timer::after(LIMIT).await;
            assert!(smol::future::poll_once(stream.write(b"x")).await.is_none());
            Timer::after(LIMIT).await;
            assert!(smol::future::poll_once(stream.write(b"x")).await.unwrap().is_err());
        });
    }

    #[test]
    fn what_takes_too_long_gives_nothing() {
        smol::block_on(async {
            assert_eq!(within(LIMIT, async { 1 }).await, Some(1));
            assert_eq!(within(LIMIT, std::future::pending::<u8>()).await, None);
        });
    }
}
