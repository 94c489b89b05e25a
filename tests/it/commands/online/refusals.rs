//! What does not answer, and what is refused.

use autoclosed::fake_intercom::{Endpoint, Fault, RateReset};

use super::{Place, RULES};
use crate::harness::QUIET_A_DAY;

fn refusal(code: &str) -> String {
    serde_json::json!({"type": "error.list", "errors": [{"code": code, "message": "No"}]}).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_told_and_nothing_more_is_asked() {
    let place = Place::new("", RULES).await;
    place.intercom.change_workspace(|workspace| "another".clone_into(&mut workspace.token));
    insta::assert_snapshot!(place.finds(), @r"
    wrong  token          Intercom refuses the access token (HTTP 401, code unauthorized, request 00000001-0000-4000-8000-000000000001)
                          help: copy the token again from Authentication in the Developer Hub into INTERCOM_ACCESS_TOKEN; it works in the workspace's own region alone, see [intercom] region
    ok     notifications  none yet: there is no database before the first start

    1 wrong.
    [2]
    ");
    assert_eq!(place.asked(), ["GET /me"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intercom_that_does_not_answer_has_status_1() {
    let place = Place::new("timeout = \"1 second\"", RULES).await;
    for fault in [Fault::Html502, Fault::Drop, Fault::Garbage200] {
        place.intercom.fault(Endpoint::Me, fault.clone());
        assert!(place.finds().ends_with("\n1 wrong.\n[1]"), "{fault:?}");
    }
    place.intercom.fault(Endpoint::Tags, Fault::Html502);
    let told = place.finds_of("tags");
    insta::assert_snapshot!(told, @r"
    wrong  tags           Intercom fails to answer at present (HTTP 502)
    help: try again in a few minutes
    [1]
    ");
    place.intercom.stop();
    let told = place.finds();
    assert!(told.contains("Intercom could not be reached at http://intercom/ ("), "{told}");
    assert!(told.ends_with("[1]"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn that_it_may_slow_down_is_waited_for() {
    let place = Place::new("", QUIET_A_DAY).await;
    let reset = RateReset::InSeconds(1);
    place.intercom.fault(Endpoint::Me, Fault::RateLimited { reset });
    assert!(place.finds().ends_with("[0]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_is_refused_names_its_permission() {
    let place = Place::new("", RULES).await;
    place.intercom.contact_starts("Hello?");
    let refused = |status| Fault::Status { status, body: refusal("forbidden") };
    for (endpoint, status, permission) in [
        (Endpoint::Admins, 2, "Read admins"),
        (Endpoint::Teams, 2, "Read admins"),
        (Endpoint::Tags, 2, "Read tags"),
        (Endpoint::Search, 2, "Read conversations"),
        (Endpoint::Contact, 0, "Read users and companies"),
    ] {
        for answered in [401, 403] {
            place.intercom.clear_faults();
            place.intercom.fault_always(endpoint, refused(answered));
            let told = place.finds();
            assert!(told.contains(&format!("give the app the permission {permission} in")), "{endpoint:?}: {told}");
            assert!(told.ends_with(&format!("[{status}]")), "{endpoint:?}: {told}");
        }
    }
    place.intercom.clear_faults();
    place.intercom.fault_always(Endpoint::Tags, refused(403));
    insta::assert_snapshot!(place.finds_of("permissions"), @r"
    ok     permissions    Read admins, Read conversations, Read users and companies; the first deed will show the others: Write conversations, Write tags
    wrong  permissions    Intercom does not show the tags (HTTP 403, code forbidden)
    help: give the app the permission Read tags in the Developer Hub, under Authentication
    [2]
    ");
    place.intercom.clear_faults();
    place.intercom.fault_always(Endpoint::Attributes, refused(403));
    insta::assert_snapshot!(place.finds_of("permissions"), @r"
    ok     permissions    Read admins, Read tags, Read conversations, Read users and companies; the first deed will show the others: Write conversations, Write tags
    doubt  permissions    Intercom does not show the attributes (HTTP 403, code forbidden)
    help: the rules work without; only whether they name and fill attributes rightly is not checked
    [0]
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_intercom_does_not_know_is_told_where_it_stands() {
    let place = Place::new("api_version = \"2.99\"", RULES).await;
    insta::assert_snapshot!(place.finds(), @r#"
    wrong  api_version    a.toml:3:1: Intercom does not know version 2.99 of its API (HTTP 400, code intercom_version_invalid, request 00000001-0000-4000-8000-000000000001)
                          help: write api_version = "2.16", or another version that Intercom documents
    ok     notifications  none yet: there is no database before the first start

    1 wrong.
    [2]
    "#);
}
