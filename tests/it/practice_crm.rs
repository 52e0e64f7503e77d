//! A CRM to practise on: checks each signature, remembers what it was told, and answers as it is bid.
//!
//! Invariant: a message whose signature does not fit is answered 401, which is a dead letter, and is not remembered.

use std::net::TcpListener;
use std::sync::{Arc, Mutex, mpsc};

use portvakt::crm::{SigningKey, verify};
use portvakt::flows::{Clock, SetClock};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::engines::TestDb;
use crate::house::{POLICY, SETTINGS, TestHouse};

/// The secret in the settings of the test house.
const SECRET: &str = "whsec_dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3Rz";

/// How the CRM answers.
pub(crate) enum Mood {
    /// 200, with an id of its own for each account.
    Takes,
    /// This status.
    Answers(u16),
    /// 429 with a pause in seconds.
    Busy(u32),
    /// 400 for the account whose user name begins so, 200 for others.
    Refuses(&'static str),
    /// 500 for the accounts whose user names begin so, 200 for others.
    Chokes(&'static str),
    /// This status, but only when it is let go.
    Waits(mpsc::Receiver<()>, u16),
}

/// The CRM.
pub(crate) struct PracticeCrm {
    _server: MockServer,
    heard: Arc<Mutex<Vec<Value>>>,
    mood: Arc<Mutex<Mood>>,
    /// Says something each time a message has come.
    pub(crate) came: UnboundedReceiver<()>,
}

/// A house whose CRM is not there yet, and the socket where it will be.
pub(crate) async fn house_with_absent_crm(t: &TestDb) -> (TestHouse, TcpListener) {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = socket.local_addr().expect("an address");
    let settings = SETTINGS.replace("http://127.0.0.1:9/hook", &format!("http://{address}/hook"));
    (TestHouse::with(t, &settings, POLICY).await, socket)
}

/// A house whose CRM takes everything.
pub(crate) async fn house_with_crm(t: &TestDb) -> (TestHouse, PracticeCrm) {
    let (house, socket) = house_with_absent_crm(t).await;
    let crm = PracticeCrm::on(socket, &house.clock).await;
    (house, crm)
}

impl PracticeCrm {
    pub(crate) async fn on(socket: TcpListener, clock: &Arc<SetClock>) -> Self {
        let server = MockServer::builder().listener(socket).start().await;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let mood = Arc::new(Mutex::new(Mood::Takes));
        let (tell, came) = unbounded_channel();
        let ear = Ear { heard: Arc::clone(&heard), mood: Arc::clone(&mood), clock: Arc::clone(clock), tell };
        Mock::given(any()).respond_with(move |request: &Request| ear.answer(request)).mount(&server).await;
        Self { _server: server, heard, mood, came }
    }

    pub(crate) fn is_now(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// What it was told since it was last asked, refused or not.
    pub(crate) fn heard(&self) -> Vec<Value> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }
}

struct Ear {
    heard: Arc<Mutex<Vec<Value>>>,
    mood: Arc<Mutex<Mood>>,
    clock: Arc<SetClock>,
    tell: UnboundedSender<()>,
}

impl Ear {
    fn answer(&self, request: &Request) -> ResponseTemplate {
        let key = SigningKey::parse(SECRET).unwrap();
        if verify(&key, &request.headers, &request.body, self.clock.now()).is_err() {
            return ResponseTemplate::new(401);
        }
        let message: Value = serde_json::from_slice(&request.body).unwrap();
        let name = message["account"]["user_name"].as_str().unwrap_or_default().to_owned();
        if message["type"] == "account.state" {
            self.heard.lock().unwrap().push(message);
        }
        // Not every test listens.
        let _ = self.tell.send(());
        match &*self.mood.lock().unwrap() {
            Mood::Takes => {
                ResponseTemplate::new(200).set_body_json(json!({ "crm_id": format!("crm-{name}") }))
            }
            Mood::Answers(status) => ResponseTemplate::new(*status),
            Mood::Busy(seconds) => {
                ResponseTemplate::new(429).insert_header("Retry-After", seconds.to_string())
            }
            Mood::Refuses(who) if name.starts_with(who) => {
                ResponseTemplate::new(400).set_body_string("no such role here")
            }
            Mood::Chokes(who) if name.starts_with(who) => ResponseTemplate::new(500),
            Mood::Refuses(_) | Mood::Chokes(_) => ResponseTemplate::new(200),
            Mood::Waits(go, status) => {
                go.recv().unwrap();
                ResponseTemplate::new(*status)
            }
        }
    }
}
