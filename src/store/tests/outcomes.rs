//! How attempts end, and what the journal tells of it.

use super::attempts::{CLOSE, REPLY, claim, deed, done, no_inputs, sending, sent, settle};
use super::*;
use crate::engine::Wish;
use crate::engine::history::Deed;

async fn attempt(shelf: &Shelf) -> String {
    let sql = "SELECT phase || ' ' || outcome || ' ' || iif(sent_at, 'sent', 'not sent') || ' ' || coalesce(template, 'no template')
        || iif(follow_up IS NULL, '', ' ' || follow_up) || iif(look_at IS NULL, '', ' look') || iif(done_at IS NULL, '', ' at')
        FROM attempt ORDER BY id DESC LIMIT 1";
    shelf.rows(sql).await.remove(0)
}

async fn journal(shelf: &Shelf) -> Vec<String> {
    let lines = shelf.store.journal(None).await.unwrap();
    lines.iter().map(|line| format!("{} {} {}: {}", line.conversation, line.outcome, line.step, line.why)).collect()
}

fn word() -> String {
    "why".to_owned()
}

#[tokio::test]
async fn every_outcome_leaves_its_phase_its_word_and_whether_anything_left() {
    let shelf = Shelf::new().await;
    let raced = |reopen| Outcome::Raced { deed: deed(DAY), reopen, why: word() };
    let mut told = Vec::new();
    for (number, outcome) in [
        done(DAY, false),
        done(DAY, true),
        raced(false),
        raced(true),
        Outcome::Left(word()),
        Outcome::Deferred(word()),
        Outcome::DryRun { speaks: false, why: word() },
        Outcome::Unclear { look_at: at(9 * DAY), why: word() },
        Outcome::Parked { until: at(9 * DAY), why: word() },
        Outcome::Passed(word()),
        Outcome::Failed(word()),
    ]
    .into_iter()
    .enumerate()
    {
        let claimed = sent(&shelf, &number.to_string(), CLOSE, DAY).await;
        let settled = settle(&shelf, claimed, &outcome, DAY).await;
        let to_follow = outcome.follow_up().is_some();
        let over = matches!(
            outcome,
            Outcome::Done { .. } | Outcome::Raced { .. } | Outcome::Passed(_) | Outcome::Failed(_) | Outcome::Lost(_)
        );
        let ended = over.then(|| RuleName::from("quiet"));
        assert_eq!(settled, Settled { outcome: outcome.name(), news: true, to_follow, ended });
        told.push(attempt(&shelf).await);
    }
    insta::assert_snapshot!(told.join("\n"), @r"
    done done sent template at
    done done sent template restore_snooze at
    raced raced sent template at
    raced raced sent template reopen at
    open left not sent no template
    open deferred not sent no template
    open dry_run not sent no template
    unclear unclear sent template look
    parked deferred not sent no template look
    passed left not sent no template
    failed failed not sent no template
    ");
    let counted: Vec<_> = shelf.store.outcomes().await.unwrap();
    let counted: Vec<_> = counted.iter().map(|(word, count)| format!("{word} {count}")).collect();
    assert_eq!(counted.join(", "), "deferred 2, done 2, dry_run 1, failed 1, left 2, raced 2, unclear 1");
    assert_eq!(shelf.count("journal").await, 11);
}

#[tokio::test]
async fn the_journal_gets_a_line_only_when_there_is_news() {
    let shelf = Shelf::new().await;
    let claimed = claim(&shelf, "5", REPLY).await.unwrap();
    assert_eq!(journal(&shelf).await, Vec::<String>::new(), "a claim is no news");
    let late = Outcome::Deferred("the budget is spent".to_owned());
    assert!(settle(&shelf, claimed, &late, DAY).await.news);
    assert!(!settle(&shelf, claimed, &late, DAY + 1).await.news);
    assert!(settle(&shelf, claimed, &Outcome::Deferred("Intercom is away".to_owned()), DAY + 2).await.news);
    let other = sent(&shelf, "6", CLOSE, DAY).await;
    settle(&shelf, other, &done(DAY, false), DAY + 3).await;
    insta::assert_snapshot!(journal(&shelf).await.join("\n"), @r"
    5 deferred reply 1: the budget is spent
    5 deferred reply 1: Intercom is away
    6 done close: quiet
    ");
    let of_one = shelf.store.journal(Some(&id("6"))).await.unwrap();
    let [line] = of_one.as_slice() else { panic!("{of_one:?}") };
    assert_eq!(
        (line.at, line.rule.as_str(), line.does.as_str(), line.inputs.as_str()),
        (at(DAY + 3), "quiet", "close", "{}")
    );
    assert_eq!(shelf.store.journal(None).await.unwrap()[0].does, "reply");
}

#[tokio::test]
async fn an_outcome_of_no_attempt_is_an_error_and_leaves_the_writer_usable() {
    let shelf = Shelf::new().await;
    let nobody =
        Claimed { id: 404, tries: 0, turn: 1, sent: false, line: None, able: false, able_until: None, released: false };
    assert!(shelf.store.settle(nobody, &Outcome::Left(word()), &no_inputs(), &context()).await.is_err());
    let claimed = claim(&shelf, "5", CLOSE).await.unwrap();
    assert!(settle(&shelf, claimed, &Outcome::Left(word()), DAY).await.news);
    assert_eq!(journal(&shelf).await.len(), 1);
}

#[tokio::test]
async fn outcome_and_journal_are_one_transaction() {
    let shelf = Shelf::new().await;
    let claimed = sent(&shelf, "5", CLOSE, DAY).await;
    shelf.execute("CREATE TRIGGER no BEFORE INSERT ON journal BEGIN SELECT raise(ABORT, 'no'); END").await;
    assert!(shelf.store.settle(claimed, &done(DAY, false), &no_inputs(), &context_at(DAY)).await.is_err());
    assert!(attempt(&shelf).await.starts_with("unclear unclear sent"), "{}", attempt(&shelf).await);
    shelf.execute("DROP TRIGGER no").await;
    assert!(settle(&shelf, claimed, &done(DAY, false), DAY).await.news);
}

#[tokio::test]
async fn what_is_still_to_do_is_found_until_it_ended() {
    let shelf = Shelf::new().await;
    let reply = sent(&shelf, "5", REPLY, DAY).await;
    settle(&shelf, reply, &done(DAY, true), DAY).await;
    let close = sent(&shelf, "6", CLOSE, DAY).await;
    settle(&shelf, close, &Outcome::Raced { deed: deed(DAY), reopen: true, why: word() }, DAY + 1).await;
    let shelf = shelf.reopened().await;
    let open = async |minute: i64| shelf.store.follow_ups("ours", at(minute), 9).await.unwrap();
    assert!(open(DAY - 1).await.is_empty());
    let [restore, reopen] = &open(DAY + 1).await[..] else { panic!("two follow-ups") };
    assert_eq!((restore.follow_up, reopen.follow_up), (Some(FollowUp::RestoreSnooze), Some(FollowUp::Reopen)));
    assert_eq!(restore.snoozed_until, Some(at(DAY + 500)));

    shelf.store.followed(restore, &Followed::Again(at(DAY + 5)), &context_at(DAY + 1)).await.unwrap();
    assert_eq!(open(DAY + 4).await.len(), 1);
    let again = &open(DAY + 5).await[1];
    assert_eq!((again.claimed, again.follow_tries), (restore.claimed, 0), "nobody has said no");
    shelf.store.followed(again, &Followed::Refused(at(DAY + 5)), &context_at(DAY + 5)).await.unwrap();
    let again = &open(DAY + 5).await[1];
    assert_eq!((again.claimed, again.follow_tries), (restore.claimed, 1));
    let second = Deed { at: at(DAY + 6), part: None };
    shelf.store.followed(again, &Followed::Done(second), &context_at(DAY + 6)).await.unwrap();
    shelf.store.followed(reopen, &Followed::NotNeeded("it is open"), &context_at(DAY + 6)).await.unwrap();
    assert!(open(9 * DAY).await.is_empty());
    insta::assert_snapshot!(journal(&shelf).await.join("\n"), @r"
    5 done reply 1: quiet
    6 raced close: why
    5 done reply 1: the snooze that our message ended was restored
    6 raced close: it is open
    ");
    let deeds = shelf.rows("SELECT deeds FROM attempt ORDER BY id LIMIT 1").await.remove(0);
    assert_eq!(crate::store::rows::deeds(&deeds).unwrap(), [deed(DAY), second]);
}

#[tokio::test]
async fn what_is_to_follow_in_place_of_something_else_was_never_refused() {
    let shelf = Shelf::new().await;
    let reply = sent(&shelf, "5", REPLY, DAY).await;
    settle(&shelf, reply, &done(DAY, true), DAY).await;
    let next = async || shelf.store.follow_ups("ours", at(DAY + 5), 9).await.unwrap().remove(0);
    shelf.store.followed(&next().await, &Followed::Refused(at(DAY)), &context_at(DAY)).await.unwrap();
    let refused = next().await;
    assert_eq!((refused.follow_up, refused.follow_tries), (Some(FollowUp::RestoreSnooze), 1));
    shelf.store.followed(&refused, &Followed::ContactSpoke(deed(DAY)), &context_at(DAY)).await.unwrap();
    let instead = next().await;
    assert_eq!((instead.follow_up, instead.follow_tries), (Some(FollowUp::Reopen), 0));
}

#[tokio::test]
async fn of_what_was_to_become_so_the_rest_is_kept_while_it_is_tried_again_and_then_forgotten() {
    let tags = |names: &[&str]| names.iter().map(|name| Wish::Tagged((*name).to_owned())).collect::<Vec<_>>();
    let granted = |left: &[&str], again, missing: Option<&str>| {
        let (deeds, left, missing) = (vec![deed(DAY)], tags(left), missing.map(str::to_owned));
        Followed::Granted { deeds, left, again, refused: false, missing }
    };
    let shelf = Shelf::new().await;
    let close = claim(&shelf, "5", CLOSE).await.unwrap();
    let sending = Sending { wishes: tags(&["a", "b"]), ..sending(DAY) };
    let close = shelf.store.about_to_send(close, &sending).await.unwrap().unwrap();
    settle(&shelf, close, &done(DAY, false), DAY).await;
    let pending = async || shelf.store.follow_ups("ours", at(DAY + 5), 9).await.unwrap();
    let both = pending().await.remove(0);
    assert_eq!((both.follow_up, &both.wishes), (Some(FollowUp::Wishes), &tags(&["a", "b"])));
    shelf.store.followed(&both, &granted(&["b"], Some(at(DAY + 1)), None), &context_at(DAY)).await.unwrap();
    let rest = pending().await.remove(0);
    assert_eq!(rest.wishes, tags(&["b"]));
    assert_eq!(shelf.rows("SELECT why FROM attempt").await, ["quiet"]);
    shelf.store.followed(&rest, &granted(&["b"], None, Some("tag b is gone")), &context_at(DAY)).await.unwrap();
    assert!(pending().await.is_empty());
    let left = "SELECT why || ', wishes ' || coalesce(wishes, 'none') FROM attempt";
    assert_eq!(shelf.rows(left).await, ["quiet; tag b is gone, wishes none"]);
}

#[tokio::test]
async fn the_journal_tells_what_ended_the_snooze_that_was_restored() {
    for (kind, what) in [
        (StepKind::Reply, "our message"),
        (StepKind::Close, "our message"),
        (StepKind::Assign, "the assignment"),
        (StepKind::Note, "our note"),
    ] {
        let shelf = Shelf::new().await;
        let step = sent(&shelf, "5", StepId { kind, nth: 1 }, DAY).await;
        settle(&shelf, step, &done(DAY, true), DAY).await;
        let pending = shelf.store.follow_ups("ours", at(DAY), 9).await.unwrap().remove(0);
        shelf.store.followed(&pending, &Followed::Done(deed(DAY)), &context_at(DAY)).await.unwrap();
        let told = journal(&shelf).await.pop().unwrap();
        assert!(told.ends_with(&format!(": the snooze that {what} ended was restored")), "{told}");
    }
}

#[tokio::test]
async fn a_follow_up_that_was_refused_for_good_is_told_and_not_tried_again() {
    let shelf = Shelf::new().await;
    let reply = sent(&shelf, "5", REPLY, DAY).await;
    settle(&shelf, reply, &done(DAY, true), DAY).await;
    let pending = shelf.store.follow_ups("ours", at(DAY), 9).await.unwrap().remove(0);
    shelf.store.followed(&pending, &Followed::GivenUp("refused".to_owned()), &context_at(DAY)).await.unwrap();
    assert!(shelf.store.follow_ups("ours", at(9 * DAY), 9).await.unwrap().is_empty());
    assert_eq!(journal(&shelf).await.last().unwrap(), "5 done reply 1: refused");
}

#[tokio::test]
async fn an_attempt_that_took_no_effect_does_not_bar_its_template() {
    let shelf = Shelf::new().await;
    shelf.record(&[fetched(answered("5", 0))]).await;
    let claimed = sent(&shelf, "5", CLOSE, DAY).await;
    settle(&shelf, claimed, &Outcome::Deferred("not sent".to_owned()), DAY).await;
    let spoke = async || {
        let known = shelf.store.decided(&id("5"), &context_at(DAY)).await.unwrap().unwrap();
        known.history.attempts[0].spoke()
    };
    assert!(!spoke().await);
    assert!(shelf.store.about_to_send(claimed, &sending(DAY)).await.unwrap().is_some());
    assert!(spoke().await, "it may have left");
}
