//! A deed that Intercom does long after we have given up waiting: how late it may be, and what is said then.

use autoclosed::fake_intercom::{Endpoint, Fault};

use super::{outcomes, texts};
use crate::harness::{House, days, seconds};

const STEPS: [(&str, Endpoint); 3] = [
    (r#"do = "reply", body = "Bye for now.""#, Endpoint::Reply),
    (r#"do = "note", body = "Bye for now.""#, Endpoint::Note),
    (r#"do = "close", body = "Bye for now.""#, Endpoint::Close),
];

/// How often the text was said when Intercom did it so many seconds late.
async fn said(step: &str, on: Endpoint, late: i64) -> usize {
    let rule = format!("[[rule]]\nname = \"one\"\nmatch_all = true\nstep = [{{ after = \"1 day\", {step} }}]\n");
    let house = House::with(&rule).await;
    let id = house.answered().await;
    house.intercom.fault(on, Fault::Late(seconds(late)));
    house.after(days(1)).await;
    for _ in 0..70 {
        house.after(seconds(10)).await;
    }
    assert_eq!(outcomes(&house).await, [("done".to_owned(), 1)], "{late} s: {:?}", house.journal(&id).await);
    texts(&house, &id, "Bye for now.")
}

#[tokio::test]
async fn a_deed_that_comes_within_five_minutes_is_said_once_whenever_we_looked() {
    for (step, on) in STEPS {
        for late in [1, 59, 61, 65, 119, 240, 299] {
            assert_eq!(said(step, on, late).await, 1, "{step}, {late} s");
        }
    }
}

/// The bound that docs/reliability.md tells: nobody can know what an Intercom will still do that is later than that.
#[tokio::test]
async fn a_deed_that_comes_later_than_that_is_said_twice() {
    for (step, on) in &STEPS[..2] {
        assert_eq!(said(step, *on, 310).await, 2, "{step}");
    }
}

#[tokio::test]
async fn a_long_rest_of_lost_answers_makes_the_bound_longer() {
    let rule = "mode = \"live\"\n[safety]\nunclear_quiet = \"20 minutes\"\n[[rule]]\nname = \"one\"\nmatch_all = true\n\
        step = [{ after = \"1 day\", do = \"reply\", body = \"Bye for now.\" }]\n";
    let mut house = House::configured(rule, autoclosed::fake_intercom::Workspace::default()).await;
    house.start().await;
    house.look().await;
    let id = house.answered().await;
    house.intercom.fault(Endpoint::Reply, Fault::Late(seconds(1190)));
    house.after(days(1)).await;
    for _ in 0..150 {
        house.after(seconds(10)).await;
    }
    assert_eq!((texts(&house, &id, "Bye for now."), house.ours(&id, "comment")), (1, 1));
}

/// The contact writes after our first look, which showed nothing, and then Intercom closes or snoozes after all.
#[tokio::test]
async fn a_late_deed_that_hides_what_the_contact_wrote_is_taken_back() {
    for (step, on) in [
        (r#"do = "close", body = "Bye for now.""#, Endpoint::Close),
        (r#"do = "close", silent = true"#, Endpoint::Close),
        (r#"do = "snooze", for = "3 days""#, Endpoint::Snooze),
    ] {
        let rule = format!("[[rule]]\nname = \"one\"\nmatch_all = true\nstep = [{{ after = \"1 day\", {step} }}]\n");
        let house = House::with(&rule).await;
        let id = house.answered().await;
        house.intercom.fault(on, Fault::Late(seconds(200)));
        house.after(days(1)).await;
        house.after(seconds(100)).await;
        house.intercom.contact_replies(&id, "Wait!");
        house.after(seconds(101)).await;
        assert_ne!(house.state(&id), "open", "{step}: Intercom has done it over the reply");
        for _ in 0..20 {
            house.after(seconds(10)).await;
        }
        assert_eq!(house.state(&id), "open", "{step}: {:?} {:?}", house.deeds(), house.journal(&id).await);
    }
}
