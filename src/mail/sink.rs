//! A mail server for tests: takes every letter, or refuses by recipient.
//!
//! Invariant: `reject@` is refused for good and `later@` for now, when the recipient is named.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(crate) struct Sink {
    address: SocketAddr,
    taken: Arc<Mutex<Vec<String>>>,
    senders: Arc<Mutex<Vec<String>>>,
}

impl Sink {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let senders = Arc::new(Mutex::new(Vec::new()));
        let (kept, named) = (Arc::clone(&taken), Arc::clone(&senders));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, named) = (Arc::clone(&kept), Arc::clone(&named));
                std::thread::spawn(move || converse(&stream, &kept, &named));
            }
        });
        Self { address, taken, senders }
    }

    pub(crate) fn address(&self) -> String {
        format!("smtp://{}", self.address)
    }

    pub(crate) fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }

    /// Who stood in the envelopes as the sender.
    pub(crate) fn senders(&self) -> Vec<String> {
        self.senders.lock().unwrap().clone()
    }

    /// The plain text of a letter, decoded, with `\n` between lines.
    pub(crate) fn text_of(mail: &str) -> String {
        let (_, part) = mail.split_once("Content-Type: text/plain").unwrap();
        let (head, body) = part.split_once("\r\n\r\n").unwrap();
        let body = body.split("\r\n--").next().unwrap();
        let text = if head.contains("quoted-printable") {
            quoted_printable(&body.replace("=\r\n", ""), '=')
        } else if head.contains("base64") {
            String::from_utf8(STANDARD.decode(body.replace("\r\n", "")).unwrap()).unwrap()
        } else {
            body.to_owned()
        };
        text.replace("\r\n", "\n")
    }

    /// The subject of a letter, decoded (RFC 2047).
    pub(crate) fn subject_of(mail: &str) -> String {
        let head = mail.split_once("\r\n\r\n").unwrap().0.replace("\r\n ", " ");
        let line = head.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap();
        let words = line.split(' ').map(|word| match word.strip_prefix("=?utf-8?b?") {
            Some(coded) => String::from_utf8(STANDARD.decode(coded.trim_end_matches("?=")).unwrap()).unwrap(),
            None => word.to_owned(),
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

fn quoted_printable(text: &str, mark: char) -> String {
    let mut pieces = text.split(mark);
    let mut bytes = pieces.next().unwrap().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}

fn converse(stream: &TcpStream, taken: &Mutex<Vec<String>>, senders: &Mutex<Vec<String>>) {
    let mut writer = stream;
    let mut letter: Option<String> = None;
    writer.write_all(b"220 sink\r\n").unwrap();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let answer = match (&mut letter, line.split(' ').next().unwrap_or_default()) {
            (Some(_), ".") => {
                taken.lock().unwrap().push(letter.take().unwrap());
                "250 kept"
            }
            (Some(text), _) => {
                text.push_str(line.strip_prefix('.').unwrap_or(&line));
                text.push_str("\r\n");
                continue;
            }
            (None, "DATA") => {
                letter = Some(String::new());
                "354 go on"
            }
            (None, "MAIL") => {
                let sender = line.split(['<', '>']).nth(1).unwrap_or_default();
                senders.lock().unwrap().push(sender.to_owned());
                "250 sink"
            }
            (None, "RCPT") if line.contains("<reject@") => "550 5.1.1 no such mailbox reject@b.example",
            (None, "RCPT") if line.contains("<later@") => "451 4.3.0 try again later",
            (None, "QUIT") => "221 bye",
            (None, _) => "250 sink",
        };
        if writer.write_all(format!("{answer}\r\n").as_bytes()).is_err() {
            return;
        }
    }
}
