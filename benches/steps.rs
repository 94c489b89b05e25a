//! What each step of a notification costs by itself, and a batch of them together.
//!
//! `cargo bench --bench steps`; docs/performance.md has what came of it.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on fails")]

#[path = "load/people.rs"]
mod people;

use std::hint::black_box;
use std::sync::Arc;

use autoclosed::clock::Clock;
use autoclosed::engine::conversation::Conversation;
use autoclosed::engine::decide;
use autoclosed::engine::history::History;
use autoclosed::engine::rule::RuleSet;
use autoclosed::intercom::lens::Lens;
use autoclosed::intercom::notification::{self, Content};
use autoclosed::intercom::signature::{Secrets, Verified, sign};
use autoclosed::intercom::text::TextKey;
use autoclosed::receiver;
use autoclosed::rulebook::{Edition, Rulebook};
use autoclosed::store::{Context, KeepBodies, Record, Store};
use axum::body::Bytes;
use axum::http::HeaderMap;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::people::{CLIENT_SECRET, People};

const APP_ID: &str = "ab12cd34";

fn people(seed: u64) -> People {
    let now = Clock::System.now().as_second() - 5;
    People { app_id: APP_ID.to_owned(), conversations: 100_000, seed, now }
}

/// Ten rules of which each has a condition of its own; one conversation in four has a tag that one of them names.
fn rules() -> RuleSet {
    let rule = |rule: u32| {
        format!(
            "[[rule]]\nname = \"area-{rule}\"\nmatch.tags = [\"area-{}\"]\nstep = [{{ after = \"{} days\", do = \"close\", body = \"Bye.\" }}]\n",
            100 + rule,
            3 + rule
        )
    };
    let text: String = (0..10).map(rule).collect();
    autoclosed::config::parse("rules.toml", text.as_bytes()).unwrap().config.rules
}

fn context() -> Context {
    let now = Clock::System.now();
    Context {
        app_id: Some(APP_ID.into()),
        admin_id: Some("1009".into()),
        rulebook: Rulebook::new(Edition::new(rules(), true)),
        keep_bodies: KeepBodies::Odd,
        now,
        received_at: now,
    }
}

fn lens() -> Lens {
    let lens = Lens::new(TextKey::new(&[7; 32]));
    lens.go_by(&rules());
    lens
}

fn verified(body: String) -> Verified {
    let secret = SecretString::from(CLIENT_SECRET);
    let signature = sign(&secret, body.as_bytes());
    Secrets::new([&secret]).verify([signature.as_bytes()].into_iter(), Bytes::from(body)).unwrap()
}

fn records(people: &mut People, lens: &Lens, count: usize) -> Vec<Record> {
    let one = |body: Verified| receiver::record(notification::parse(&body, lens), body);
    (0..count).map(|_| one(verified(people.notification()))).collect()
}

fn one_notification(c: &mut Criterion) {
    let (lens, body) = (lens(), people(1).notification());
    let mut group = c.benchmark_group("notification");
    group.throughput(Throughput::Bytes(body.len() as u64));
    let secret = SecretString::from(CLIENT_SECRET);
    let (secrets, mut head) = (Secrets::new([&secret]), HeaderMap::new());
    head.insert("x-hub-signature", sign(&secret, body.as_bytes()).parse().unwrap());
    let raw = Bytes::from(body.clone());
    group.bench_function("signature", |b| {
        let signatures = || head.get_all("x-hub-signature").iter().map(axum::http::HeaderValue::as_bytes);
        b.iter(|| secrets.verify(signatures(), black_box(raw.clone())).is_ok());
    });
    let verified = verified(body);
    group.bench_function("parse", |b| b.iter(|| notification::parse(black_box(&verified), &lens)));
    group.finish();
}

fn one_conversation(c: &mut Criterion) {
    let (lens, rules, mut people) = (lens(), rules(), people(2));
    let seen: Vec<_> = std::iter::repeat_with(|| notification::parse(&verified(people.notification()), &lens))
        .filter_map(|told| if let Content::Conversation(seen) = told.content { Some(*seen) } else { None })
        .take(100)
        .collect();
    let (now, history) = (Clock::System.now(), History::default());
    let fresh = Conversation::unread(seen[0].id.clone());
    let known: Vec<_> =
        seen.iter().map(|seen| Conversation { whole: true, ..fresh.clone().after(seen, None) }).collect();
    let mut group = c.benchmark_group("conversation");
    group.throughput(Throughput::Elements(100));
    group.bench_function("fold, 100 times", |b| {
        let fold = |known: Vec<Conversation>| {
            known.into_iter().zip(&seen).map(|(known, seen)| known.after(seen, None)).collect::<Vec<_>>()
        };
        b.iter_batched(|| known.clone(), fold, BatchSize::SmallInput);
    });
    group.bench_function("decide by ten rules, 100 times", |b| {
        b.iter(|| known.iter().filter_map(|known| decide(known, &history, &rules, black_box(now)).due_at()).count());
    });
    group.finish();
}

/// A store in a folder of its own.
struct Shelf {
    runtime: Runtime,
    store: Store,
    _folder: TempDir,
}

impl Shelf {
    fn with(told: &[Record], context: &Context) -> Shelf {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir_in(concat!(env!("CARGO_MANIFEST_DIR"), "/target")).unwrap();
        let store = runtime.block_on(Store::open(&folder.path().join("a.db"))).unwrap();
        let shelf = Shelf { runtime, store, _folder: folder };
        told.chunks(64).for_each(|batch| shelf.record(batch, context));
        shelf
    }

    fn record(&self, batch: &[Record], context: &Context) {
        self.runtime.block_on(self.store.record(batch, context)).unwrap();
    }
}

fn batches(c: &mut Criterion) {
    let (lens, context, mut people) = (lens(), context(), people(3));
    let told = records(&mut people, &lens, 6_400);
    let shelf = Shelf::with(&told, &context);
    let mut group = c.benchmark_group("batch");
    for count in [1, 16, 64] {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("commit of {count}"), |b| {
            b.iter_batched(
                || records(&mut people, &lens, count),
                |batch| shelf.record(&batch, &context),
                BatchSize::PerIteration,
            );
        });
    }
    let again = &told[..64];
    group.bench_function("replay of 64", |b| b.iter(|| shelf.record(again, &context)));
    group.finish();
}

fn lookup(c: &mut Criterion) {
    let (lens, context, mut people) = (lens(), context(), people(4));
    let shelf = Shelf::with(&records(&mut people, &lens, 12_800), &context);
    let app_id: Arc<str> = APP_ID.into();
    c.bench_function("look-up with nothing due", |b| {
        b.iter(|| shelf.runtime.block_on(shelf.store.due(&app_id, context.now, 120)).unwrap().len());
    });
}

criterion_group!(steps, one_notification, one_conversation, batches, lookup);
criterion_main!(steps);
