//! A mail server for tests: takes every letter, or refuses by recipient, or all while it is busy.
//!
//! Invariant: `reject@` is refused for good; while the server is busy nothing is taken.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A mail server on a port of its own, until the test ends.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    is_busy: Arc<AtomicBool>,
    taken: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (is_busy, taken) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (busy, kept) = (Arc::clone(&is_busy), Arc::clone(&taken));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(converse(socket, Arc::clone(&busy), Arc::clone(&kept)));
            }
        });
        Self { port, is_busy, taken }
    }

    pub(crate) fn set_busy(&self, is_busy: bool) {
        self.is_busy.store(is_busy, Ordering::SeqCst);
    }

    /// The letters that came since the last call, as they crossed the wire.
    pub(crate) fn letters(&self) -> Vec<String> {
        std::mem::take(&mut self.taken.lock().unwrap())
    }

    /// What the settings say of it.
    pub(crate) fn settings(&self) -> String {
        format!(
            "[mail]\nsmtp = \"smtp://127.0.0.1:{}\"\nfrom = \"Portvakt <p@forening.example>\"\n",
            self.port
        )
    }
}

/// The value of a header.
pub(crate) fn header<'l>(letter: &'l str, name: &str) -> &'l str {
    let start = format!("{name}: ");
    letter.lines().find_map(|line| line.strip_prefix(start.as_str())).unwrap_or_default()
}

/// The report that a mail system sends about a letter that it could not deliver.
pub(crate) fn report(message_id: &str, address: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.example\r\nTo: p@forening.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n--b\r\n\
         Content-Type: text/plain\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; {address}\r\nAction: failed\r\n\
         Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 no such mailbox\r\n\r\n--b\r\n\
         Content-Type: message/rfc822\r\n\r\nFrom: p@forening.example\r\nMessage-ID: {message_id}\r\n\r\n--b--\r\n"
    )
}

async fn converse(socket: TcpStream, is_busy: Arc<AtomicBool>, taken: Arc<Mutex<Vec<String>>>) {
    let (reading, mut writing) = socket.into_split();
    let mut lines = BufReader::new(reading).lines();
    let mut letter: Option<String> = None;
    let _ = writing.write_all(b"220 test\r\n").await;
    while let Ok(Some(line)) = lines.next_line().await {
        let answer: &[u8] = match &mut letter {
            Some(text) if line == "." => {
                taken.lock().unwrap().push(std::mem::take(text));
                letter = None;
                b"250 taken\r\n"
            }
            Some(text) => {
                text.push_str(&line);
                text.push('\n');
                continue;
            }
            None if line.starts_with("RCPT") && is_busy.load(Ordering::SeqCst) => b"451 4.3.0 try later\r\n",
            None if line.starts_with("RCPT TO:<reject") => b"550 5.1.1 no such mailbox\r\n",
            None if line == "DATA" => {
                letter = Some(String::new());
                b"354 go on\r\n"
            }
            None if line == "QUIT" => b"221 bye\r\n",
            None => b"250 ok\r\n",
        };
        let _ = writing.write_all(answer).await;
    }
}
