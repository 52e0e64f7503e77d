//! A keep-alive HTTP/1.1 connection that costs as little as it can, so that the daemon is measured and not the driver.
//!
//! Invariant: an answer is read whole before the next request goes out; a connection that failed is opened anew; no
//! request waits longer than [`PATIENCE`].

use std::io::Write as _;
use std::net::SocketAddr;
use std::ops::Range;
use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

/// The longest wait for one answer.
const PATIENCE: Duration = Duration::from_mins(3);
/// The largest answer that is taken.
const MOST: usize = 256 << 20;

/// One request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    /// `GET`, `POST` …
    pub(crate) method: &'static str,
    /// Path and query.
    pub(crate) path: &'a str,
    /// What is shown as bearer token; nothing where it is empty.
    pub(crate) token: &'a str,
    /// What a browser would send as `Cookie`; nothing where it is empty.
    pub(crate) cookie: &'a str,
    /// A JSON body.
    pub(crate) body: Option<&'a str>,
}

impl Ask<'_> {
    /// `GET /`, by nobody.
    pub(crate) const GET: Self = Self { method: "GET", path: "/", token: "", cookie: "", body: None };
}

/// One answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    /// The status code.
    pub(crate) status: u16,
    head: &'a str,
    /// The body.
    pub(crate) body: &'a [u8],
}

impl<'a> Answer<'a> {
    /// The values of a header, named in small letters.
    pub(crate) fn headers(&self, name: &'static str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.head
            .split("\r\n")
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .filter_map(move |(found, value)| found.eq_ignore_ascii_case(name).then_some(value.trim()))
    }

    /// The beginning of the body, for a message.
    pub(crate) fn begins(&self) -> String {
        String::from_utf8_lossy(self.body).chars().take(300).collect()
    }
}

/// A connection that is used again and again.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    stream: Option<TcpStream>,
    out: Vec<u8>,
    inbox: Inbox,
}

impl Connection {
    /// A connection to `address`, opened by the first request.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, out: Vec::new(), inbox: Inbox::default() }
    }

    /// Asks and waits for the whole answer.
    ///
    /// # Errors
    ///
    /// When the connection fails, nothing comes in time, or what comes is not HTTP.
    pub(crate) async fn ask(&mut self, ask: Ask<'_>) -> anyhow::Result<Answer<'_>> {
        let exchanged = tokio::time::timeout(PATIENCE, self.exchange(ask)).await;
        let told = || format!("{} {}", ask.method, ask.path);
        let head = match exchanged {
            Ok(Ok(head)) => head,
            Ok(Err(error)) => {
                self.stream = None;
                return Err(error).with_context(told);
            }
            Err(_) => {
                self.stream = None;
                bail!("{}: no answer within {} s", told(), PATIENCE.as_secs());
            }
        };
        if head.closes {
            self.stream = None;
        }
        let text = std::str::from_utf8(self.inbox.bytes(head.text)?)?;
        Ok(Answer { status: head.status, head: text, body: self.inbox.bytes(head.body)? })
    }

    async fn exchange(&mut self, ask: Ask<'_>) -> anyhow::Result<Head> {
        self.write_head(ask)?;
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address).await.context("connecting")?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        let stream = self.stream.as_mut().context("a connection")?;
        let mut left = self.out.as_slice();
        while !left.is_empty() {
            let written = std::future::poll_fn(|cx| Pin::new(&mut *stream).poll_write(cx, left)).await?;
            ensure!(written > 0, "the connection takes nothing more");
            left = left.get(written..).unwrap_or_default();
        }
        self.inbox.receive(stream).await
    }

    fn write_head(&mut self, ask: Ask<'_>) -> anyhow::Result<()> {
        self.out.clear();
        write!(self.out, "{} {} HTTP/1.1\r\nhost: {}\r\n", ask.method, ask.path, self.address)?;
        if !ask.token.is_empty() {
            write!(self.out, "authorization: Bearer {}\r\n", ask.token)?;
        }
        if !ask.cookie.is_empty() {
            write!(self.out, "cookie: {}\r\n", ask.cookie)?;
        }
        match ask.body {
            Some(body) => write!(
                self.out,
                "content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )?,
            None => self.out.extend_from_slice(b"\r\n"),
        }
        Ok(())
    }
}

/// What the head of an answer says, and where its body lies in the inbox.
#[derive(Debug)]
struct Head {
    status: u16,
    text: Range<usize>,
    body: Range<usize>,
    closes: bool,
}

/// How the length of a body is told (RFC 9112 §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Known(usize),
    Chunked,
}

/// What has been read of the present answer.
#[derive(Debug, Default)]
struct Inbox {
    read: Vec<u8>,
    chunk: Vec<u8>,
}

impl Inbox {
    fn bytes(&self, range: Range<usize>) -> anyhow::Result<&[u8]> {
        self.read.get(range).context("an answer that was read")
    }

    async fn more(&mut self, stream: &mut TcpStream) -> anyhow::Result<()> {
        ensure!(self.read.len() < MOST, "the answer is larger than {MOST} bytes");
        self.chunk.resize(64 * 1024, 0);
        let mut buffer = ReadBuf::new(&mut self.chunk);
        std::future::poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, &mut buffer)).await?;
        ensure!(!buffer.filled().is_empty(), "the connection was closed before the answer was whole");
        self.read.extend_from_slice(buffer.filled());
        Ok(())
    }

    async fn receive(&mut self, stream: &mut TcpStream) -> anyhow::Result<Head> {
        self.read.clear();
        let end = loop {
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            self.more(stream).await?;
        };
        let (status, length, closes) = head(std::str::from_utf8(self.bytes(0..end)?)?)?;
        let start = end + 4;
        let body = match length {
            Length::Known(length) => {
                while self.read.len() < start + length {
                    self.more(stream).await?;
                }
                start..start + length
            }
            Length::Chunked => self.chunks(stream, start).await?,
        };
        Ok(Head { status, text: 0..end, body, closes })
    }

    /// Reads a chunked body and puts it together at the end of the inbox (RFC 9112 §7.1).
    async fn chunks(&mut self, stream: &mut TcpStream, start: usize) -> anyhow::Result<Range<usize>> {
        let (mut at, mut whole) = (start, Vec::new());
        loop {
            let line = loop {
                let rest = self.read.get(at..).unwrap_or_default();
                if let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
                    break at..at + end;
                }
                self.more(stream).await?;
            };
            let size = std::str::from_utf8(self.bytes(line.clone())?)?.split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(size.trim(), 16).context("the size of a chunk")?;
            let data = line.end + 2..line.end + 2 + size;
            while self.read.len() < data.end + 2 {
                self.more(stream).await?;
            }
            if size == 0 {
                let body = self.read.len()..self.read.len() + whole.len();
                self.read.append(&mut whole);
                return Ok(body);
            }
            whole.extend_from_slice(self.bytes(data.clone())?);
            at = data.end + 2;
        }
    }
}

fn head(text: &str) -> anyhow::Result<(u16, Length, bool)> {
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status: u16 = first.split(' ').nth(1).and_then(|code| code.parse().ok()).context("a status line")?;
    let mut length = Length::Known(0);
    let mut closes = false;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            length = Length::Known(value.parse().context("content-length")?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            ensure!(value.eq_ignore_ascii_case("chunked"), "transfer-encoding {value:?}");
            length = Length::Chunked;
        } else if name.eq_ignore_ascii_case("connection") {
            closes = value.eq_ignore_ascii_case("close");
        }
    }
    Ok((status, if status == 204 || status == 304 { Length::Known(0) } else { length }, closes))
}
