//! Bodies that would fill the memory: all that strangers send at once is bounded, however they cut it.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use super::peer::{chunked, post};
use super::program::Program;
use super::*;

const MIB: usize = 1 << 20;

/// The head of a body of 1 MiB, and all of it but for the last byte.
fn all_but_one() -> Vec<u8> {
    let mut request = post(&[b"X-Hub-Signature: sha1=00"], &vec![b' '; MIB]);
    request.pop();
    request
}

/// So many bodies of nearly 1 MiB are sent and not ended: how many of them are refused before their deadline.
async fn refused_of(house: &House, count: usize) -> usize {
    let request = all_but_one();
    let mut peers = Vec::new();
    for _ in 0..count {
        let mut peer = peer(house).await;
        peer.send(&request).await;
        peers.push(peer);
    }
    // Those that wait for their last byte have nothing to say yet, or that it comes too late.
    let asked = peers.iter_mut().map(|peer| timeout(Duration::from_secs(2), peer.answer()));
    let answers: Vec<_> = join_all(asked).await.into_iter().filter_map(Result::ok).map(Option::unwrap).collect();
    assert!(answers.iter().all(|answer| [503, 408].contains(&answer.status)), "{answers:?}");
    let refused = answers.iter().filter(|answer| answer.status == 503).count();
    takes_the_next(house, 1).await;
    refused
}

#[tokio::test]
async fn large_bodies_share_their_room_and_small_ones_need_none() {
    let house = house().await;
    // Each has 64 KiB of its own, and 64 MiB are shared: 68 of them fit.
    assert_eq!(refused_of(&house, 80).await, 12);
    // They are gone, and their room is free.
    takes_the_next(&house, 2).await;
    assert_eq!(refused_of(&house, 60).await, 0);
}

/// A list of its chunks would take many times the room.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_chunks_of_a_byte_takes_no_more_memory_than_in_one_piece() {
    let program = Program::start("http://127.0.0.1:1", "info", "");
    let body = vec![b' '; 48 * 1024];
    let ask = async |request: Vec<u8>| Peer::to(program.webhook).await.ask(&request).await.unwrap().status;
    let lines = [b"X-Hub-Signature: sha1=00".as_slice()];
    assert_eq!(join_all((0..12).map(|_| ask(post(&lines, &body)))).await, [401; 12]);
    let before = program.most_resident();
    let answers = join_all((0..12).map(|_| ask(chunked(&lines, &body, 1, "")))).await;
    // On a busy machine the deadline may come first; what is held until then is the same.
    assert!(answers.iter().all(|status| [401, 408].contains(status)), "{answers:?}");
    let grown = program.most_resident() - before;
    // What the program takes for its start in the same moment is a few MiB; the lists would be some twenty.
    assert!(grown < 8 * 1024, "{grown} KiB for twelve bodies of 48 KiB");
}
