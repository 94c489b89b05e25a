//! Programs of others that run beside a test, and end with it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

const PATIENCE: Duration = Duration::from_secs(20);

/// A program that listens.
pub(crate) struct Neighbour {
    child: Child,
}

impl Neighbour {
    /// Starts it and waits until somebody listens there.
    pub(crate) async fn start(command: &mut Command, address: SocketAddr) -> Neighbour {
        let mut neighbour = Neighbour { child: command.stdin(Stdio::null()).spawn().unwrap() };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            let ended = neighbour.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "nobody listens at {address}: {ended:?}");
            sleep(Duration::from_millis(20)).await;
        }
        neighbour
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        // It has ended already, which is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address of this machine that nobody listens at.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Runs a program to its end: what it says, which must be with status 0.
#[track_caller]
pub(crate) fn done(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let told = [output.stdout, output.stderr].map(|told| String::from_utf8_lossy(&told).into_owned()).concat();
    assert!(output.status.success(), "{command:?}: {}\n{told}", output.status);
    told
}

/// The text with each of the first replaced by the second; all of them must be there.
pub(crate) fn with(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the example says no more: {from}");
        text.replace(from, to)
    })
}

/// A certificate for `autoclosed.example.com` and its key, as `cert.pem` and `key.pem` in that folder.
pub(crate) fn certify(folder: &Path) {
    let request = "[req]\ndistinguished_name = dn\nx509_extensions = v3\nprompt = no\n[dn]\nCN = autoclosed.example.com\n\
        [v3]\nbasicConstraints = critical, CA:FALSE\nsubjectAltName = DNS:autoclosed.example.com\n";
    std::fs::write(folder.join("request.cnf"), request).unwrap();
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    let mut openssl = Command::new("openssl");
    openssl.current_dir(folder).args(["req", "-x509", "-config", "request.cnf"]).args(key);
    done(openssl.args(["-keyout", "key.pem", "-out", "cert.pem"]));
}
