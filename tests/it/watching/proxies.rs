//! nginx and Caddy, as our examples set them, between a stranger and the daemon: the examples are changed in their
//! addresses, names of files and ports, and in nothing else.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};

use autoclosed::fake_intercom::Workspace;
use autoclosed::intercom::signature::sign;
use reqwest::{Client, Method, StatusCode};
use secrecy::SecretString;

use super::nearby::{Neighbour, certify, done, free_address, with};
use super::{root, text, tools};
use crate::harness::{CLIENT_SECRET, House, QUIET_A_DAY};
use crate::metrics::page::Page;

/// Where listed requests come from, and where others do.
const LISTED: [u8; 4] = [127, 0, 0, 1];
const STRANGER: [u8; 4] = [127, 0, 0, 2];

/// The main file for nginx: what a test needs, and our example inside of it.
const AROUND: &str = "daemon off;\nmaster_process off;\npid pid;\nerror_log stderr crit;\nevents {}\nhttp {\naccess_log off;\n\
    client_body_temp_path body;\nproxy_temp_path proxy;\nfastcgi_temp_path fastcgi;\nuwsgi_temp_path uwsgi;\n\
    scgi_temp_path scgi;\ninclude site.conf;\n}\n";

/// nginx in that folder, with the list of addresses in that file.
fn nginx(tools: &Path, folder: &Path, list: &Path, front: SocketAddr, back: SocketAddr) -> Command {
    let site = with(
        &text("deploy/nginx/autoclosed.conf"),
        &[
            ("listen 443 ssl;", &format!("listen {front} ssl;")),
            ("/etc/letsencrypt/live/autoclosed.example.com/fullchain.pem", "cert.pem"),
            ("/etc/letsencrypt/live/autoclosed.example.com/privkey.pem", "key.pem"),
            ("/etc/nginx/intercom-addresses.conf", list.to_str().unwrap()),
            ("http://127.0.0.1:8080", &format!("http://{back}")),
        ],
    );
    fs::write(folder.join("site.conf"), site).unwrap();
    fs::write(folder.join("nginx.conf"), AROUND).unwrap();
    let mut nginx = Command::new(tools.join("usr/sbin/nginx"));
    nginx.args(["-e", "stderr", "-c", "nginx.conf", "-p"]).arg(folder).current_dir(folder);
    nginx
}

/// Caddy in that folder; `command` is what it should do.
fn caddy(tools: &Path, command: &str, (folder, list): (&Path, &Path), front: SocketAddr, back: SocketAddr) -> Command {
    let site =
        format!("https://autoclosed.example.com:{} {{\n\tbind 127.0.0.1\n\ttls cert.pem key.pem\n", front.port());
    let example = with(
        &text("deploy/caddy/Caddyfile"),
        &[
            ("{\n\tservers {", "{\n\tadmin off\n\tauto_https off\n\tservers {"),
            ("autoclosed.example.com {\n", &site),
            ("/etc/caddy/intercom-addresses", list.to_str().unwrap()),
            ("reverse_proxy 127.0.0.1:8080", &format!("reverse_proxy {back}")),
        ],
    );
    fs::write(folder.join("Caddyfile"), example).unwrap();
    let mut caddy = Command::new(tools.join("usr/bin/caddy"));
    caddy.args([command, "--adapter", "caddyfile", "--config", "Caddyfile"]).current_dir(folder);
    caddy.env("HOME", folder).env("XDG_CONFIG_HOME", folder).env("XDG_DATA_HOME", folder).stderr(Stdio::null());
    caddy
}

/// Who asks: an address of this machine, over TLS, and the name that the certificate is for.
struct Asker {
    client: Client,
    url: String,
}

impl Asker {
    fn from(address: [u8; 4], folder: &Path, front: SocketAddr) -> Asker {
        let certificate = reqwest::Certificate::from_pem(&fs::read(folder.join("cert.pem")).unwrap()).unwrap();
        let client = Client::builder().no_proxy().tls_certs_only([certificate]).local_address(IpAddr::from(address));
        let client = client.redirect(reqwest::redirect::Policy::none()).resolve("autoclosed.example.com", front);
        let url = format!("https://autoclosed.example.com:{}", front.port());
        Asker { client: client.build().unwrap(), url }
    }

    async fn asks(&self, method: Method, path: &str) -> StatusCode {
        self.client.request(method, format!("{}{path}", self.url)).send().await.unwrap().status()
    }

    /// What a body is answered, with a signature over its bytes or over others.
    async fn sends(&self, body: Vec<u8>, signed: bool) -> StatusCode {
        let signature = sign(&SecretString::from(CLIENT_SECRET), if signed { &body } else { b"other bytes" });
        let request = self.client.post(format!("{}/webhooks/intercom", self.url)).header("X-Hub-Signature", signature);
        // A server may answer before it has read a body that is too large, and close.
        request.body(body).send().await.map_or(StatusCode::PAYLOAD_TOO_LARGE, |answer| answer.status())
    }
}

/// A notification of that many bytes, with white space, escapes and letters that would not survive being rewritten.
fn notification(id: &str, size: usize) -> Vec<u8> {
    let app_id = Workspace::default().app_id;
    let head = format!(
        "{{ \"topic\" : \"contact.tag.created\",\r\n\t\"app_id\":\"{app_id}\", \"id\":\"{id}\", \"created_at\": 1772442000,\
         \"a\":\"\\u00e4 ä \\/ 🙂\", \"b\": 1.0e0, \"b\": 2, \"data\":{{\"item\":null}}, \"filler\":\""
    );
    let filler = "x".repeat(size.saturating_sub(head.len() + 2));
    format!("{head}{filler}\"}}").into_bytes()
}

async fn holds(house: &mut House, folder: &Path, front: SocketAddr) {
    let (intercom, stranger) = (Asker::from(LISTED, folder, front), Asker::from(STRANGER, folder, front));
    let seen = async |house: &House| {
        let page = Page::of(house).await;
        page.lines("autoclosed_webhook_requests_total").join(", ")
    };
    assert_eq!(intercom.sends(notification("n1", 700), true).await, 200, "a signed one, byte for byte");
    assert_eq!(intercom.sends(notification("n2", 1 << 20), true).await, 200, "as large as `max_body`");
    assert_eq!(intercom.sends(notification("n3", 700), false).await, 401, "the daemon's own answer");
    assert_eq!(intercom.asks(Method::HEAD, "/webhooks/intercom").await, 200, "Intercom's look at the address");
    assert_eq!(seen(house).await, "200 2, 401 1");
    assert_eq!(intercom.sends(notification("n4", (1 << 20) + 1), true).await, 413);
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS] {
        assert_eq!(intercom.asks(method, "/webhooks/intercom").await, 405);
    }
    assert_eq!(stranger.sends(notification("n5", 700), true).await, 403, "who is not listed");
    assert_eq!(stranger.asks(Method::HEAD, "/webhooks/intercom").await, 403);
    for path in ["/", "/metrics", "/ready", "/webhooks/intercom/", "/webhooks", "/health/x", "/webhooks/../metrics"] {
        for asker in [&intercom, &stranger] {
            assert_eq!(asker.asks(Method::GET, path).await, 404, "{path}");
        }
    }
    assert_eq!(stranger.asks(Method::GET, "/health").await, 200);
    assert!(!stranger.asks(Method::POST, "/health").await.is_success());
    assert_eq!(seen(house).await.replace(", 413 1", ""), "200 2, 401 1", "nothing else came through");
    house.stop().await;
    assert_eq!(intercom.sends(notification("n6", 700), true).await, 502, "Intercom sends it once more");
}

async fn house() -> House {
    let house = House::with(QUIET_A_DAY).await;
    house.sweep().await;
    house
}

#[tokio::test]
async fn behind_nginx_the_daemon_gets_what_intercom_signed_and_nothing_else() {
    let Some(tools) = tools() else { return };
    let (mut house, folder) = (house().await, tempfile::tempdir().unwrap());
    let (front, folder) = (free_address(), folder.path());
    certify(folder);
    fs::write(folder.join("list"), "allow 127.0.0.1;\n").unwrap();
    let mut nginx = nginx(&tools, folder, &folder.join("list"), front, house.daemon().public_address());
    let _running = Neighbour::start(&mut nginx, front).await;
    holds(&mut house, folder, front).await;
}

#[tokio::test]
async fn behind_caddy_the_daemon_gets_what_intercom_signed_and_nothing_else() {
    let Some(tools) = tools() else { return };
    let (mut house, folder) = (house().await, tempfile::tempdir().unwrap());
    let (front, folder) = (free_address(), folder.path());
    certify(folder);
    fs::write(folder.join("list"), "remote_ip 127.0.0.1\n").unwrap();
    let mut caddy = caddy(&tools, "run", (folder, &folder.join("list")), front, house.daemon().public_address());
    let _running = Neighbour::start(&mut caddy, front).await;
    holds(&mut house, folder, front).await;
}

#[test]
fn both_take_the_list_of_each_region() {
    let Some(tools) = tools() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (folder, nobody) = (folder.path(), free_address());
    certify(folder);
    for region in ["us", "eu", "au"] {
        let lists = [format!("deploy/nginx/intercom-{region}.conf"), format!("deploy/caddy/intercom-{region}")];
        let [for_nginx, for_caddy] = lists.map(|list| root().join(list));
        done(nginx(&tools, folder, &for_nginx, nobody, nobody).arg("-t"));
        done(&mut caddy(&tools, "validate", (folder, &for_caddy), nobody, nobody));
    }
}
