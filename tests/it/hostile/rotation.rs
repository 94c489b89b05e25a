//! The client secret is changed, again and again, while notifications arrive.

use std::cell::Cell;

use autoclosed::config::Secrets;
use secrecy::SecretString;

use super::peer::signed;
use super::*;

fn secrets(client_secrets: &[&str]) -> Secrets {
    let client_secrets = client_secrets.iter().map(|secret| SecretString::from(*secret)).collect();
    Secrets { access_token: SecretString::from(Workspace::default().token), client_secrets }
}

/// Sends good ones, signed with this, until it is told to stop: what was answered to them.
async fn keep_sending(house: &House, secret: &str, turn: usize, stop: &Cell<bool>) -> Vec<u16> {
    let (mut peer, mut answers) = (peer(house).await, Vec::new());
    while !stop.get() || answers.is_empty() {
        let body = reply(1, &format!("{secret}-{turn}-{}", answers.len())).to_string();
        answers.push(peer.ask(&signed(secret, body.as_bytes())).await.unwrap().status);
    }
    answers
}

/// Puts these in force, while good ones arrive that are signed with a secret that holds before and after.
async fn change(house: &House, to: &[&str], meanwhile: &str) -> usize {
    let (config, stop) = (house.config(), Cell::new(false));
    let changed = async {
        house.daemon().reload(&config, &secrets(to)).await.unwrap();
        stop.set(true);
    };
    let ((), answers) = tokio::join!(changed, keep_sending(house, meanwhile, to.len(), &stop));
    assert!(answers.iter().all(|status| *status == 200), "{meanwhile}: {answers:?}");
    answers.len()
}

async fn status_by(house: &House, secret: &str) -> u16 {
    let body = reply(2, &format!("after-{secret}")).to_string();
    peer(house).await.ask(&signed(secret, body.as_bytes())).await.unwrap().status
}

#[tokio::test]
async fn in_a_hundred_rotations_nothing_valid_is_refused_and_the_old_secret_is_refused_at_once() {
    let house = house().await;
    let names: Vec<String> =
        std::iter::once(CLIENT_SECRET.to_owned()).chain((1..=100).map(|n| format!("secret-{n}"))).collect();
    let mut taken = 0;
    for pair in names.windows(2) {
        let [old, new] = [&pair[0], &pair[1]];
        taken += change(&house, &[old, new], old).await;
        assert_eq!((status_by(&house, old).await, status_by(&house, new).await), (200, 200));
        taken += change(&house, &[new], new).await;
        assert_eq!(status_by(&house, old).await, 401, "from the moment the reload is done");
    }
    // What each secret signed between two changes was sent anew after the next one.
    assert_eq!(stored(&house).await.len(), taken + 101);
}
