//! What becomes of connections when the server is told to stop.

use super::*;

#[tokio::test]
async fn shutdown_waits_for_a_running_request() {
    let server = Running::start(limits()).await;
    let mut busy = server.send("GET /slow HTTP/1.1\r\nhost: example.com\r\n\r\n").await;
    server.started.notified().await;
    let mut idle = server.send(OK).await;
    answer(&mut idle).await;
    server.shutdown.cancel();
    assert_eq!(rest(&mut idle).await, "", "nobody waits for one who asks nothing");
    server.release.notify_one();
    let all = rest(&mut busy).await;
    assert!(all.ends_with("done") && all.contains("connection: close"), "{all}");
    assert_eq!(server.stop().await, Served::default());
}

#[tokio::test]
async fn shutdown_cuts_what_is_still_busy_when_the_drain_ends() {
    let server = Running::start(Limits { drain: SHORT, ..limits() }).await;
    let mut half = server.send("GET /ok HT").await;
    let mut busy = server.send("GET /slow HTTP/1.1\r\nhost: example.com\r\n\r\n").await;
    server.started.notified().await;
    assert_eq!(server.stop().await, Served { cut: 2, ..Served::default() });
    assert_eq!((rest(&mut half).await, rest(&mut busy).await), (String::new(), String::new()));
}

/// What was sent before its sender could know that we stop must not be lost: a proxy cannot send it again by itself.
#[tokio::test]
async fn who_asks_while_it_stops_is_answered_and_told_that_the_connection_closes() {
    let server = Running::start(limits()).await;
    let mut kept = server.send(OK).await;
    assert!(!answer(&mut kept).await.contains("connection: close"));
    let mut half = server.send(&OK[..OK.len() / 2]).await;
    let mut new = server.connect().await;
    // The one that is answered was accepted after the two before it.
    let mut last = server.send(OK).await;
    answer(&mut last).await;
    server.shutdown.cancel();
    tokio::task::yield_now().await;
    for (name, stream, asked) in
        [("kept", &mut kept, OK), ("in the middle of its head", &mut half, &OK[OK.len() / 2..]), ("new", &mut new, OK)]
    {
        stream.write_all(asked.as_bytes()).await.unwrap();
        let all = rest(stream).await;
        assert!(all.starts_with("HTTP/1.1 200") && all.contains("connection: close"), "{name}: {all}");
    }
    assert_eq!(server.stop().await, Served::default());
}

/// As with a socket that systemd keeps: what was not accepted is the next one's.
#[tokio::test]
async fn what_waits_to_be_accepted_is_left_to_whoever_listens_next() {
    let listener = autoclosed::server::bind("127.0.0.1:0".parse().unwrap()).unwrap().into_std().unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    let mut early = TcpStream::connect(address).await.unwrap();
    early.write_all(OK_AND_CLOSE.as_bytes()).await.unwrap();
    for (shutdown, handled) in [(shutdown, 0), (CancellationToken::new(), 1)] {
        let ours = TcpListener::from_std(listener.try_clone().unwrap()).unwrap();
        let count = Arc::<AtomicUsize>::default();
        let router = router(&count, &Arc::default(), &Arc::default());
        let serving = tokio::spawn(serve(ours, router, limits(), shutdown.clone(), roll_call().1));
        if handled == 1 {
            assert!(rest(&mut early).await.ends_with("ok"));
            shutdown.cancel();
        }
        assert_eq!(serving.await.unwrap(), Served::default());
        assert_eq!(count.load(Ordering::SeqCst), handled);
    }
}
