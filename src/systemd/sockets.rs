//! The listening sockets that systemd opens for us and keeps while nobody runs, so that a restart refuses no connection.
//!
//! Owns: which of them is whose, by its name, and what is wrong with one. Refuses: opening any, and serving one that was
//! not asked for: whoever passes it believes that it is served.

use std::io;
use std::net::{SocketAddr, TcpListener};

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;

/// What systemd has passed, if it has.
#[derive(Debug, Default)]
pub struct Sockets {
    webhook: Option<TcpListener>,
    admin: Option<TcpListener>,
}

/// One of our two listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// Where notifications are received.
    Webhook,
    /// Where health is told in detail.
    Admin,
}

impl Listener {
    /// The section of the configuration that has its address.
    pub fn section(self) -> &'static str {
        match self {
            Listener::Webhook => "server",
            Listener::Admin => "admin",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Listener::Webhook => "webhook",
            Listener::Admin => "admin",
        }
    }
}

/// What was passed cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum SocketsError {
    /// No listener of ours has that name.
    #[error(
        "systemd passes a socket that is named `{0}`; write FileDescriptorName=webhook or FileDescriptorName=admin in its socket unit, run `systemctl daemon-reload` and `systemctl reset-failed`, and start that unit again"
    )]
    Unknown(String),
    /// A name that two of them have.
    #[error(
        "systemd passes more than one socket that is named `{0}`; leave one ListenStream= line with that FileDescriptorName= in the socket units, run `systemctl daemon-reload` and `systemctl reset-failed`, and start them again"
    )]
    Twice(&'static str),
    /// A datagram, a path in the file system, a connection, or no socket at all.
    #[error(
        "what systemd passes as `{0}` is no TCP socket that listens; write ListenStream= with an address and a port in its socket unit, and no Accept=yes, run `systemctl daemon-reload` and `systemctl reset-failed`, and start that unit again"
    )]
    Kind(&'static str, #[source] Option<io::Error>),
    /// It listens elsewhere than the configuration says.
    #[error(
        "systemd listens on {passed} for `{name}`, and [{section}] listen says {configured}; write the same address there and in ListenStream= of the socket unit, run `systemctl daemon-reload` and `systemctl reset-failed`, and start that unit again"
    )]
    Elsewhere {
        /// Its name.
        name: &'static str,
        /// The section that has its address.
        section: &'static str,
        /// Where it listens.
        passed: SocketAddr,
        /// Where it should.
        configured: SocketAddr,
    },
}

impl Sockets {
    /// Takes what was passed to this process, once. To be called before there are threads, as it clears the variables that
    /// say so.
    pub fn take(environment: impl Fn(&str) -> Option<String>) -> Result<Sockets, SocketsError> {
        // What was passed to a process that started us is not ours.
        let ours = environment("LISTEN_PID").is_some_and(|pid| pid == std::process::id().to_string());
        if !ours {
            return Ok(Sockets::default());
        }
        let names = environment("LISTEN_FDNAMES").unwrap_or_default();
        let mut passed = ListenFd::from_env();
        let mut names = names.split(':');
        let found = (0..passed.len()).map(|at| {
            let name = names.next().filter(|name| !name.is_empty()).unwrap_or("unknown");
            (name.to_owned(), passed.take_tcp_listener(at))
        });
        sorted(found)
    }

    /// The one for this listener, which the configuration wants there. Any port will do where it wants port 0.
    pub fn of(&self, listener: Listener, configured: SocketAddr) -> Result<Option<&TcpListener>, SocketsError> {
        let (name, section) = (listener.name(), listener.section());
        let ours = match listener {
            Listener::Webhook => &self.webhook,
            Listener::Admin => &self.admin,
        };
        let Some(ours) = ours else { return Ok(None) };
        let passed = ours.local_addr().map_err(|error| SocketsError::Kind(name, Some(error)))?;
        let same_port = configured.port() == 0 || configured.port() == passed.port();
        if configured.ip() == passed.ip() && same_port {
            return Ok(Some(ours));
        }
        Err(SocketsError::Elsewhere { name, section, passed, configured })
    }
}

fn sorted(passed: impl Iterator<Item = (String, io::Result<Option<TcpListener>>)>) -> Result<Sockets, SocketsError> {
    let mut sockets = Sockets::default();
    for (name, socket) in passed {
        let (place, name) = match name.as_str() {
            "webhook" => (&mut sockets.webhook, "webhook"),
            "admin" => (&mut sockets.admin, "admin"),
            _ => return Err(SocketsError::Unknown(name)),
        };
        let socket = socket.map_err(|error| SocketsError::Kind(name, Some(error)))?;
        let listening = socket.filter(|socket| socket_acceptconn(socket).unwrap_or(false));
        let listening = listening.ok_or(SocketsError::Kind(name, None))?;
        if place.replace(listening).is_some() {
            return Err(SocketsError::Twice(name));
        }
    }
    Ok(sockets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").unwrap()
    }

    fn named(name: &str) -> (String, io::Result<Option<TcpListener>>) {
        (name.to_owned(), Ok(Some(listening())))
    }

    #[test]
    fn a_socket_is_its_names_whatever_the_order() {
        let sockets = sorted([named("admin"), named("webhook")].into_iter()).unwrap();
        let anywhere = "127.0.0.1:0".parse().unwrap();
        let ports = [Listener::Webhook, Listener::Admin].map(|listener| {
            let found = sockets.of(listener, anywhere).unwrap().unwrap();
            found.local_addr().unwrap().port()
        });
        assert_ne!(ports[0], ports[1]);
        assert_eq!(sockets.admin.unwrap().local_addr().unwrap().port(), ports[1]);
        let none = sorted(std::iter::empty()).unwrap();
        assert!(none.of(Listener::Webhook, anywhere).unwrap().is_none());
    }

    #[test]
    fn what_cannot_be_served_is_refused_with_what_to_write() {
        // A connection listens to nobody.
        let listener = listening();
        let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let connection = TcpListener::from(std::os::fd::OwnedFd::from(stream));
        let datagram = io::Error::other("fd 3 is not a valid tcp socket");
        let refused = [
            vec![named("webhook"), named("autoclosed.socket")],
            vec![named("unknown")],
            vec![named("webhook"), named("admin"), named("webhook")],
            vec![("admin".to_owned(), Ok(Some(connection)))],
            vec![("webhook".to_owned(), Err(datagram))],
        ];
        let told = refused.map(|passed| sorted(passed.into_iter()).unwrap_err().to_string()).join("\n");
        insta::assert_snapshot!(told, @"
        systemd passes a socket that is named `autoclosed.socket`; write FileDescriptorName=webhook or FileDescriptorName=admin in its socket unit, run `systemctl daemon-reload` and `systemctl reset-failed`, and start that unit again
        systemd passes a socket that is named `unknown`; write FileDescriptorName=webhook or FileDescriptorName=admin in its socket unit, run `systemctl daemon-reload` and `systemctl reset-failed`, and start that unit again
        systemd passes more than one socket that is named `webhook`; leave one ListenStream= line with that FileDescriptorName= in the socket units, run `systemctl daemon-reload` and `systemctl reset-failed`, and start them again
        what systemd passes as `admin` is no TCP socket that listens; write ListenStream= with an address and a port in its socket unit, and no Accept=yes, run `systemctl daemon-reload` and `systemctl reset-failed`, and start that unit again
        what systemd passes as `webhook` is no TCP socket that listens; write ListenStream= with an address and a port in its socket unit, and no Accept=yes, run `systemctl daemon-reload` and `systemctl reset-failed`, and start that unit again
        ");
    }

    #[test]
    fn it_listens_where_the_configuration_says_or_not_at_all() {
        let on = |ip: &str| {
            let socket = TcpListener::bind((ip, 0)).unwrap();
            let port = socket.local_addr().unwrap().port().to_string();
            let sockets = sorted([("webhook".to_owned(), Ok(Some(socket)))].into_iter()).unwrap();
            let at = |configured: &str| {
                let configured = configured.replace("PORT", &port).parse().unwrap();
                let found = sockets.of(Listener::Webhook, configured);
                found.map(|found| found.is_some()).map_err(|error| error.to_string().replace(&port, "PORT"))
            };
            ["127.0.0.1:PORT", "127.0.0.1:0", "0.0.0.0:PORT", "127.0.0.2:PORT", "127.0.0.1:1"].map(at)
        };
        let [same, any, all, other, port_1] = on("127.0.0.1");
        assert_eq!((same, any), (Ok(true), Ok(true)));
        assert!(all.is_err() && other.is_err());
        insta::assert_snapshot!(port_1.unwrap_err(), @"systemd listens on 127.0.0.1:PORT for `webhook`, and [server] listen says 127.0.0.1:1; write the same address there and in ListenStream= of the socket unit, run `systemctl daemon-reload` and `systemctl reset-failed`, and start that unit again");
        let [same, any, all, ..] = on("0.0.0.0");
        assert!(same.is_err() && any.is_err() && all == Ok(true));
    }

    #[test]
    fn what_was_passed_to_another_process_is_not_ours() {
        let sockets = Sockets::take(|name| Some(if name == "LISTEN_PID" { "1" } else { "7" }.to_owned())).unwrap();
        assert!(sockets.webhook.is_none() && sockets.admin.is_none());
    }
}
