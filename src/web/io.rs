//! The byte streams under HTTP and WebSocket.
//!
//! Owns the deadline on writing, in the one place that every layer writes through: a client that
//! stops reading holds nothing longer than that.

use futures_lite::io::{AsyncRead, AsyncWrite};
use smol::Timer;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

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
    use std::time::Instant;

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

    #[test]
    fn what_takes_too_long_gives_nothing() {
        smol::block_on(async {
            assert_eq!(within(LIMIT, async { 1 }).await, Some(1));
            assert_eq!(within(LIMIT, std::future::pending::<u8>()).await, None);
        });
    }
}
